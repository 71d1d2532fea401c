// Fills at their price, a line from entry to exit of each trade, and what they say under the pointer.

const NEAR = 12;

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
    if (this.crowded = fills.length > width / 5) return this.rug(g, trades, height);
    for (const t of trades) this.connect(g, t);
    for (const fill of fills) this.mark(g, fill, view.spacing > 4 ? 6 : 4.5);
  }

  /** Too many to mark one by one: a tick at the foot of the pane for each, green when it made money. */
  rug(g, trades, height) {
    const { view } = this;
    for (const { trade, from } of trades) {
      g.fillStyle = faded(trade.pnl_net < 0 ? view.colors.down : view.colors.up, 0.7);
      g.fillRect(view.x(from) - 0.5, height - 14, 1, 8);
    }
  }

  shade(g, height) {
    const { view } = this, feed = view.feed;
    if (this.chosen.data !== feed.name) return;
    const half = Math.max(view.spacing / 2, 2);
    const left = view.x(feed.barAt(this.chosen.entry_time)) - half, right = view.x(feed.barAt(this.chosen.exit_time)) + half;
    g.fillStyle = faded(view.colors.accent, 0.1);
    g.fillRect(left, 0, right - left, height);
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
