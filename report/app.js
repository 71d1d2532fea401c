// The run out of its packed form, and the page brought to life.

class Run {
  constructor(packed) {
    this.packed = packed;
    this.meta = packed.meta;
    this.feeds = new Map();
    this.fills = this.table('fills', this.meta.fills, ['time', 'executed_price', 'executed_size', 'commission', 'pnl'], ['data', 'side', 'type', 'reason'])
      .map(f => ({ ...f, price: f.executed_price, size: Math.abs(f.executed_size) }));
    this.trades = this.table('trades', this.meta.trades,
      ['entry_time', 'exit_time', 'size', 'entry_price', 'exit_price', 'bars', 'pnl', 'pnl_net', 'commission', 'return_pct',
        'mae_pct', 'mfe_pct', 'stop', 'target', 'trail',
        ...(this.meta.trade_band ? ['pnl_low', 'pnl_high'] : [])],
      ['data', 'direction', 'entry_reason', 'exit_reason']);
    this.trades.forEach((trade, i) => { trade.number = i + 1; });
    for (const { trade, kind, time, price } of this.table('moves', this.meta.moves, ['trade', 'time', 'price'], ['kind'])) {
      ((this.trades[trade].moves ??= {})[kind] ??= []).push([time, price]);
    }
    this.lineTime = packed.has('lines:time') ? packed.numbers('lines:time') : new Float64Array(0);
    this.lines = this.meta.lines.map((line, i) => ({ ...line, values: () => packed.numbers(`lines:${i}`) }));
    this.equity = this.readEquity();
    this.desks = this.meta.desks.map((desk, i) => new DeskLedger(packed, desk, i));
    this.strategies = [...new Set(this.desks.map(desk => desk.strategy).filter(Boolean))];
    this.flows = this.meta.flows.map(kind => ({ kind, values: packed.numbers(`flow:${kind}`) }));
    this.money = this.meta.money;
  }

  table(prefix, count, numbers, words) {
    if (!count) return [];
    const columns = [...numbers.map(k => [k, this.packed.numbers(`${prefix}:${k}`)]), ...words.map(k => [k, this.packed.words(`${prefix}:${k}`)])];
    return Array.from({ length: count }, (_, i) => Object.fromEntries(columns.map(([k, values]) => [k, values[i]])));
  }

  readEquity() {
    const { packed, meta: { equity: { peak, derived, position, bands } } } = this, value = packed.numbers('equity:value');
    return {
      bands: (bands ?? []).map(what => this.readBand(what)),
      time: packed.numbers('equity:time'), value,
      drawdown: derived ? drawdown(value, peak) : packed.numbers('equity:drawdown'),
      position: position ? packed.numbers('equity:position') : null,
    };
  }

  /** A band of equity, by its name, at every bar. */
  readBand(name) {
    const [low, high] = ['low', 'high'].map(end => this.packed.numbers(`${name}:${end}`));
    return { name, low, high };
  }

  feed(number) {
    if (!this.feeds.has(number)) this.feeds.set(number, new Feed(this.packed, number));
    return this.feeds.get(number);
  }

  /** An amount of the account's money. */
  amount(value, signed = false) {
    return shown(value, this.money.decimals, signed);
  }

  /** A heading over amounts, with their unit where it is not quote currency. */
  titled(title) {
    return this.money.unit ? `${title}, ${this.money.unit}` : title;
  }

  /** Where a stop or target of a trade lay: the moments from which it did, in µs, and the prices. */
  levels(trade, kind) {
    if (!Number.isFinite(trade[kind])) return [];
    if (trade.moves?.[kind]) return trade.moves[kind];
    const number = this.meta.feeds.findIndex(feed => feed.name === trade.data);
    return kind === 'stop' && Number.isFinite(trade.trail) && number >= 0 ? trailed(this.feed(number), trade) : [[trade.entry_time, trade[kind]]];
  }

  decimals(name) {
    return this.meta.feeds.find(feed => feed.name === name)?.decimals ?? 2;
  }
}

/** How a trailing stop followed the closes: each time that it came nearer. */
function trailed(feed, { entry_time, exit_time, entry_price, direction, trail }) {
  const way = direction === 'long' ? 1 : -1, from = feed.barAt(entry_time), to = feed.barAt(exit_time);
  const below = best => (trail > 0 ? best * (1 - way * trail) : best + way * trail);
  let best = entry_price;
  const made = [[entry_time, below(best)]];
  for (let i = from; i < to; i++) {
    if (way * (feed.close[i] - best) <= 0) continue;
    best = feed.close[i];
    made.push([feed.time[i], below(best)]);
  }
  return made;
}

/** One strategy in one instrument: its position and the cash that it brought so far, where they changed. */
class DeskLedger {
  constructor(packed, told, number) {
    Object.assign(this, told);
    for (const name of ['time', 'position', 'cash']) this[name] = packed.numbers(`desk:${number}:${name}`);
  }

  /** The size held at the close of every bar of a feed. */
  held(feed) {
    return feed.asOf(this.time, this.position);
  }

  /** What it had brought by the close of every bar of a feed; NaN before its first fill. */
  profit(run, feed) {
    const own = run.feed(run.meta.feeds.findIndex(other => other.name === this.data));
    const price = feed.asOf(own.time, own.close), size = this.held(feed), cash = feed.asOf(this.time, this.cash);
    return cash.map((paid, i) => paid + (size[i] ? this.worth(size[i], price[i]) : 0));
  }

  worth(size, price) {
    return this.contract ? -size * this.contract / price : size * price * this.multiplier;
  }
}

const SHEET = 700;

const SPANS = [['day', 864e8], ['week', 6048e8], ['month', 2592e9]];

class App {
  constructor(run, levels) {
    this.run = run;
    this.view = new View(run, levels);
    this.list = new TradeList(run, trade => { this.go(trade); document.getElementById('chart-section').scrollIntoView({ block: 'start' }); });
    this.card = new TradeCard(this);
    this.view.onTrade = trade => this.choose(trade);
    this.fillToolbar();
    this.fillNote();
    this.contents();
    this.bindPage();
    if (!this.goToHash()) this.frame(() => this.view.fit());
    this.view.listeners.push(() => this.remember());
  }

  // The bar above the chart.

  fillToolbar() {
    const { view, run } = this, feeds = document.getElementById('feed');
    feeds.hidden = run.meta.feeds.length < 2;
    feeds.append(...run.meta.feeds.map((feed, i) => element('option', { value: i, textContent: this.named(feed) })));
    feeds.onchange = () => { this.use(Number(feeds.value)); view.fit(); };
    const button = (text, onclick, title = '') => element('button', { type: 'button', textContent: text, onclick, title });
    document.getElementById('spans').append(button('all', () => view.fit(), 'The whole run (f)'), ...SPANS.map(([name, span]) => button(name, () => this.lastSpan(span), `The last ${name}`)));
    this.layers();
    if (view.levels) document.getElementById('spans').append(button('rows', () => view.showRows(), 'Zoom in until bars show their footprint (r)'));
    const date = document.getElementById('go-date'), { time } = view.feed;
    [date.min, date.max] = [time[0] - 1, time.at(-1) - 1].map(t => isoMoment(t).slice(0, 10));
    date.onchange = () => { const at = parseMoment(date.value); if (Number.isFinite(at)) view.goTo(at); };
    document.querySelector('.trade-steps').hidden = !run.trades.length;
    document.getElementById('previous-trade').onclick = () => this.step(-1);
    document.getElementById('next-trade').onclick = () => this.step(1);
  }

  /** A feed in the chooser: its name, its bars, and what it brought where it is one of several that are traded. */
  named({ name, spec }) {
    const brought = this.run.meta.brought[name];
    return [name, spec, brought == null ? '' : this.run.amount(brought, true)].filter(Boolean).join(' · ');
  }

  layers() {
    const { view, run } = this, box = document.getElementById('layers');
    const layer = (text, on, set, title = '') => {
      const button = element('button', { type: 'button', textContent: text, ariaPressed: String(on), title });
      button.onclick = () => {
        button.ariaPressed = String(button.ariaPressed !== 'true');
        set(button.ariaPressed === 'true');
        view.paintCandles();
        view.redraw();
      };
      box.append(button);
    };
    if (run.fills.length || run.trades.length) layer('fills', true, on => { view.marks.on = on; });
    if (view.levels) layer('profile', true, on => { view.flow.profileOn = on; });
    if (view.levels) layer('footprint', true, on => { view.flow.footprintOn = on; });
    if (view.levels?.naked.price.length) layer('naked', true, on => view.turn(NakedLayer, on), 'Points of control of earlier sessions that price has not come back to');
    layer('sessions', true, on => view.turn(SessionLayer, on), `Every second session: each ${view.feed.session}`);
    if (view.panes.some(pane => pane.bands?.length)) layer('bands', true, on => view.turn(BandLayer, on), 'Bands, value area, and where equity might have been');
    if (run.lines.some(line => line.overlay)) layer('lines', true, on => view.drawn[0].forEach(d => d.series.applyOptions({ visible: on })));
  }

  fillNote() {
    const { levels, feed } = this.view, note = document.getElementById('chart-note');
    const parts = [`${shown(feed.n, 0)} bars. Drag to pan, Ctrl and the wheel to zoom, click a fill for its trade, ? for keys.`];
    if (levels) parts.push(levels.whole ? 'Zoom in for the footprint.' : 'Footprints are kept around trades and at the end of the run; the profile covers all bars.');
    note.textContent = parts.join(' ');
  }

  contents() {
    const nav = document.querySelector('nav.contents');
    const link = (id, text) => element('a', { href: `#${id}`, textContent: text, onclick: e => { e.preventDefault(); document.getElementById(id).scrollIntoView(); } });
    nav.append(link('chart-section', 'Chart'), ...[...document.querySelectorAll('main > section[id]:not([hidden]) > h2')].map(h => link(h.parentElement.id, h.textContent)));
  }

  // Where to look.

  use(number) {
    if (this.view.feed.number !== number) this.view.use(number);
    document.getElementById('feed').value = number;
  }

  lastSpan(span) {
    const { feed } = this.view, end = feed.time[feed.n - 1];
    this.view.last(Math.max(2, feed.n - firstNotBelow(feed.time, end - span)));
  }

  go(trade) {
    const number = this.run.meta.feeds.findIndex(feed => feed.name === trade.data);
    if (number >= 0) this.use(number);
    const { view } = this, from = view.feed.barAt(trade.entry_time), to = view.feed.barAt(trade.exit_time);
    this.choose(trade);
    const around = Math.max(18, (to - from) * 0.8);
    this.frame(() => view.show(from - around, to + around));
    this.write(`trade=${trade.number}`);
  }

  /** Marks a trade on the chart and in the list and shows its card, where it is; null marks none. */
  choose(trade) {
    this.current = this.view.marks.chosen = trade;
    this.list.mark(trade);
    if (trade) this.card.show(trade);
    this.view.redraw();
  }

  step(way) {
    const { trades } = this.run;
    if (!trades.length) return;
    const at = this.current ? this.current.number - 1 + way : way > 0 ? 0 : trades.length - 1;
    this.go(trades[Math.min(Math.max(at, 0), trades.length - 1)]);
  }

  goToHash() {
    const asked = new URLSearchParams(location.hash.slice(1)), trade = this.run.trades[Number(asked.get('trade')) - 1];
    if (theme.asked() && this.view.window) {
      root.dataset.theme = theme.asked();
      this.view.repaint();
    }
    if (trade) { this.go(trade); return true; }
    const [from, to] = [asked.get('from'), asked.get('to')].map(parseMoment);
    if (!Number.isFinite(from) || !Number.isFinite(to) || to <= from) return false;
    const { feed } = this.view;
    this.frame(() => this.view.show(firstNotBelow(feed.time, from), firstNotBelow(feed.time, to)));
    return true;
  }

  /** Shows something that the address names already, or need not name. */
  frame(show) {
    show();
    this.framed = [...this.view.span];
  }

  remember() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => {
      const { span, feed: { time } } = this.view;
      if (this.framed && Math.abs(this.framed[0] - span[0]) + Math.abs(this.framed[1] - span[1]) < 0.5) return;
      const [from, to] = this.view.visibleBars();
      this.frame(() => this.write(`from=${isoMoment(time[from])}&to=${isoMoment(time[to])}`));
    }, 500);
  }

  write(hash) {
    try { history.replaceState(null, '', `#${hash}`); } catch { /* an address that may not be changed */ }
  }

  // Keys and buttons.

  bindPage() {
    document.getElementById('theme-button').onclick = () => this.flip();
    document.getElementById('help-button').onclick = () => document.getElementById('help').showModal();
    addEventListener('hashchange', () => this.goToHash());
    addEventListener('keydown', event => this.key(event));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.view.repaint());
    addEventListener('beforeprint', () => this.forPaper(true));
    addEventListener('afterprint', () => this.forPaper(false));
  }

  /** Paper is light, and as wide as a sheet. */
  forPaper(paper) {
    const { view } = this;
    for (const folded of document.querySelectorAll('details')) {
      if (paper) folded.dataset.open = folded.open;
      folded.open = paper || folded.dataset.open === 'true';
    }
    if (paper) this.worn = root.dataset.theme ?? '';
    root.dataset.theme = paper ? 'light' : this.worn;
    theme.restore();
    // A chart that minds its own size cannot be told one.
    if (!paper) view.chart.resize(view.box.clientWidth, view.box.clientHeight, true);
    view.repaint();
    view.chart.applyOptions({ autoSize: !paper });
    if (paper) view.chart.resize(SHEET, 0.9 * SHEET, true);
    view.placeLegends();
  }

  flip() {
    theme.toggle();
    this.view.repaint();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog')) return;
    const { view } = this, step = event.shiftKey ? 0.9 : 0.1;
    const keys = {
      ArrowLeft: () => view.pan(-step), ArrowRight: () => view.pan(step),
      '+': () => view.zoom(0.7), '=': () => view.zoom(0.7), '-': () => view.zoom(1 / 0.7), '_': () => view.zoom(1 / 0.7),
      Home: () => { const [a, b] = view.span; view.show(0, b - a); }, End: () => view.last(view.span[1] - view.span[0]),
      r: () => view.levels && view.showRows(), Escape: () => this.card.hide(),
      f: () => view.fit(), n: () => this.step(1), p: () => this.step(-1), t: () => this.flip(),
      '?': () => document.getElementById('help').showModal(),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }
}

/** Microseconds of ISO text (UTC unless it says otherwise), or of seconds, milli- or microseconds. */
function parseMoment(text) {
  if (!text) return NaN;
  if (/^\d{9,}$/.test(text)) return Number(text) * 10 ** Math.max(0, 16 - text.length);
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : /\d[T ]\d/.test(text) ? `${text}Z` : text;
  return Date.parse(zoned.replace(' ', 'T')) * 1000;
}

function isoMoment(microseconds) {
  return `${moment(microseconds).replace(' ', 'T')}Z`;
}

async function start() {
  const began = performance.now();
  theme.restore();
  const run = new Run(await Packed.from('run-data'));
  const unpacked = performance.now();
  const app = new App(run, await Packed.from('levels-data'));
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  window.READY = { bars: run.feed(0).n, unpack: unpacked - began, total: performance.now() - began, navigation: performance.now(), app };
  root.dataset.state = 'ready';
}

// The heading and its figures are painted before the work begins.
requestAnimationFrame(() => setTimeout(() => start().catch(error => {
  root.dataset.state = 'failed';
  document.getElementById('chart-note').textContent = `The chart cannot be shown: ${error.message}`;
  throw error;
})));
