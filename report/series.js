// The run as columns by bar, and those columns summed up for a view from afar.

class Feed {
  constructor(packed, number) {
    const get = name => packed.numbers(`${number}:${name}`);
    Object.assign(this, packed.meta.feeds[number], { number });
    this.time = get('time');
    this.n = this.time.length;
    this.span = get('span');
    this.close = get('close');
    this.volume = get('volume');
    this.buyLess = this.delta ? get('delta') : null;
    this.quality = this.flagged ? get('quality') : null;
    this.sessions = { edge: get('session:edge'), day: get('session:day') };
    this.candles(get('first'), get('gap'), get('up'), get('down'));
    // The chart wants strictly rising seconds; bars made of trades may close in the same microsecond.
    this.seconds = this.time.map(t => t / 1e6);
    for (let i = 1; i < this.n; i++) this.seconds[i] = Math.max(this.seconds[i], this.seconds[i - 1] + 1e-6);
  }

  candles(first, gap, up, down) {
    const { n, close } = this;
    this.open = new Float64Array(n);
    this.high = new Float64Array(n);
    this.low = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const open = (i ? close[i - 1] : first[0]) + gap[i];
      this.open[i] = open;
      this.high[i] = Math.max(open, close[i]) + up[i];
      this.low[i] = Math.min(open, close[i]) - down[i];
    }
  }

  /** Its bars as points: as they are for no unit. */
  grouping(unit) {
    const name = unit?.name ?? '';
    this.groupings ??= new Map();
    if (!this.groupings.has(name)) this.groupings.set(name, new Grouping(this, unit));
    return this.groupings.get(name);
  }

  /** Units of the clock that hold more than a bar. */
  get units() {
    if (!this.longer) {
      const usual = [...this.span].sort((a, b) => a - b)[this.n >> 1] ?? 0;
      this.longer = UNITS.filter(({ length, months }) => (months ? months * 2592e9 : length) > 1.5 * usual);
    }
    return this.longer;
  }

  /** The finest grouping that shows bars from…to as no more than so many points. */
  groupingFor(from, to, most) {
    for (const unit of [null, ...this.units]) {
      const grouping = this.grouping(unit);
      if (grouping.logical(to) - grouping.logical(from) <= most) return grouping;
    }
    return this.grouping(this.units.at(-1) ?? null);
  }

  /** The bar within which a moment lies: the first that closes at it or later. */
  barAt(time) {
    return Math.min(firstNotBelow(this.time, time), this.n - 1);
  }

  /** A column kept on another clock, as of the close of every bar here. */
  asOf(times, values) {
    if (times.length === this.n && times.every((t, i) => t === this.time[i])) return values;
    const made = new Float64Array(this.n).fill(NaN);
    for (let i = 0, k = -1; i < this.n; i++) {
      while (k + 1 < times.length && times[k + 1] <= this.time[i]) k++;
      if (k >= 0) made[i] = values[k];
    }
    return made;
  }
}

/** Running sum; what is not known adds nothing. */
function runningSum(values) {
  let sum = 0;
  return values.map(v => (sum += v === v ? v : 0));
}

function firstNotBelow(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

/** How several bars become one value. A group without any is NaN. */
const GROUPED = {
  first: (v, a, b) => { for (let i = a; i < b; i++) if (v[i] === v[i]) return v[i]; return NaN; },
  last: (v, a, b) => { for (let i = b - 1; i >= a; i--) if (v[i] === v[i]) return v[i]; return NaN; },
  sum: (v, a, b) => { let s = NaN; for (let i = a; i < b; i++) if (v[i] === v[i]) s = s === s ? s + v[i] : v[i]; return s; },
  max: (v, a, b) => { let m = NaN; for (let i = a; i < b; i++) if (!(v[i] <= m) && v[i] === v[i]) m = v[i]; return m; },
  min: (v, a, b) => { let m = NaN; for (let i = a; i < b; i++) if (!(v[i] >= m) && v[i] === v[i]) m = v[i]; return m; },
};

/** Lengths of candles on the clock, in µs; months, quarters and years are of the calendar. */
const UNITS = [
  ['1m', 6e7], ['2m', 12e7], ['3m', 18e7], ['5m', 3e8], ['10m', 6e8], ['15m', 9e8], ['30m', 18e8], ['1h', 36e8], ['2h', 72e8], ['4h', 144e8], ['8h', 288e8], ['12h', 432e8],
  ['1d', 864e8], ['1w', 6048e8], ['1 month', 1], ['1 quarter', 3], ['1 year', 12],
].map(([name, length]) => ({ name, length, months: length <= 12 ? length : 0 }));

/** Where a new candle begins: the first bar of each, and the end; a bar that closes on the hour belongs to the hour before. */
function edgesOf(time, { length, months }) {
  const edges = [], week = length === 6048e8 ? 3 * 864e8 : 0; // day 0 was a Thursday, and weeks begin on Monday
  let last = NaN, day = NaN, month = NaN;
  for (let i = 0; i < time.length; i++) {
    const moment = time[i] - 1;
    if (months) {
      const today = Math.floor(moment / 864e8);
      if (today !== day) [day, month] = [today, monthOf(today)];
    }
    const key = months ? Math.floor(month / months) : Math.floor((moment + week) / length);
    if (key !== last) edges.push(i);
    last = key;
  }
  edges.push(time.length);
  return Int32Array.from(edges);
}

/** The bars of a feed as points of the chart: each one, or as candles of a length on the clock. */
class Grouping {
  constructor(feed, unit) {
    Object.assign(this, { n: feed.n, unit, edges: unit ? edgesOf(feed.time, unit) : null });
    this.count = unit ? this.edges.length - 1 : feed.n;
    this.mean = this.n / Math.max(1, this.count);
  }

  /** The first bar of a point, or of the one behind the last. */
  start(point) {
    return this.edges ? this.edges[point] : point;
  }

  /** The point that a bar, or a place between two, belongs to. */
  of(bar) {
    const at = Math.min(Math.max(Math.floor(bar + 0.5), 0), this.n - 1);
    return this.edges ? firstNotBelow(this.edges, at + 1) - 1 : at;
  }

  /** Where a bar stands among points, between them too; both ways beyond the ends go on at the mean length. */
  logical(bar) {
    if (!this.edges) return bar;
    const inside = Math.min(Math.max(bar, -0.5), this.n - 0.5), point = this.of(inside);
    const start = this.edges[point], size = this.edges[point + 1] - start;
    return point + (inside - start - (size - 1) / 2) / size + (bar - inside) / this.mean;
  }

  bar(logical) {
    if (!this.edges) return logical;
    const inside = Math.min(Math.max(logical, -0.5), this.count - 0.5);
    const point = Math.min(Math.round(inside), this.count - 1), start = this.edges[point], size = this.edges[point + 1] - start;
    return start + (size - 1) / 2 + (inside - point) * size + (logical - inside) * this.mean;
  }
}

/** The part of the run that the chart holds now: some points of a grouping. */
class Window {
  constructor(feed, grouping, first, last) {
    Object.assign(this, { feed, grouping, first, last, count: last - first, size: grouping.mean });
  }

  holds(from, to, grouping) {
    return grouping === this.grouping && grouping.of(from) >= this.first && grouping.of(to) < this.last;
  }

  logical(bar) {
    return this.grouping.logical(bar) - this.first;
  }

  bar(logical) {
    return this.grouping.bar(logical + this.first);
  }

  bounds(point) {
    return [this.grouping.start(this.first + point), this.grouping.start(this.first + point + 1)];
  }

  value(values, how, point) {
    const [start, end] = this.bounds(point);
    return end - start === 1 ? values[start] : GROUPED[how](values, start, end);
  }

  /** Every flag that a bar of a point has. */
  flags(point) {
    if (!this.flagged) {
      const { quality } = this.feed;
      this.flagged = Uint8Array.from({ length: this.count }, (_, k) => {
        let all = 0;
        for (let [i, end] = this.bounds(k); i < end; i++) all |= quality[i];
        return all;
      });
    }
    return this.flagged[point];
  }

  time(point) {
    return this.feed.seconds[this.bounds(point)[1] - 1];
  }

  points(make) {
    return Array.from({ length: this.count }, (_, point) => make(point, this.time(point)));
  }
}

/** Depth below the highest value so far, 0…1. */
function drawdown(value, start) {
  let peak = start;
  return value.map(v => {
    if (v > peak) peak = v;
    return 1 - v / peak;
  });
}
