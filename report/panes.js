// What is drawn where: candles with the lines that are prices, then one pane for each other thing.

const PANE_HEIGHT = 96, LIKE = 5, FAR = 16;

/** What a value of several bars is, in the legend from afar. */
const AFAR = { last: 'last', sum: 'sum', min: 'worst', max: 'highest', first: 'first' };

/** Panes of a feed from top to bottom; a line is values by bar, how it is grouped, and how it looks. What nobody asked for is folded. */
function paneList(run, feed) {
  const shownLines = linesOver(run, feed), indicators = [...new Set(shownLines.map(line => line.indicator))];
  const made = line => ({
    name: line.name.replace(`@${feed.name}`, ''), values: feed.asOf(run.lineTime, line.values()), how: 'last', kind: 'line', unit: line.unit,
    color: indicators.indexOf(line.indicator), signed: false,
  });
  const overlays = shownLines.filter(line => line.overlay).map(line => ({ ...made(line), indicator: line.indicator }));
  const panes = [{ title: feed.spec, price: true, lines: overlays, bands: bandsOf(overlays) }];
  weigh(panes[0].lines);
  const [equity, drawdown, ...account] = equityPanes(run, feed);
  panes.push(equity, drawdown, flowPane(run, feed));
  if (feed.buyLess && !shownLines.some(line => line.kind === 'CVD')) panes.push(cumulativePane(feed));
  for (const indicator of indicators) {
    const own = shownLines.filter(line => line.indicator === indicator && !line.overlay && !(line.as_delta && line.feed === feed.name));
    if (own.length) panes.push(scaled({ title: own[0].kind || indicator, lines: own.map(made) }));
  }
  return [...panes, ...account];
}

/** The lines of indicators that belong over the candles of a feed: its own; over those of one that is only read, the first one's. */
function linesOver(run, feed) {
  const own = run.lines.filter(line => line.feed === feed.name);
  return own.length || feed.name in run.meta.brought ? own : run.lines.filter(line => line.feed === run.meta.feeds[0].name);
}

/** Of the lines of one indicator the first is drawn full, the others lighter. */
function weigh(lines) {
  const seen = new Set();
  for (const line of lines) {
    line.first = !seen.has(line.color);
    seen.add(line.color);
  }
}

/** What is filled over the candles: between the first pair of bands, and between VAL and VAH, of each indicator. */
function bandsOf(lines) {
  const made = [];
  for (const [upper, lower] of [['upper1', 'lower1'], ['vah', 'val']]) {
    for (const high of lines.filter(line => line.name === `${line.indicator}.${upper}`)) {
      const low = lines.find(line => line.name === `${high.indicator}.${lower}`);
      if (low) made.push({ high: high.values, low: low.values, color: high.color, strength: 0.06, steps: upper === 'vah' });
    }
  }
  return made;
}

function cumulativePane(feed) {
  const line = { name: 'delta since the first bar', values: runningSum(feed.buyLess), how: 'last', kind: 'line', paint: 'accent', signed: true, first: true };
  return { title: 'CVD', unasked: true, lines: [line] };
}

function flowPane(run, feed) {
  const lines = [{ name: 'volume', values: feed.volume, how: 'sum', kind: 'histogram', paint: 'volume', first: true }];
  const twin = run.lines.find(line => line.as_delta && line.feed === feed.name);
  if (feed.buyLess) {
    lines.push({ name: twin ? twin.name : 'delta', values: feed.buyLess, how: 'sum', kind: 'histogram', paint: 'sign', signed: true });
  }
  return { title: feed.buyLess ? 'Volume and delta' : 'Volume', lines };
}

function equityPanes(run, feed) {
  const values = feed.asOf(run.equity.time, run.equity.value), below = feed.asOf(run.equity.time, run.equity.drawdown);
  const { decimals } = run.money;
  const equity = { name: 'equity', values, how: 'last', kind: 'line', paint: 'equity', decimals, first: true };
  const depth = { name: 'drawdown', values: below.map(v => -100 * v), how: 'min', kind: 'area', paint: 'down', decimals: 2, percent: true };
  const bands = run.equity.bands.map(band => equityBand(run, feed, band));
  const ends = bands.flatMap(band => [['low', band.low], ['high', band.high]].map(([end, column]) => (
    { name: `${band.name} ${end}`, values: column, how: 'last', kind: 'none', decimals }
  )));
  const held = benchmarkLine(run, feed);
  const panes = [{ title: run.titled('Equity'), lines: [equity, ...(held ? [held] : []), ...ends], bands }, { title: 'Drawdown', lines: [depth] }];
  if (run.flows.length) panes.push(flowsPane(run, feed));
  if (run.desks.length) panes.push(profitPane(run, feed));
  const position = positionPane(run, feed);
  if (position) panes.push(position);
  return panes;
}

/** The benchmark, bought with all the cash at its first open and held; the page carries its bars already. */
function benchmarkLine(run, feed) {
  const { cash, benchmark } = run.meta.equity;
  if (benchmark == null || !cash) return null;
  const other = run.feed(benchmark), worth = other.close.map(close => cash * close / other.open[0]);
  return {
    name: `${other.name} held`, values: feed.asOf(other.time, worth), how: 'last', kind: 'line', paint: 'muted', decimals: run.money.decimals,
  };
}

/** Where equity would have been with other fills. */
function equityBand({ equity: { time } }, feed, { name, low, high }) {
  return { name, low: feed.asOf(time, low), high: feed.asOf(time, high), room: true, paint: 'equity', strength: 0.28 };
}

/** What positions paid and received while they were held, summed since the start. */
function flowsPane(run, feed) {
  const paints = { funding: 'accent', borrow: 'alarm' };
  const lines = run.flows.map(({ kind, values }, i) => ({
    name: kind, values: feed.asOf(run.equity.time, values), how: 'last', kind: 'line', paint: paints[kind] ?? 'muted',
    steps: true, signed: true, decimals: run.money.decimals, first: i === 0,
  }));
  return { title: run.titled(capital(run.flows.map(({ kind }) => kind).join(' and '))), lines };
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The position in the feed that is charted; of one that is not traded, that of the first that is. */
function positionPane(run, feed) {
  const { held } = run.meta.equity, own = run.desks.filter(desk => desk.data === feed.name);
  if (!own.length && (feed.name in run.meta.brought || !run.equity.position?.some(Boolean))) return null;
  const values = own.length ? summed(feed, own.map(desk => desk.held(feed))) : feed.asOf(run.equity.time, run.equity.position);
  const title = own.length || !held || held === feed.name ? 'Position' : `Position of ${held}`;
  return { title, unasked: true, lines: [{ name: run.money.size, values, how: 'last', kind: 'line', paint: 'muted', steps: true, signed: true, first: true }] };
}

const MOST_DESKS = 8;

/** What each strategy brought, or each instrument where there is one strategy; of many the largest, and the others together. */
function profitPane(run, feed) {
  const by = run.strategies.length ? 'strategy' : 'data', groups = new Map();
  for (const desk of run.desks) groups.set(desk[by], [...groups.get(desk[by]) ?? [], desk]);
  const curves = [...groups].map(([name, desks]) => ({ name, values: summed(feed, desks.map(desk => desk.profit(run, feed))) }));
  const last = ({ values }) => Math.abs(values.at(-1)) || 0;
  curves.sort((a, b) => last(b) - last(a));
  const others = curves.splice(curves.length > MOST_DESKS ? MOST_DESKS - 1 : MOST_DESKS);
  if (others.length) curves.push({ name: `${others.length} others`, values: summed(feed, others.map(curve => curve.values)) });
  const { decimals } = run.money;
  const lines = curves.map((curve, i) => ({ ...curve, how: 'last', kind: 'line', color: i, decimals, signed: true, first: true }));
  return { title: run.titled(by === 'data' ? 'Profit by instrument' : 'Profit by strategy'), lines };
}

/** Columns added up; what is not known counts nothing. */
function summed(feed, columns) {
  return Float64Array.from({ length: feed.n }, (_, i) => columns.reduce((sum, column) => sum + (column[i] || 0), 0));
}

/** Lines of one pane that differ much in reach get scales of their own. */
function scaled(pane) {
  const first = reach(pane.lines[0].values);
  pane.lines.forEach((line, i) => {
    line.first = i === 0;
    if (i > 0) line.color += i;
    const ratio = reach(line.values) / first;
    if (i > 0 && (line.unit !== pane.lines[0].unit || ratio > LIKE || ratio < 1 / LIKE)) line.scale = `own-${i}`;
  });
  return pane;
}

/** Whether a line stands still most of the time and then jumps, so that it is drawn as steps. */
function stepped(values) {
  let still = 0, known = 0;
  for (let i = 1; i < Math.min(values.length, 50000); i++) {
    if (!Number.isFinite(values[i]) || !Number.isFinite(values[i - 1])) continue;
    known++;
    if (values[i] === values[i - 1]) still++;
  }
  return still > 0.6 * known;
}

function reach(values) {
  const stride = Math.max(1, Math.floor(values.length / 5000)), some = [];
  for (let i = 0; i < values.length; i += stride) if (Number.isFinite(values[i])) some.push(values[i]);
  some.sort((a, b) => a - b);
  return some.length ? some[Math.floor(some.length * 0.99)] - some[Math.floor(some.length * 0.01)] || 1 : 1;
}

/** One series of the chart with the legend entry that tells its value. */
class Drawn {
  constructor(chart, line, pane, number) {
    Object.assign(this, { line, over: Boolean(pane.price), label: element('span', { className: 'value' }) });
    if (line.kind === 'none') return;
    const L = LightweightCharts;
    const kinds = { line: L.LineSeries, histogram: L.HistogramSeries, area: L.AreaSeries };
    this.series = chart.addSeries(kinds[line.kind], this.options(pane), number);
    if (line.scale) chart.priceScale(line.scale, number).applyOptions({ scaleMargins: { top: 0.12, bottom: 0.08 } });
    this.paint();
  }

  options(pane) {
    const { line } = this;
    const common = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };
    if (line.scale) common.priceScaleId = line.scale;
    if (pane.price) common.autoscaleInfoProvider = () => null;
    else common.priceFormat = { type: 'custom', minMove: 1e-6, formatter: v => this.axis(v) };
    if (line.kind === 'histogram') common.base = 0;
    if (line.kind === 'area') common.invertFilledArea = true;
    if (line.kind === 'line' && (line.steps || (!line.paint && stepped(line.values)))) common.lineType = 1;
    return common;
  }

  axis(value) {
    return this.line.percent ? `${trimmed(value, 3)}%` : trimmed(value, 5);
  }

  get color() {
    const { line } = this;
    if (line.paint === 'sign') return theme.color('up');
    return line.paint ? theme.color(line.paint) : lineColor(line.color);
  }

  paint() {
    if (!this.series) return;
    const { line, color } = this;
    this.signs = [theme.color('up'), theme.color('down')];
    if (line.kind === 'histogram') return this.series.applyOptions({ color });
    if (line.kind === 'area') {
      return this.series.applyOptions({ lineColor: color, lineWidth: 1, topColor: faded(color, 0.06), bottomColor: faded(color, 0.28) });
    }
    const full = line.first && !(this.over && this.far);
    this.series.applyOptions({ color: full ? color : faded(color, line.first ? 0.75 : this.far ? 0.4 : 0.62), lineWidth: full ? 2 : 1 });
  }

  load(window) {
    if (!this.series) return;
    // From afar the candles are thin, and lines must not bury them.
    if (this.over && this.far !== (this.far = window.size >= FAR)) this.paint();
    const { values, how, paint } = this.line, [up, down] = this.signs;
    const at = point => window.value(values, how, point);
    this.series.setData(window.points((point, time) => {
      const value = at(point);
      if (!Number.isFinite(value)) return { time };
      if (paint === 'sign') return { time, value, color: value < 0 ? down : up };
      // The stretch after this point would bridge a gap in what is known.
      if (this.line.kind === 'line' && point + 1 < window.count && !Number.isFinite(at(point + 1))) return { time, value, color: '#0000' };
      return { time, value };
    }));
  }

  tell(window, point, decimals) {
    const { line } = this, value = window.value(line.values, line.how, point);
    const text = line.percent ? `${shown(value, 2)} %` : line.decimals != null ? shown(value, line.decimals, line.signed)
      : decimals != null ? shown(value, decimals) : figures(value, line.signed);
    this.label.textContent = text;
    if (line.paint === 'sign') this.label.style.color = theme.color(value < 0 ? 'down' : 'up');
  }

  legend() {
    const key = element('i'), { line } = this;
    if (this.series) key.style.background = this.color; else key.hidden = true;
    const how = element('small', { className: 'how', textContent: AFAR[line.how] });
    return element('span', { className: this.series ? 'entry' : 'entry beyond', title: line.scale ? 'on a scale of its own' : '' }, key, `${line.name} `, how, this.label);
  }
}
