/**
 * Resampling with OpenCV's arithmetic, so that the networks see what they see in Python. A canvas resamples otherwise.
 * Pictures are ImageData: RGBA, eight bits. Coordinates start at the upper left corner of the first pixel.
 */

/** As ImageData has it; always of this one kind of array, so that the loops below are compiled for it alone. */
export interface Pixels { data: Uint8ClampedArray; width: number; height: number }

export const blank = (width: number, height: number): Pixels => ({ data: new Uint8ClampedArray(width * height * 4), width, height });

const UNITS = 1.5 * 2 ** 52;  // among numbers as large as this there are no fractions: the addition rounds
/** The nearest whole number, halves to the even one, as numpy and OpenCV round. */
export const rint = (x: number): number => x + UNITS - UNITS;

/** The part of the picture inside x0, y0, x1, y1. */
export function cropped(picture: Pixels, [x0, y0, x1, y1]: readonly number[]): Pixels {
  if (x0 === 0 && y0 === 0 && x1 === picture.width && y1 === picture.height) return picture;
  const part = blank(x1 - x0, y1 - y0);
  for (let y = y0; y < y1; y++) {
    const start = (y * picture.width + x0) * 4;
    part.data.set(picture.data.subarray(start, start + part.width * 4), (y - y0) * part.width * 4);
  }
  return part;
}

/**
 * Averaged when downscaled, interpolated when enlarged. Much too large pictures are halved first, without the last pixel
 * of an odd side, then brought to twice the size and halved again.
 */
export function resized(part: Pixels, width: number, height: number): Pixels {
  const shrinks = (factor: number): boolean => part.height >= factor * height && part.width >= factor * width;
  while (shrinks(4)) part = area(cropped(part, [0, 0, part.width & ~1, part.height & ~1]), part.width >> 1, part.height >> 1);
  if (shrinks(1) && (part.width !== width || part.height !== height)) part = linear(part, 2 * width, 2 * height);
  return part.height > height || part.width > width ? area(part, width, height) : linear(part, width, height);
}

interface Taps { at: Int32Array; first: Int32Array; weight: Float64Array }

/** Which source pixels make a pixel of the result, and their shares: OpenCV's INTER_AREA. */
function areaTaps(source: number, target: number): Taps {
  const scale = source / target, at: number[] = [], weight: number[] = [], first = [0];
  for (let i = 0; i < target; i++) {
    const start = i * scale, end = start + scale, cell = Math.min(scale, source - start);
    const high = Math.min(Math.floor(end), source - 1), low = Math.min(Math.ceil(start), high);
    if (low - start > 1e-3) { at.push(low - 1); weight.push((low - start) / cell); }
    for (let k = low; k < high; k++) { at.push(k); weight.push(1 / cell); }
    if (end - high > 1e-3) { at.push(high); weight.push(Math.min(end - high, 1, cell) / cell); }
    first.push(at.length);
  }
  return { at: Int32Array.from(at), first: Int32Array.from(first), weight: Float64Array.from(weight) };
}

/** INTER_AREA for a picture that shrinks on both axes. */
export function area(from: Pixels, width: number, height: number): Pixels {
  if (from.width === 2 * width && from.height === 2 * height) return halved(from, width, height);
  const across = areaTaps(from.width, width), down = areaTaps(from.height, height), out = blank(width, height), row = new Float64Array(width * 3), source = from.data, target = out.data;
  for (let y = 0; y < height; y++) {
    row.fill(0);
    for (let j = down.first[y]; j < down.first[y + 1]; j++) addRow(source, down.at[j] * from.width * 4, down.weight[j], across, row);
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) target[to + c] = rint(Math.fround(row[x * 3 + c]));
      target[to + 3] = 255;
    }
  }
  return out;
}

/** To half the size, where OpenCV rounds halves up. */
function halved({ data, width: wide }: Pixels, width: number, height: number): Pixels {
  const out = blank(width, height), target = out.data;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, a = 2 * y * wide * 4, b = a + wide * 4; x < width; x++, a += 8, b += 8, to += 4) {
      target[to] = (data[a] + data[a + 4] + data[b] + data[b + 4] + 2) >> 2;
      target[to + 1] = (data[a + 1] + data[a + 5] + data[b + 1] + data[b + 5] + 2) >> 2;
      target[to + 2] = (data[a + 2] + data[a + 6] + data[b + 2] + data[b + 6] + 2) >> 2;
      target[to + 3] = 255;
    }
  }
  return out;
}

function addRow(source: Pixels["data"], start: number, share: number, { at, first, weight }: Taps, row: Float64Array): void {
  for (let x = 0, k = 0; x < first.length - 1; x++) {
    let r = 0, g = 0, b = 0;
    for (; k < first[x + 1]; k++) {
      const from = start + at[k] * 4, w = weight[k];
      r += source[from] * w; g += source[from + 1] * w; b += source[from + 2] * w;
    }
    row[x * 3] += share * r; row[x * 3 + 1] += share * g; row[x * 3 + 2] += share * b;
  }
}

const ONE = 2048;  // OpenCV's INTER_LINEAR counts in eleven bits

function linearTaps(source: number, target: number): Int32Array {
  const taps = new Int32Array(target * 4);
  for (let i = 0; i < target; i++) {
    let place = Math.fround((i + 0.5) * (source / target) - 0.5), low = Math.floor(place), part = Math.fround(place - low);
    if (low < 0) { low = 0; part = 0; }
    if (low >= source - 1) { low = source - 1; part = 0; }
    taps.set([low, Math.min(low + 1, source - 1), rint((1 - part) * ONE), rint(part * ONE)], i * 4);
  }
  return taps;
}

/** INTER_LINEAR: across each row that is needed, then between two of them. */
export function linear(from: Pixels, width: number, height: number): Pixels {
  const across = linearTaps(from.width, width), down = linearTaps(from.height, height), out = blank(width, height), target = out.data;
  let [upper, lower] = [new Int32Array(width * 3), new Int32Array(width * 3)], [above, below] = [-1, -1];
  for (let y = 0, to = 0; y < height; y++) {
    const top = down[y * 4], bottom = down[y * 4 + 1], a = down[y * 4 + 2], b = down[y * 4 + 3];
    if (top === below) [upper, lower, above, below] = [lower, upper, below, above];
    if (top !== above) linearRow(from, (above = top), across, upper);
    if (bottom !== below) linearRow(from, (below = bottom), across, lower);
    for (let i = 0; i < width * 3; to += 4) {
      target[to] = (((a * (upper[i] >> 4)) >> 16) + ((b * (lower[i++] >> 4)) >> 16) + 2) >> 2;
      target[to + 1] = (((a * (upper[i] >> 4)) >> 16) + ((b * (lower[i++] >> 4)) >> 16) + 2) >> 2;
      target[to + 2] = (((a * (upper[i] >> 4)) >> 16) + ((b * (lower[i++] >> 4)) >> 16) + 2) >> 2;
      target[to + 3] = 255;
    }
  }
  return out;
}

function linearRow({ data, width }: Pixels, y: number, across: Int32Array, row: Int32Array): void {
  for (let k = 0, i = 0, start = y * width * 4; k < across.length; k += 4) {
    const left = start + across[k] * 4, right = start + across[k + 1] * 4, c = across[k + 2], d = across[k + 3];
    row[i++] = data[left] * c + data[right] * d;
    row[i++] = data[left + 1] * c + data[right + 1] * d;
    row[i++] = data[left + 2] * c + data[right + 2] * d;
  }
}

/** a, b, x, c, d, y of (x, y) -> (a x + b y + x0, c x + d y + y0). */
export type Matrix = readonly [number, number, number, number, number, number];

/** One byte a pixel. */
export interface Grey { data: Uint8ClampedArray; width: number; height: number }

/** The grey of the picture's part inside x0, y0, x1, y1: OpenCV's, with 15-bit shares of red, green and blue. */
export function grey({ data, width }: Pixels, [x0, y0, x1, y1]: readonly number[]): Grey {
  const part = { data: new Uint8ClampedArray((x1 - x0) * (y1 - y0)), width: x1 - x0, height: y1 - y0 };
  for (let y = y0, to = 0; y < y1; y++) {
    for (let from = (y * width + x0) * 4; to < (y + 1 - y0) * part.width; from += 4, to++) {
      part.data[to] = (9798 * data[from] + 19235 * data[from + 1] + 3735 * data[from + 2] + 16384) >> 15;
    }
  }
  return part;
}

const STEPS = 32;  // OpenCV's warp knows so many places between two pixels

/** Warp by a matrix from frame to crop, both counted from the first pixel's corner, onto a square; edges are repeated. */
export function warp({ data, width, height }: Grey, [a, b, u, c, d, v]: Matrix, size: number): Grey {
  const det = a * d - b * c, [ia, ib, ic, id] = [d / det, -b / det, -c / det, a / det], out = new Uint8ClampedArray(size * size);
  for (let y = 0, to = 0; y < size; y++) {
    for (let x = 0; x < size; x++, to++) {
      const px = x + 0.5 - u, py = y + 0.5 - v, sx = rint((ia * px + ib * py - 0.5) * STEPS), sy = rint((ic * px + id * py - 0.5) * STEPS);
      const x0 = Math.floor(sx / STEPS), y0 = Math.floor(sy / STEPS), fx = sx - x0 * STEPS, fy = sy - y0 * STEPS;
      const left = Math.min(Math.max(x0, 0), width - 1), right = Math.min(Math.max(x0 + 1, 0), width - 1);
      const top = Math.min(Math.max(y0, 0), height - 1) * width, bottom = Math.min(Math.max(y0 + 1, 0), height - 1) * width;
      const upper = data[top + left] * (STEPS - fx) + data[top + right] * fx, lower = data[bottom + left] * (STEPS - fx) + data[bottom + right] * fx;
      out[to] = (upper * (STEPS - fy) + lower * fy + STEPS ** 2 / 2) / STEPS ** 2 | 0;
    }
  }
  return { data: out, width: size, height: size };
}

/** The averages of a square's cells of zoom x zoom pixels: OpenCV's INTER_AREA, which rounds halves up for cells of 2 x 2. */
export function averaged({ data, width }: Grey, zoom: number): Grey {
  if (zoom === 1) return { data, width, height: width };
  const size = width / zoom, share = Math.fround(1 / zoom ** 2), out = new Uint8ClampedArray(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let sum = 0;
      for (let j = 0, from = y * zoom * width + x * zoom; j < zoom; j++, from += width) for (let i = 0; i < zoom; i++) sum += data[from + i];
      out[y * size + x] = zoom === 2 ? (sum + 2) >> 2 : rint(Math.fround(sum * share));
    }
  }
  return { data: out, width: size, height: size };
}
