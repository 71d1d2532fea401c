// The card of one trade: all that is known of it, beside the chart.

class TradeCard {
  constructor(app) {
    Object.assign(this, { app, run: app.run, box: document.getElementById('card') });
  }

  show(trade) {
    const { box, app } = this, button = (text, title, onclick) => element('button', { type: 'button', textContent: text, title, onclick });
    const head = element('div', { className: 'card-head' },
      element('b', { textContent: `Trade ${trade.number}` }),
      element('span', { textContent: [trade.direction, this.run.meta.feeds.length > 1 ? trade.data : ''].filter(Boolean).join(' · '), className: trade.direction === 'long' ? 'buy' : 'sell' }),
      button('‹', 'Previous trade (p)', () => app.step(-1)), button('›', 'Next trade (n)', () => app.step(1)), button('×', 'Close (Esc)', () => this.hide()));
    const rows = this.rows(trade).filter(([, text]) => text && text !== NOTHING);
    box.replaceChildren(head, element('dl', {}, ...rows.map(([name, text, tone]) => element('div', {},
      element('dt', { textContent: name }), element('dd', { textContent: text, className: tone ?? '' })))));
    box.hidden = false;
  }

  rows(t) {
    const { run } = this, price = value => (Number.isFinite(value) ? shown(value, run.decimals(t.data)) : '');
    const share = value => (Number.isFinite(value) ? `${shown(value, 3, true)} %` : '');
    return [
      ['entered', `${moment(t.entry_time)} at ${price(t.entry_price)}`],
      ['left', `${moment(t.exit_time)} at ${price(t.exit_price)}`],
      ['held', `${shown(t.bars, 0)} ${t.bars === 1 ? 'bar' : 'bars'}`],
      ['size', `${figures(t.size)} ${run.money.size}`],
      ['net profit', run.amount(t.pnl_net, true), gainOrLoss(t.pnl_net)],
      ['return', share(t.return_pct), gainOrLoss(t.return_pct)],
      ['fees', run.amount(t.commission)],
      ['worst (MAE)', share(t.mae_pct)],
      ['best (MFE)', share(t.mfe_pct)],
      ['stop', this.moved(t, 'stop', price)],
      ['target', this.moved(t, 'target', price)],
      ['with other fills', run.meta.trade_band ? `${run.amount(t.pnl_low, true)} to ${run.amount(t.pnl_high, true)}` : ''],
      ['why in', t.entry_reason],
      ['why out', t.exit_reason],
    ];
  }

  /** Where a stop or target lay, first and last where it moved. */
  moved(trade, kind, price) {
    const levels = this.run.levels(trade, kind), [first, last] = [levels[0], levels.at(-1)].map(level => price(level?.[1]));
    return first === last ? first : `${first} \u2192 ${last}`;
  }

  hide() {
    this.box.hidden = true;
    this.app.choose(null);
  }
}
