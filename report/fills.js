// Fills at their price, a line from entry to exit of each trade, and what they say under the pointer.

const NEAR = 12, COLUMN = 4;

class FillLayer {
  constructor(view, run) {
    Object.assign(this, { view, run, on: true, chosen: null });
  }

  attached({ requestUpdate }) { this.requestUpdate = requestUpdate; }

  updateAllViews() {}

  paneViews() {
    return [{
      zOrder: () => 'top',
      renderer: () => ({ draw: target => target.useMediaCoordinateSpace(scope => this.draw(scope.context, scope.mediaSize)) }),
    }];
  }

  /** Fills and trades of another feed, each with the bar it fell into. */
  use(feed) {
    const own = list => list.filter(x => x.data === feed.name);
    this.fills = own(this.run.fills).map(fill => ({ ...fill, bar: feed.barAt(fill.time) }));
    this.trades = own(this.run.trades).map(trade => ({
      trade, from: feed.barAt(trade.entry_time), to: feed.barAt(trade.exit_time),
    }));
  }

  draw(g, { width, height }) {
    const { view } = this;
    if (!view.window) return;
    const [from, to] = view.visibleBars();
    if (this.chosen) this.shade(g, height);
    if (!this.on) return;
    const trades = this.trades.filter(t => t.to >= from && t.from <= to);
    const fills = this.fills.filter(f => f.bar >= from && f.bar <= to);
    if (this.crowded = fills.length > width / 5) return this.density(g, fills, width, height);
    for (const t of trades) this.connect(g, t);
    for (const fill of fills) this.mark(g, fill, view.spacing > 4 ? 6 : 4.5);
  }

  /** Too many to mark one by one: at the foot of the pane how many were bought, upwards, and sold, downwards; all of them. */
  density(g, fills, width, height) {
    const { view } = this, columns = new Map(), middle = height - 18;
    for (const fill of fills) {
      const at = Math.floor(view.x(fill.bar) / COLUMN), own = columns.get(at) ?? { buy: 0, sell: 0 };
      own[fill.side === 'buy' ? 'buy' : 'sell']++;
      columns.set(at, own);
    }
    const most = Math.max(1, ...[...columns.values()].flatMap(({ buy, sell }) => [buy, sell]));
    for (const [at, counts] of columns) {
      for (const [side, way] of [['buy', -1], ['sell', 1]]) {
        if (!counts[side]) continue;
        const tall = 2 + 11 * counts[side] / most;
        g.fillStyle = faded(view.colors[side], 0.75);
        g.fillRect(at * COLUMN, way < 0 ? middle - tall : middle, COLUMN - 1, tall);
      }
    }
    g.fillStyle = faded(view.colors.muted, 0.6);
    g.fillRect(0, middle, width, 0.5);
    this.columns = columns;
  }

  shade(g, height) {
    const { view } = this, feed = view.feed;
    if (this.chosen.data !== feed.name) return;
    const half = Math.max(view.spacing / 2, 2);
    const left = view.x(feed.barAt(this.chosen.entry_time)) - half, right = view.x(feed.barAt(this.chosen.exit_time)) + half;
    g.fillStyle = faded(view.colors.accent, 0.1);
    g.fillRect(left, 0, right - left, height);
    for (const [kind, color] of [['stop', 'down'], ['target', 'up']]) {
      const levels = this.run.levels(this.chosen, kind);
      if (levels.length) this.level(g, left, right, levels, kind, view.colors[color]);
    }
  }

  /** Where the stop or the target of the trade that is chosen lay, as it moved. */
  level(g, left, right, levels, name, color) {
    const { view } = this, { feed } = view;
    g.strokeStyle = g.fillStyle = color;
    g.lineWidth = 1;
    g.setLineDash([2, 2]);
    g.beginPath();
    levels.forEach(([time, price], i) => {
      const y = view.y(price), x = i ? view.x(feed.barAt(time)) : left;
      if (i) g.lineTo(x, view.y(levels[i - 1][1]));
      g[i ? 'lineTo' : 'moveTo'](x, y);
    });
    g.lineTo(right, view.y(levels.at(-1)[1]));
    g.stroke();
    g.setLineDash([]);
    g.font = `10px ${getComputedStyle(document.body).fontFamily}`;
    g.textBaseline = 'bottom';
    g.fillText(name, left + 3, view.y(levels[0][1]) - 1);
  }

  connect(g, { trade, from, to }) {
    const { view } = this;
    g.strokeStyle = faded(trade.pnl_net < 0 ? view.colors.down : view.colors.up, view.footprint ? 0.45 : 1);
    g.lineWidth = trade === this.chosen ? 2.5 : 1.5;
    g.setLineDash([4, 3]);
    g.beginPath();
    g.moveTo(view.x(from), view.y(trade.entry_price));
    g.lineTo(view.x(to), view.y(trade.exit_price));
    g.stroke();
    g.setLineDash([]);
  }

  /** A triangle that touches the price with its tip, from below for a buy. */
  mark(g, fill, size) {
    const { view } = this, x = view.x(fill.bar), y = view.y(fill.price), way = fill.side === 'buy' ? 1 : -1;
    g.beginPath();
    g.moveTo(x, y);
    g.lineTo(x - size, y + way * size * 1.7);
    g.lineTo(x + size, y + way * size * 1.7);
    g.closePath();
    g.fillStyle = fill.side === 'buy' ? view.colors.buy : view.colors.sell;
    g.fill();
    g.strokeStyle = view.colors.panel;
    g.lineWidth = 1;
    g.stroke();
  }

  /** The fill nearest to a point of the price pane. */
  nearest({ x, y }) {
    if (!this.on || this.crowded) return null;
    const { view } = this, [from, to] = view.visibleBars();
    let best = null, least = NEAR * NEAR;
    for (const fill of this.fills) {
      if (fill.bar < from || fill.bar > to) continue;
      const dx = view.x(fill.bar) - x, dy = view.y(fill.price) + (fill.side === 'buy' ? 5 : -5) - y;
      const distance = dx * dx + dy * dy;
      if (distance < least) [best, least] = [fill, distance];
    }
    return best;
  }

  /** The trade under a point: that of the fill there, or from afar the one that moved most of those in a column. */
  tradeAt(point) {
    const fill = this.nearest(point), { view } = this;
    if (fill) return this.trades.find(({ trade }) => trade.entry_time <= fill.time && fill.time <= trade.exit_time)?.trade ?? null;
    if (!this.on || !this.crowded) return null;
    const from = view.window.bar(view.scale.coordinateToLogical(point.x - COLUMN)), to = view.window.bar(view.scale.coordinateToLogical(point.x + COLUMN));
    const under = this.trades.filter(t => t.from <= to && t.to >= from).map(t => t.trade);
    return under.sort((a, b) => Math.abs(b.pnl_net) - Math.abs(a.pnl_net))[0] ?? null;
  }

  tell(fill, decimals) {
    const lines = [
      ['size', figures(fill.size)],
      ['price', shown(fill.price, decimals)],
      ['time', moment(fill.time)],
      ['fee', figures(fill.commission)],
    ];
    if (fill.pnl) lines.push(['profit', this.run.amount(fill.pnl, true)]);
    if (fill.reason) lines.push(['reason', fill.reason]);
    const head = element('b', { textContent: `${fill.side} ${fill.type}`, className: fill.side });
    const rows = lines.map(([name, text]) => element('div', {}, element('dt', { textContent: name }), element('dd', { textContent: text })));
    return [head, element('dl', {}, ...rows)];
  }
}
