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

/** The part of the run that the chart holds now: bars from…to, `size` of them to a point. */
class Window {
  constructor(feed, from, to, size) {
    Object.assign(this, { feed, from, to, size, count: Math.ceil((to - from) / size) });
  }

  holds(from, to, size) {
    const n = this.feed.n;
    return size === this.size && Math.max(0, from) >= this.from && Math.min(n, to) <= this.to;
  }

  logical(bar) {
    return (bar - this.from - (this.size - 1) / 2) / this.size;
  }

  bar(logical) {
    return this.from + logical * this.size + (this.size - 1) / 2;
  }

  bounds(point) {
    const start = this.from + point * this.size;
    return [start, Math.min(start + this.size, this.feed.n)];
  }

  value(values, how, point) {
    const [start, end] = this.bounds(point);
    return this.size === 1 ? values[start] : GROUPED[how](values, start, end);
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
