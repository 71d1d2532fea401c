// What lies behind and over the series of a pane: sessions, bands, naked levels, flags of the data.

const MOST = 60, DAMAGED = 1 | 4 | 16 | 32 | 64, FLAGS = ['gap', 'filled', 'partial', 'inferred side', 'id hole', 'disorder', 'void'];

/** Something drawn in a pane for what is visible only; a subclass says what, and may be switched off. */
class Layer {
  constructor(view, order = 'bottom') {
    Object.assign(this, { view, order, on: true });
  }

  attached({ requestUpdate }) { this.requestUpdate = requestUpdate; }

  updateAllViews() {}

  paneViews() {
    return [{
      zOrder: () => this.order,
      renderer: () => ({
        draw: target => {
          if (this.on && this.view.window) target.useMediaCoordinateSpace(scope => this.draw(scope.context, scope.mediaSize));
        },
      }),
    }];
  }
}

/** Every second session shaded; days, weeks from Monday and months of them when they would be too many. */
class SessionLayer extends Layer {
  draw(g, { height }) {
    const { view, view: { feed } } = this, [from, to] = view.visibleBars();
    if (to <= from) return;
    g.fillStyle = faded(view.colors.ink, theme.dark ? 0.032 : 0.03);
    for (const [start, end, odd] of sessions(feed.sessions, feed.time[from] - feed.span[from], feed.time[to])) {
      if (!odd) continue;
      const left = view.x(firstNotBelow(feed.time, start + 1) - 0.5), right = view.x(firstNotBelow(feed.time, end + 1) - 0.5);
      g.fillRect(left, 0, right - left, height);
    }
  }
}

/** Day 0, 1970-01-01, was a Thursday. */
const GROUPS = [(day, i) => i, day => day, day => Math.floor((day + 3) / 7), day => monthOf(day)];

function monthOf(day) {
  const date = new Date(day * 864e5);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Start and end of every session, or group of sessions, that a stretch of time touches, in µs, and whether its number is odd. */
function sessions({ edge, day }, from, to) {
  const first = Math.max(0, firstNotBelow(edge, from + 1) - 1), last = Math.min(day.length, firstNotBelow(edge, to)) - 1;
  if (last < first) return [];
  const group = GROUPS.find(of => of(day[last], last) - of(day[first], first) < MOST) ?? GROUPS.at(-1);
  const key = i => group(day[i], i), made = [];
  if (key(last) - key(first) > 1.5 * MOST) return made;
  let start = first;
  while (start > 0 && key(start - 1) === key(first)) start--;
  for (let i = start, end; i <= last; i = end) {
    end = i + 1;
    while (end < day.length && key(end) === key(i)) end++;
    made.push([edge[i], edge[end], key(i) % 2 !== 0]);
  }
  return made;
}

/** What lies between two columns: bands of a line, the value area, where equity might have been. */
class BandLayer extends Layer {
  constructor(view, band, series) {
    super(view);
    Object.assign(this, { band, series });
  }

  draw(g) {
    const { view, band } = this, { window, scale } = view, range = scale.getVisibleLogicalRange();
    if (!range) return;
    const from = Math.max(0, Math.floor(range.from) - 1), to = Math.min(window.count - 1, Math.ceil(range.to) + 1);
    g.fillStyle = faded(band.paint ? theme.color(band.paint) : lineColor(band.color), band.strength);
    let top = [], bottom = [];
    const close = () => {
      if (top.length > 1) {
        g.beginPath();
        for (const [x, y] of [...top, ...bottom.reverse()]) g.lineTo(x, y);
        g.fill();
      }
      [top, bottom] = [[], []];
    };
    for (let point = from; point <= to; point++) {
      const high = this.y(band.high, point), low = this.y(band.low, point), x = scale.logicalToCoordinate(point);
      if (high == null || low == null) { close(); continue; }
      if (band.steps && top.length) { top.push([x, top.at(-1)[1]]); bottom.push([x, bottom.at(-1)[1]]); }
      top.push([x, high]);
      bottom.push([x, low]);
    }
    close();
  }

  y(values, point) {
    const value = this.view.window.value(values, 'last', point);
    return Number.isFinite(value) ? this.series.priceToCoordinate(value) : null;
  }

  /** A band of equity makes room for itself while most of the run is in sight. */
  autoscaleInfo() {
    const { view, band } = this, [from, to] = view.span;
    if (!this.on || !band.room || to - from < 0.5 * view.feed.n) return null;
    this.reach ??= [GROUPED.min(band.low, 0, band.low.length), GROUPED.max(band.high, 0, band.high.length)];
    const [minValue, maxValue] = this.reach;
    return Number.isFinite(minValue) && Number.isFinite(maxValue) ? { priceRange: { minValue, maxValue } } : null;
  }
}

/** Where earlier sessions traded most, until price came back. */
class NakedLayer extends Layer {
  constructor(view) { super(view, 'normal'); }

  draw(g, { width }) {
    const { view, view: { levels, feed } } = this, [from, to] = view.visibleBars();
    if (!levels) return;
    g.lineWidth = 1;
    g.font = `10px ${getComputedStyle(document.body).fontFamily}`;
    g.textBaseline = 'bottom';
    g.textAlign = 'left';
    for (let i = 0; i < levels.naked.price.length; i++) {
      const since = levels.naked.since[i], until = levels.naked.until[i], open = until >= feed.n;
      if (since > to || until < from || until - since < (to - from) / 150) continue;
      const left = Math.max(0, view.x(since)), right = open ? width : view.x(until), y = view.y(levels.naked.price[i]);
      g.strokeStyle = faded(view.colors.ink, open ? 0.75 : 0.4);
      g.setLineDash(open ? [7, 3] : [2, 3]);
      g.beginPath();
      g.moveTo(left, y);
      g.lineTo(right, y);
      g.stroke();
      if (right - left < 90) continue;
      g.fillStyle = faded(view.colors.ink, open ? 0.85 : 0.55);
      g.fillText(`${open ? 'naked ' : ''}POC ${this.named(since - 1)}`, left + 4, y - 1);
    }
    g.setLineDash([]);
  }

  /** The session of a bar: its date, and the hour in UTC at which it began where there are several a day. */
  named(bar) {
    const { time, span, sessions: { edge, day } } = this.view.feed;
    const i = Math.max(0, firstNotBelow(edge, time[bar] - span[bar] + 1) - 1);
    return edge[i + 1] - edge[i] < 72e9 ? moment(edge[i]).slice(5, 16) : new Date(day[i] * 864e5).toISOString().slice(5, 10);
  }
}

/** Flags of the bars along the foot of the pane. */
class QualityLayer extends Layer {
  constructor(view) { super(view, 'top'); }

  draw(g, { height }) {
    const { view, view: { window, feed } } = this;
    if (!feed.quality) return;
    const [from, to] = view.visibleBars(), half = view.scale.options().barSpacing / 2;
    const first = window.grouping.of(from) - window.first, last = window.grouping.of(to) - window.first;
    for (let point = first; point <= Math.min(window.count - 1, last); point++) {
      const flags = point < 0 ? 0 : window.flags(point);
      if (!flags) continue;
      g.fillStyle = flags & DAMAGED ? view.colors.alarm : faded(view.colors.muted, 0.6);
      g.fillRect(view.scale.logicalToCoordinate(point) - half, height - 4, Math.max(1, 2 * half), 4);
    }
  }
}

/** The flags in words. */
function flagNames(flags) {
  return FLAGS.filter((_, bit) => flags & (1 << bit)).join(', ');
}
