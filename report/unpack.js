// Columns out of the packed text: gzip, byte planes, zigzag, differences, steps.

class Packed {
  static async from(id) {
    const holder = document.getElementById(id);
    const text = holder.textContent;
    holder.remove();
    if (!text) return null;
    return new Packed(await gunzip(octets(text)));
  }

  constructor(buffer) {
    const size = new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
    this.meta = header.meta;
    this.specs = header.columns;
    this.start = 4 + size;
    this.buffer = buffer;
  }

  has(name) {
    return name in this.specs;
  }

  numbers(name) {
    const spec = this.specs[name];
    const values = whole(new Uint8Array(this.buffer, this.start + spec.at, spec.n * spec.planes), spec);
    for (let order = 0; order < spec.order; order++) for (let i = 1; i < values.length; i++) values[i] += values[i - 1];
    if (spec.per !== 1) for (let i = 0; i < values.length; i++) values[i] /= spec.per;
    for (let k = 0; k < spec.nan.length; k += 2) values.fill(NaN, spec.nan[k], spec.nan[k + 1]);
    return values;
  }

  words(name) {
    const { words } = this.specs[name];
    return Array.from(this.numbers(name), code => words[code]);
  }
}

// Fed by hand rather than from a Blob, whose bytes take the way through another process: a page that is
// printed or pictured right after it has loaded would still be empty.
async function gunzip(packed) {
  const { readable, writable } = new DecompressionStream('gzip');
  const writer = writable.getWriter();
  writer.write(packed).catch(() => {});
  writer.close().catch(() => {});
  const parts = [];
  let size = 0;
  const reader = readable.getReader();
  for (let got = await reader.read(); !got.done; got = await reader.read()) {
    parts.push(got.value);
    size += got.value.length;
  }
  const made = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made.buffer;
}

function octets(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const made = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) made[i] = raw.charCodeAt(i);
  return made;
}

function whole(planes, { n, planes: count }) {
  const values = new Float64Array(n);
  if (count <= 3) {
    for (let i = 0; i < n; i++) {
      let z = count > 0 ? planes[i] : 0;
      if (count > 1) z |= planes[i + n] << 8;
      if (count > 2) z |= planes[i + 2 * n] << 16;
      values[i] = (z >>> 1) ^ -(z & 1);
    }
    return values;
  }
  // Wider than the 32 bits of shifts.
  for (let i = 0; i < n; i++) {
    let z = 0;
    for (let k = count - 1; k >= 0; k--) z = z * 256 + planes[i + k * n];
    values[i] = z % 2 ? -(z + 1) / 2 : z / 2;
  }
  return values;
}
