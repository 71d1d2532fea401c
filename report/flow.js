// Volume by price of the bars in sight, and the price rows of single bars when they are wide.
// Both are drawn from typed arrays, for what is visible only.

const WIDE_BAR = 58, TEXT_ROW = 12, ROW_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

class Levels {
  constructor(packed, number) {
    Object.assign(this, packed.meta.feeds[number]);
    this.cells = this.rows(packed, `${number}:cell`);
    this.blocks = this.rows(packed, `${number}:block`);
    const [since, until, price] = ['since', 'until', 'price'].map(name => packed.numbers(`${number}:naked:${name}`));
    this.naked = { since, until, price };
  }

  static of(packed, number) {
    return packed && packed.meta.feeds[number] ? new Levels(packed, number) : null;
  }

  rows(packed, prefix) {
    const [owner, count, row, buys, sells] = ['owner', 'count', 'row', 'buys', 'sells']
      .map(name => packed.numbers(`${prefix}:${name}`));
    const place = new Map();
    let at = 0;
    owner.forEach((key, i) => { place.set(key, [at, at + count[i]]); at += count[i]; });
    return { place, row, buys, sells };
  }

  /** Where the rows of a bar lie; null when the page does not carry them. */
  ofBar(bar) {
    return this.cells.place.get(bar) || null;
  }

  /** Volume by row of the bars from…to: whole blocks where they fit, single bars at the edges. */
  profile(from, to) {
    const key = `${from}:${to}`;
    if (this.cached?.key === key) return this.cached;
    const sums = new Map();
    const add = ({ row, buys, sells }, [start, end], weight) => {
      for (let i = start; i < end; i++) {
        let sum = sums.get(row[i]);
        if (!sum) sums.set(row[i], sum = [0, 0]);
        sum[0] += weight * buys[i];
        sum[1] += weight * sells[i];
      }
    };
    for (let bar = from; bar <= to;) bar = this.addFrom(bar, to, add);
    return this.cached = { key, sums };
  }

  addFrom(bar, to, add) {
    const block = Math.floor(bar / this.size), end = (block + 1) * this.size;
    const rows = this.blocks.place.get(block);
    if (rows && bar === block * this.size && end <= to + 1) {
      add(this.blocks, rows, 1);
      return end;
    }
    const own = this.ofBar(bar);
    if (own) add(this.cells, own, 1);
    else if (rows) add(this.blocks, rows, 1 / this.size);
    return bar + 1;
  }
}

class FlowLayer {
  constructor(view) {
    this.view = view;
    this.profileOn = this.footprintOn = true;
  }

  attached({ requestUpdate }) { this.requestUpdate = requestUpdate; }

  updateAllViews() {}

  paneViews() {
    const layer = (zOrder, draw) => ({
      zOrder: () => zOrder,
      renderer: () => ({ draw: target => target.useMediaCoordinateSpace(scope => draw(scope.context, scope.mediaSize)) }),
    });
    return [layer('bottom', (g, size) => this.drawProfile(g, size)), layer('normal', (g, size) => this.drawFootprint(g, size))];
  }

  /** Whether bars are wide enough, and the page carries rows for one of them. */
  get active() {
    const { view } = this;
    if (!this.footprintOn || !view.levels || !view.window || view.spacing < WIDE_BAR) return false;
    const [from, to] = view.visibleBars();
    for (let bar = from; bar <= to; bar++) if (view.levels.ofBar(bar)) return true;
    return false;
  }

  /** How many rows are drawn as one so that each is `pixels` high. */
  step(pixels) {
    const { view } = this, price = view.priceAt(0) ?? 0;
    const height = Math.abs(view.y(price) - view.y(price - view.levels.row));
    return ROW_STEPS.find(step => step * height >= pixels) ?? ROW_STEPS.at(-1);
  }

  joinedRows(entries, step) {
    const rows = new Map();
    for (const [row, buys, sells] of entries) {
      const key = Math.floor(row / step);
      const sum = rows.get(key);
      if (sum) { sum[0] += buys; sum[1] += sells; } else rows.set(key, [buys, sells]);
    }
    return rows;
  }

  /** Top and height on the screen of a row that is `step` rows high. */
  edges(key, step) {
    const { row } = this.view.levels;
    const bottom = this.view.y(key * step * row), top = this.view.y((key + 1) * step * row);
    return [top, bottom - top];
  }

  drawProfile(g, { width }) {
    const { view } = this;
    this.profileFrom = Infinity;
    if (!this.profileOn || !view.levels || !view.window) return;
    const [from, to] = view.visibleBars();
    if (to < from) return;
    const step = this.step(4);
    const rows = this.joinedRows(Array.from(view.levels.profile(from, to).sums, ([row, [b, s]]) => [row, b, s]), step);
    const most = Math.max(...Array.from(rows.values(), ([b, s]) => b + s));
    const reach = Math.min(170, width * 0.16), color = view.colors;
    this.profileFrom = width - reach;
    for (const [key, [buys, sells]] of rows) {
      const [top, height] = this.edges(key, step);
      const bought = reach * buys / most, sold = reach * sells / most;
      const strength = buys + sells === most ? 0.5 : 0.24;
      g.fillStyle = faded(color.up, strength);
      g.fillRect(width - bought, top + 0.5, bought, Math.max(1, height - 1));
      g.fillStyle = faded(color.down, strength);
      g.fillRect(width - bought - sold, top + 0.5, sold, Math.max(1, height - 1));
    }
  }

  drawFootprint(g) {
    if (!this.active) return;
    const { view } = this, { row, buys, sells } = view.levels.cells;
    const [from, to] = view.visibleBars(), step = this.step(TEXT_ROW), bars = [];
    let most = 0;
    for (let bar = from; bar <= to; bar++) {
      const place = view.levels.ofBar(bar);
      if (!place) continue;
      const entries = [];
      for (let i = place[0]; i < place[1]; i++) entries.push([row[i], buys[i], sells[i]]);
      const rows = this.joinedRows(entries, step);
      for (const [b, s] of rows.values()) most = Math.max(most, b, s);
      bars.push([bar, rows]);
    }
    this.font = `${view.spacing > 90 ? 11 : 10}px ${getComputedStyle(document.body).fontFamily}`;
    g.textBaseline = 'middle';
    for (const [bar, rows] of bars) this.drawBar(g, bar, rows, step, most);
  }

  drawBar(g, bar, rows, step, most) {
    const { view } = this, color = view.colors, x = view.x(bar), wide = Math.min(150, view.spacing * 0.9);
    const left = x - wide / 2 + 8, middle = x + 4, right = x + wide / 2;
    this.drawCandle(g, bar, left - 5);
    // Numbers stay readable over lines, and over the profile, which shines through none of them.
    const ground = right > this.profileFrom ? color.panel : faded(color.panel, 0.82);
    const peak = Math.max(...Array.from(rows.values(), ([b, s]) => b + s));
    let lowest = -Infinity, delta = 0, volume = 0;
    for (const [key, [b, s]] of rows) {
      const [top, height] = this.edges(key, step);
      g.fillStyle = ground;
      g.fillRect(left, top + 0.5, right - left, height - 1);
      g.fillStyle = faded(color.down, 0.05 + 0.5 * Math.sqrt(s / most));
      g.fillRect(left, top + 0.5, middle - left - 0.5, height - 1);
      g.fillStyle = faded(color.up, 0.05 + 0.5 * Math.sqrt(b / most));
      g.fillRect(middle + 0.5, top + 0.5, right - middle - 0.5, height - 1);
      if (b + s === peak) {
        g.strokeStyle = color.ink;
        g.strokeRect(left, top + 0.5, right - left, height - 1);
      }
      const heavy = imbalances(rows, key, view.levels.imbalance);
      if (heavy.sells) { g.fillStyle = color.down; g.fillRect(left - 2, top + 0.5, 3, height - 1); }
      if (heavy.buys) { g.fillStyle = color.up; g.fillRect(right - 1, top + 0.5, 3, height - 1); }
      g.fillStyle = color.ink;
      g.textAlign = 'right';
      g.font = heavy.sells ? `bold ${this.font}` : this.font;
      g.fillText(brief(s), middle - 4, top + height / 2);
      g.textAlign = 'left';
      g.font = heavy.buys ? `bold ${this.font}` : this.font;
      g.fillText(brief(b), middle + 4, top + height / 2);
      lowest = Math.max(lowest, top + height);
      delta += b - s;
      volume += b + s;
    }
    g.font = this.font;
    g.textAlign = 'center';
    g.fillStyle = delta < 0 ? color.down : color.up;
    g.fillText(`Δ ${delta < 0 ? MINUS : '+'}${brief(Math.abs(delta))}`, middle, lowest + 9);
    g.fillStyle = color.muted;
    g.fillText(brief(volume), middle, lowest + 22);
  }

  drawCandle(g, bar, x) {
    const { view } = this, { open, high, low, close } = view.feed;
    const y = [open, high, low, close].map(v => view.y(v[bar]));
    g.fillStyle = g.strokeStyle = close[bar] < open[bar] ? view.colors['candle-down'] : view.colors['candle-up'];
    g.fillRect(x - 0.5, y[1], 1, y[2] - y[1]);
    g.fillRect(x - 2.5, Math.min(y[0], y[3]), 5, Math.max(1, Math.abs(y[0] - y[3])));
  }
}

/** Whether the buyers and whether the sellers of a row overwhelm those they met: one row away, or in the same row. */
function imbalances(rows, key, rule) {
  const away = rule.compare === 'horizontal' ? 0 : 1, [buys, sells] = rows.get(key);
  const below = rows.get(key - away) ?? [0, 0], above = rows.get(key + away) ?? [0, 0];
  return { buys: overwhelms(buys, below[1], below, rule), sells: overwhelms(sells, above[0], above, rule) };
}

function overwhelms(volume, other, row, { ratio, min_volume: least, zero, missing }) {
  if (!(volume > 0) || volume < least) return false;
  if (missing === 'ignore' && !(row[0] + row[1] > 0)) return false;
  return other > 0 ? volume >= ratio * other : zero === 'infinite';
}

/** The rule in a few words, for the legend. */
function imbalanceWords({ ratio, compare, of }) {
  return `imbalance \u2265 ${ratio} : 1${compare === 'horizontal' ? ' in a row' : ''}${of ? ` (${of})` : ''}`;
}
