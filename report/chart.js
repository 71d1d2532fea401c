// The view: a window of the run in the chart, coarser from afar, and all that moves it.

const LEAST_SPACING = 3, MARGIN = 2.5, FEWEST = 8, SETTLE = 70;
const FOLDED_HEIGHT = 30, FOLDED_KEY = 'tapeflow-folded';

class View {
  constructor(run, levels) {
    Object.assign(this, { run, packedLevels: levels, held: false, listeners: [] });
    this.box = document.getElementById('chart');
    this.legends = document.getElementById('legends');
    this.chart = LightweightCharts.createChart(this.box, this.options());
    this.scale = this.chart.timeScale();
    this.flow = new FlowLayer(this);
    this.marks = new FillLayer(this, run);
    this.use(0);
    this.listen();
  }

  options() {
    const color = this.colors = theme.palette();
    return {
      autoSize: true,
      layout: {
        background: { color: 'transparent' }, textColor: color.muted, fontSize: 11,
        fontFamily: getComputedStyle(document.body).fontFamily,
        panes: { separatorColor: color.line, separatorHoverColor: color.faint },
      },
      grid: { vertLines: { color: color.faint }, horzLines: { color: color.faint } },
      crosshair: { mode: 0, vertLine: { color: color.muted, labelBackgroundColor: color.muted }, horzLine: { color: color.muted, labelBackgroundColor: color.muted } },
      rightPriceScale: { borderColor: color.line, minimumWidth: this.narrow ? 48 : 66 },
      timeScale: { borderColor: color.line, timeVisible: true, minBarSpacing: 0.02, enableConflation: true },
      localization: { locale: 'en-US', timeFormatter: t => moment(Math.round(t * 1e6)) },
      // The wheel is the page's; with Ctrl it zooms, and sideways or with Shift it pans, see `wheel`.
      handleScroll: { vertTouchDrag: false, mouseWheel: false },
      handleScale: { mouseWheel: false },
      kineticScroll: { touch: false, mouse: false },
    };
  }

  get narrow() {
    return this.box.clientWidth < 560;
  }

  /** Charts another feed of the run. */
  use(number) {
    const { chart, run } = this;
    this.drawn?.flat().forEach(d => d.series && chart.removeSeries(d.series));
    if (this.candles) chart.removeSeries(this.candles);
    this.feed = run.feed(number);
    this.levels = Levels.of(this.packedLevels, number);
    this.window = null;
    this.span = [0, this.feed.n - 1];
    this.marks.use(this.feed);
    this.panes = paneList(run, this.feed);
    this.resize();
    this.build();
    this.describe();
  }

  /** What the picture shows, for who cannot see it; its values stand in the legends and in the tables below. */
  describe() {
    const { feed, panes } = this, price = value => shown(value, feed.decimals);
    const [low, high] = [GROUPED.min(feed.low, 0, feed.n), GROUPED.max(feed.high, 0, feed.n)];
    this.box.role = 'img';
    this.box.ariaLabel = `Chart of ${[feed.name, feed.spec].filter(Boolean).join(' ')}: ${shown(feed.n, 0)} bars from ${moment(feed.time[0])} to `
      + `${moment(feed.time.at(-1))}, opened at ${price(feed.open[0])}, closed at ${price(feed.close.at(-1))}, between ${price(low)} and ${price(high)}. `
      + `Below: ${panes.slice(1).map(pane => pane.title).join(', ')}.`;
  }

  build() {
    const { chart, feed, panes } = this, move = 10 ** -feed.decimals;
    this.candles = chart.addSeries(LightweightCharts.CandlestickSeries, {
      priceFormat: { type: 'price', precision: feed.decimals, minMove: move }, priceLineVisible: false,
    }, 0);
    this.candles.attachPrimitive(this.flow);
    this.candles.attachPrimitive(this.marks);
    this.drawn = panes.map((pane, i) => pane.lines.map(line => new Drawn(chart, line, pane, i)));
    this.addLayers();
    this.stretch();
    this.paintCandles();
    this.buildLegends();
  }

  // Folding.

  /** Titles of the panes that are folded: as the reader left them, else those that the run did not ask for. */
  get folded() {
    if (!this.shut) {
      let kept = null;
      try { kept = JSON.parse(localStorage.getItem(FOLDED_KEY)); } catch { /* nothing was kept, or nothing may be */ }
      if (!Array.isArray(kept)) return new Set(this.panes.filter(pane => pane.unasked).map(pane => pane.title));
      this.shut = new Set(kept);
    }
    return this.shut;
  }

  fold(title) {
    this.shut = this.folded;
    if (this.shut.has(title)) this.shut.delete(title); else this.shut.add(title);
    try { localStorage.setItem(FOLDED_KEY, JSON.stringify([...this.shut])); } catch { /* a private window keeps nothing */ }
    this.resize();
    this.stretch();
    this.buildLegends();
  }

  /** The height of a pane below the candles. */
  heightOf(pane) {
    return this.folded.has(pane.title) ? FOLDED_HEIGHT : this.narrow ? 76 : PANE_HEIGHT;
  }

  stretch() {
    this.chart.panes().forEach((pane, i) => pane.setStretchFactor((i ? this.heightOf(this.panes[i]) : this.priceHeight()) / PANE_HEIGHT));
    this.panes.forEach((pane, i) => i && this.drawn[i].forEach(d => d.series?.applyOptions({ visible: !this.folded.has(pane.title) })));
  }

  /** Behind the series of every pane its sessions and bands; over the candles naked levels and flags. */
  addLayers() {
    this.layers = [];
    const off = this.off ??= new Set();
    const add = (series, layer) => {
      layer.on = !off.has(layer.constructor);
      series.attachPrimitive(layer);
      this.layers.push(layer);
    };
    this.panes.forEach((pane, i) => {
      const series = i ? this.drawn[i][0].series : this.candles;
      add(series, new SessionLayer(this));
      for (const band of pane.bands ?? []) add(series, new BandLayer(this, band, series));
    });
    add(this.candles, new NakedLayer(this));
    add(this.candles, new QualityLayer(this));
  }

  /** Switches every layer of a kind, also those of feeds that are charted later. */
  turn(kind, on) {
    if (on) this.off.delete(kind); else this.off.add(kind);
    for (const layer of this.layers) if (layer instanceof kind) layer.on = on;
  }

  redraw() {
    this.marks.requestUpdate();
    for (const layer of this.layers) layer.requestUpdate();
  }

  priceHeight() {
    return this.narrow ? 300 : Math.max(400, Math.min(560, innerHeight * 0.5));
  }

  resize() {
    const below = this.panes.slice(1).reduce((sum, pane) => sum + this.heightOf(pane), 0);
    this.box.style.height = `${Math.round(this.priceHeight() + below + 28)}px`;
  }

  /** Hollow while rows of the bars are drawn in their place. */
  paintCandles() {
    const hidden = this.flow.active, up = hidden ? '#0000' : this.colors['candle-up'], down = hidden ? '#0000' : this.colors['candle-down'];
    this.footprint = hidden;
    if (this.rule) this.rule.hidden = !hidden;
    this.candles.applyOptions({ lastValueVisible: !hidden, upColor: up, downColor: down, borderVisible: false, wickUpColor: up, wickDownColor: down });
  }

  repaint() {
    this.chart.applyOptions(this.options());
    this.drawn.flat().forEach(d => { d.paint(); d.load(this.window); });
    this.paintCandles();
    this.buildLegends();
    this.settle();
  }

  // Where things are on the screen.

  get spacing() { return (this.scale.options().barSpacing ?? 6) / this.window.size; }
  /** Also between points, where the library knows no coordinate. */
  x(bar) {
    const logical = this.window.logical(bar), point = Math.floor(logical);
    return this.scale.logicalToCoordinate(point) + (logical - point) * this.scale.options().barSpacing;
  }

  y(price) { return this.candles.priceToCoordinate(price) ?? 0; }
  priceAt(y) { return this.candles.coordinateToPrice(y); }

  visibleBars() {
    const [from, to] = this.span;
    return [Math.max(0, Math.floor(from)), Math.min(this.feed.n - 1, Math.ceil(to))];
  }

  // Moving.

  /** Bars as they are, or as candles of the clock, so that they stay wide enough to be seen. */
  groupingFor(from, to) {
    const room = Math.max(200, this.scale.width() || this.box.clientWidth) / LEAST_SPACING;
    return this.feed.groupingFor(from, to, room);
  }

  show(from, to) {
    const { n } = this.feed, least = Math.min(FEWEST, n);
    if (to - from < least) [from, to] = [(from + to - least) / 2, (from + to + least) / 2];
    const span = Math.min(to - from, n * 1.5), middle = Math.min(Math.max((from + to) / 2, -span * 0.4), n + span * 0.4);
    this.place(middle - span / 2, middle + span / 2);
  }

  place(from, to) {
    const span = to - from, grouping = this.groupingFor(from, to);
    if (!this.window?.holds(from, to, grouping)) this.load(from - MARGIN * span, to + MARGIN * span, grouping);
    this.span = [from, to];
    this.scale.setVisibleLogicalRange({ from: this.window.logical(from), to: this.window.logical(to) });
    this.seen();
  }

  load(from, to, grouping) {
    const { feed } = this;
    this.loading = true;
    const window = this.window = new Window(feed, grouping, grouping.of(from), grouping.of(to) + 1);
    this.candles.setData(window.points((point, time) => {
      const open = window.value(feed.open, 'first', point);
      if (!Number.isFinite(open)) return { time };
      return {
        time, open, high: window.value(feed.high, 'max', point),
        low: window.value(feed.low, 'min', point), close: window.value(feed.close, 'last', point),
      };
    }));
    this.drawn.flat().forEach(d => d.load(window));
    this.loading = false;
  }

  /** After the reader moved the chart: load what the new view needs, unless a finger is still down. */
  settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => { if (!this.held) this.place(...this.span); }, SETTLE);
  }

  seen() {
    if (this.flow.active !== this.footprint) this.paintCandles();
    const { unit } = this.window.grouping;
    document.getElementById('level').textContent = unit ? `1 candle = ${unit.name}` : '';
    this.legends.classList.toggle('afar', Boolean(unit));
    this.tell(null);
    this.listeners.forEach(listener => listener());
  }

  /** Ctrl zooms around the pointer, Shift or a sideways wheel pans; else the page scrolls. */
  wheel(event) {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    if (!event.ctrlKey && !event.metaKey && !sideways) return;
    event.preventDefault();
    if (!event.ctrlKey && !event.metaKey) return this.pan(sideways / Math.max(200, this.box.clientWidth));
    const [from, to] = this.span, factor = Math.exp(Math.min(Math.max(event.deltaY, -300), 300) / 400);
    const x = event.clientX - this.box.getBoundingClientRect().left, logical = this.scale.coordinateToLogical(x);
    const fixed = logical == null ? (from + to) / 2 : this.window.bar(logical);
    this.show(fixed - (fixed - from) * factor, fixed + (to - fixed) * factor);
  }

  /** Zooms in, around the middle or the trade that was chosen, until bars show their rows. */
  showRows() {
    const [from, to] = this.span, { chosen } = this.marks, bars = Math.max(FEWEST, Math.floor(this.scale.width() / (WIDE_BAR * 1.15)));
    const middle = chosen && chosen.data === this.feed.name ? this.feed.barAt(chosen.entry_time) : this.levels.whole ? (from + to) / 2 : this.feed.n - bars;
    this.show(middle - bars / 2, middle + bars / 2);
  }

  /** Brings a moment to the left, as much in sight as before, but no more than a day where all was. */
  goTo(moment) {
    const { feed } = this, [from, to] = this.span, bar = firstNotBelow(feed.time, moment + 1);
    const day = Math.max(FEWEST, firstNotBelow(feed.time, moment + 864e8 + 1) - bar), whole = to - from >= 0.9 * feed.n;
    const span = whole ? day : to - from;
    this.show(Math.min(bar, feed.n - 1) - 0.5, Math.min(bar, feed.n - 1) - 0.5 + span);
  }

  pan(share) {
    const [from, to] = this.span, step = share * (to - from);
    this.show(from + step, to + step);
  }

  zoom(factor) {
    const [from, to] = this.span, middle = (from + to) / 2, half = (to - from) * factor / 2;
    this.show(middle - half, middle + half);
  }

  /** Room at the right for the volume profile, as a share of the span. */
  get room() { return this.levels && this.flow.profileOn ? 0.13 : 0.02; }

  fit() { this.show(-0.5, this.feed.n * (1 + this.room) - 0.5); }

  last(bars) { this.show(this.feed.n - bars, this.feed.n - 0.5 + bars * this.room); }

  listen() {
    this.scale.subscribeVisibleLogicalRangeChange(range => {
      if (!range || this.loading || !this.window) return;
      const span = [this.window.bar(range.from), this.window.bar(range.to)];
      if (Math.abs(span[0] - this.span[0]) + Math.abs(span[1] - this.span[1]) < 1e-6 * this.feed.n) return;
      this.span = span;
      this.seen();
      this.settle();
    });
    this.chart.subscribeCrosshairMove(event => this.point(event));
    this.chart.subscribeClick(event => this.click(event));
    this.box.addEventListener('wheel', event => this.wheel(event), { passive: false });
    this.box.addEventListener('pointerdown', () => { this.held = true; });
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => { if (this.held) { this.held = false; this.settle(); } });
    new ResizeObserver(() => { this.resize(); this.placeLegends(); if (this.window) this.settle(); }).observe(this.box.parentElement);
  }

  // Telling.

  buildLegends() {
    this.prices = element('span', { className: 'ohlc' });
    this.rule = element('span', { className: 'rule', hidden: !this.footprint, textContent: this.levels ? imbalanceWords(this.levels.imbalance) : '' });
    const boxes = this.panes.map((pane, i) => element(
      'div', { className: 'legend' }, this.titleOf(pane, i),
      ...(i ? [] : [this.prices, this.rule]), ...this.drawn[i].map(d => d.legend()),
    ));
    this.legends.replaceChildren(...boxes);
    this.placeLegends();
    this.tell(null);
  }

  /** The name of a pane; below the candles a button that folds it. */
  titleOf(pane, i) {
    if (!i) return element('b', { textContent: [this.feed.name, pane.title].filter(Boolean).join(' · ') });
    const shut = this.folded.has(pane.title);
    return element('b', {}, element('button', {
      type: 'button', className: 'fold', textContent: pane.title, ariaExpanded: String(!shut), title: shut ? 'Unfold' : 'Fold', onclick: () => this.fold(pane.title),
    }));
  }

  placeLegends() {
    const place = () => this.chart.panes().forEach((pane, i) => {
      const node = pane.getHTMLElement(), box = this.legends.children[i];
      if (node && box) box.style.top = `${node.getBoundingClientRect().top - this.box.getBoundingClientRect().top + 4}px`;
    });
    place();
    // Panes get their heights with the next frame when the chart is new or has another size.
    requestAnimationFrame(place);
  }

  /** Values at a point of the window; without one, at the last bar in sight. */
  tell(point) {
    const { window, feed } = this;
    if (!window || !window.count) return;
    const at = Math.min(window.count - 1, Math.max(0, point ?? Math.round(window.logical(this.visibleBars()[1]))));
    const [start, end] = window.bounds(at), price = (values, how) => shown(window.value(values, how, at), feed.decimals);
    const stamp = window.grouping.unit ? `${moment(feed.time[start] - feed.span[start])} \u2192 ${moment(feed.time[end - 1])}` : moment(feed.time[end - 1]);
    this.prices.replaceChildren(
      element('span', { className: 'stamp', textContent: stamp }),
      ...[['O', feed.open, 'first'], ['H', feed.high, 'max'], ['L', feed.low, 'min'], ['C', feed.close, 'last']]
        .map(([letter, values, how]) => element('span', {}, element('small', { textContent: letter }), price(values, how))),
      ...(feed.quality && window.flags(at) ? [element('span', { className: 'flagged', textContent: flagNames(window.flags(at)) })] : []),
    );
    this.drawn.forEach((lines, i) => lines.forEach(d => d.tell(window, at, i ? null : feed.decimals)));
  }

  /** A click on a fill, or on the strip of fills from afar, chooses the trade that it is of. */
  click({ point, paneIndex }) {
    const trade = point && (paneIndex ?? 0) === 0 ? this.marks.tradeAt(point) : null;
    if (trade) this.onTrade?.(trade);
  }

  point({ point, logical, paneIndex }) {
    const tip = document.getElementById('tip');
    this.tell(point && logical != null ? Math.round(logical) : null);
    const fill = point && (paneIndex ?? 0) === 0 ? this.marks.nearest(point) : null;
    tip.hidden = !fill;
    if (!fill) return;
    tip.replaceChildren(...this.marks.tell(fill, this.feed.decimals));
    const x = this.x(fill.bar), y = this.y(fill.price), right = x > this.box.clientWidth / 2;
    tip.style.left = `${right ? x - tip.offsetWidth - 14 : x + 14}px`;
    tip.style.top = `${Math.max(4, y - tip.offsetHeight / 2)}px`;
  }
}
