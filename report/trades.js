// The list of trades: sorted, filtered, a page at a time; a click brings the trade onto the chart.

const PAGE = 100;

const TRADE_COLUMNS = [
  { title: '#', key: 'number', text: t => String(t.number) },
  { title: 'feed', key: 'data', text: t => t.data, words: true, feeds: true },
  { title: 'side', key: 'direction', text: t => t.direction, words: true, tone: t => (t.direction === 'long' ? 'buy' : 'sell') },
  { title: 'entered', key: 'entry_time', text: t => moment(t.entry_time), words: true },
  { title: 'left', key: 'exit_time', text: t => moment(t.exit_time), words: true },
  { title: 'bars', key: 'bars', text: t => shown(t.bars, 0) },
  { title: 'size', key: 'size', text: t => figures(t.size) },
  { title: 'entry', key: 'entry_price', text: (t, run) => shown(t.entry_price, run.decimals(t.data)) },
  { title: 'exit', key: 'exit_price', text: (t, run) => shown(t.exit_price, run.decimals(t.data)) },
  { title: 'fees', key: 'commission', money: true, text: (t, run) => run.amount(t.commission) },
  { title: 'net profit', key: 'pnl_net', money: true, text: (t, run) => run.amount(t.pnl_net, true), tone: t => gainOrLoss(t.pnl_net) },
  { title: 'worst fills', key: 'pnl_low', money: true, text: (t, run) => run.amount(t.pnl_low, true), tone: t => gainOrLoss(t.pnl_low), band: true },
  { title: 'best fills', key: 'pnl_high', money: true, text: (t, run) => run.amount(t.pnl_high, true), tone: t => gainOrLoss(t.pnl_high), band: true },
  { title: 'return %', key: 'return_pct', text: t => shown(t.return_pct, 3, true), tone: t => gainOrLoss(t.return_pct) },
  { title: 'reason to enter', key: 'entry_reason', text: t => t.entry_reason, words: true, long: true },
  { title: 'reason to leave', key: 'exit_reason', text: t => t.exit_reason, words: true, long: true },
];

function gainOrLoss(value) {
  return value > 0 ? 'gain' : value < 0 ? 'loss' : '';
}

function rank({ key }) {
  const at = ['number', 'direction', 'pnl_net', 'return_pct'].indexOf(key);
  return at < 0 ? TRADE_COLUMNS.length : at;
}

class TradeList {
  constructor(run, choose) {
    Object.assign(this, { run, choose, sort: 'number', down: false, page: 0 });
    this.section = document.getElementById('trades');
    this.columns = TRADE_COLUMNS.filter(c => (!c.feeds || run.meta.feeds.length > 1) && (!c.band || run.meta.trade_band));
    // A narrow screen shows what was earned before it shows when.
    if (matchMedia('(max-width: 640px)').matches) this.columns.sort((a, b) => rank(a) - rank(b));
    this.section.hidden = !run.trades.length;
    if (run.trades.length) this.start();
  }

  start() {
    this.section.querySelector('thead').append(element('tr', {}, ...this.columns.map(column => {
      const button = element('button', { type: 'button', textContent: column.money ? this.run.titled(column.title) : column.title, onclick: () => this.sortBy(column.key) });
      return element('th', { scope: 'col', className: column.words ? 'words' : '' }, button);
    })));
    for (const id of ['trade-filter', 'trade-side', 'trade-outcome']) {
      document.getElementById(id).addEventListener('input', () => { this.page = 0; this.fill(); });
    }
    document.getElementById('page-back').onclick = () => this.turn(-1);
    document.getElementById('page-on').onclick = () => this.turn(1);
    this.fill();
  }

  sortBy(key) {
    this.down = this.sort === key ? !this.down : false;
    Object.assign(this, { sort: key, page: 0 });
    this.fill();
  }

  turn(step) {
    this.page += step;
    this.fill();
    this.section.querySelector('.tall').scrollTop = 0;
  }

  wanted() {
    const value = id => document.getElementById(id).value.trim();
    const words = value('trade-filter').toLowerCase(), side = value('trade-side'), outcome = value('trade-outcome');
    const list = this.run.trades.filter(t => (!side || t.direction === side)
      && (!outcome || (outcome === 'win') === t.pnl_net > 0)
      && (!words || [t.data, moment(t.entry_time), t.entry_reason, t.exit_reason].join(' ').toLowerCase().includes(words)));
    const { sort } = this, way = this.down ? -1 : 1;
    return list.sort((a, b) => way * (typeof a[sort] === 'string' ? a[sort].localeCompare(b[sort]) : a[sort] - b[sort]) || a.number - b.number);
  }

  fill() {
    const list = this.wanted(), pages = Math.max(1, Math.ceil(list.length / PAGE));
    this.page = Math.min(Math.max(this.page, 0), pages - 1);
    const part = list.slice(this.page * PAGE, (this.page + 1) * PAGE);
    this.section.querySelector('tbody').replaceChildren(...part.map(trade => this.row(trade)));
    const net = list.reduce((sum, t) => sum + t.pnl_net, 0);
    document.getElementById('trade-count').textContent = `${shown(list.length, 0)} of ${shown(this.run.trades.length, 0)}, net ${this.run.amount(net, true)}${this.run.money.unit && ` ${this.run.money.unit}`}`;
    this.section.querySelector('.pager').hidden = pages === 1;
    document.getElementById('page-number').textContent = `${this.page + 1} / ${pages}`;
    this.columns.forEach(({ key }, i) => {
      const head = this.section.querySelectorAll('thead th')[i];
      head.ariaSort = key === this.sort ? (this.down ? 'descending' : 'ascending') : 'none';
    });
  }

  row(trade) {
    const cells = this.columns.map(c => element('td', {
      textContent: c.text(trade, this.run), className: [c.words ? 'words' : '', c.long ? 'long' : '', c.tone ? c.tone(trade) : ''].join(' ').trim(),
      title: c.long ? c.text(trade, this.run) : '',
    }));
    const open = () => this.choose(trade);
    const row = element('tr', { tabIndex: 0, onclick: open, onkeydown: e => { if (e.key === 'Enter') open(); } }, ...cells);
    row.dataset.trade = trade.number;
    this.shade(row, trade === this.chosen);
    return row;
  }

  /** Marks a row for the eye and for a screen reader. */
  shade(row, on) {
    row.classList.toggle('chosen', on);
    row.ariaCurrent = on ? 'true' : null;
  }

  mark(trade) {
    this.chosen = trade;
    for (const row of this.section.querySelectorAll('tbody tr')) this.shade(row, Number(row.dataset.trade) === trade?.number);
  }
}
