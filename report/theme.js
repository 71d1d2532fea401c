// Colours come from the style sheet, so that page and chart always agree; numbers and times as text.

const root = document.documentElement;
const MINUS = '\u2212', NOTHING = '\u2013';

const theme = {
  get dark() {
    return (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  },
  color(name) {
    return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  },
  palette() {
    return ['ink', 'muted', 'faint', 'line', 'panel', 'up', 'down', 'buy', 'sell', 'accent', 'equity', 'volume', 'alarm',
      'candle-up', 'candle-down'].reduce((all, name) => ({ ...all, [name]: this.color(name) }), {});
  },
  toggle() {
    root.dataset.theme = this.dark ? 'light' : 'dark';
    try { localStorage.setItem('tapeflow-theme', root.dataset.theme); } catch { /* a private window keeps nothing */ }
  },
  /** What the address asks for. */
  asked() {
    const wanted = new URLSearchParams(location.hash.slice(1)).get('theme');
    return ['dark', 'light'].includes(wanted) ? wanted : '';
  },
  restore() {
    root.dataset.theme ||= this.asked();
    try { root.dataset.theme ||= localStorage.getItem('tapeflow-theme') || ''; } catch { /* as above */ }
    if (!root.dataset.theme) delete root.dataset.theme;
  },
};

const LINE_COLORS = {
  light: ['#7c3aed', '#c2780a', '#0e7490', '#be185d', '#4d7c0f', '#4338ca', '#b45309', '#0f766e'],
  dark: ['#a78bfa', '#f0b849', '#4cc3dd', '#f472b6', '#a3d657', '#8b93f8', '#fb9f56', '#4fd1bd'],
};

function lineColor(index) {
  const colors = LINE_COLORS[theme.dark ? 'dark' : 'light'];
  return colors[index % colors.length];
}

function faded(hex, share) {
  return hex + Math.round(255 * share).toString(16).padStart(2, '0');
}

const formats = [];

/** Made once each: making one costs more than all its uses. */
function formatOf(decimals) {
  return formats[decimals] ??= new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function shown(value, decimals = 2, signed = false) {
  if (!Number.isFinite(value)) return NOTHING;
  const text = formatOf(decimals).format(Math.abs(value));
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? MINUS : signed ? '+' : '') + text;
}

/** Five figures or so, whatever the magnitude. */
function figures(value, signed = false) {
  if (!Number.isFinite(value)) return NOTHING;
  const size = Math.abs(value);
  if (size < 0.1) return (signed && value > 0 ? '+' : '') + trimmed(value, 3);
  return shown(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3, signed);
}

/** A round number of an axis, without needless zeros. */
function trimmed(value, digits) {
  const size = Math.abs(value);
  if (size < 1e-9) return '0';
  const decimals = Math.max(0, Math.min(8, digits - 1 - Math.floor(Math.log10(size))));
  return shown(value, decimals).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
}

/** An amount within three characters or so: 0.42, 7.1, 83, 1.2k. */
function brief(value) {
  if (value >= 999.5) return value >= 99950 ? `${Math.round(value / 1000)}k` : `${(value / 1000).toFixed(1)}k`;
  return value === 0 ? '0' : value < 0.995 ? value.toFixed(2) : value < 9.95 ? value.toFixed(1) : value.toFixed(0);
}

function moment(microseconds, seconds = false) {
  if (!Number.isFinite(microseconds)) return NOTHING;
  const text = new Date(microseconds / 1000).toISOString().replace('T', ' ');
  const sub = microseconds % 1e6;
  if (sub) return text.slice(0, 23);
  return seconds || microseconds % 6e7 ? text.slice(0, 19) : text.slice(0, 16);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
