/** The detector's views of a frame: rectangles fitted into its square input. As emojimation/detect/views.py. */

import type { Detect, Point } from "./numbers";
import { cropped, resized, rint, type Pixels } from "./pixels";

/** input pixel = frame pixel * scale + shift. side: of the square input, in pixels. */
export interface View { xyxy: number[]; scale: Point; shift: Point; side: number }

export function letterbox(xyxy: number[], side: number, padding = 0): View {
  const size = [xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]], longest = Math.max(...size);
  const drawn = size.map((v) => Math.max(rint((v * side) / (longest * (1 + 2 * padding))), 1));
  const scale = [0, 1].map((k) => drawn[k] / size[k]) as Point;
  const shift = [0, 1].map((k) => Math.floor((side - drawn[k]) / 2) - xyxy[k] * scale[k]) as Point;
  return { xyxy, scale, shift, side };
}

/** Draw the view into the network's input, (side,side,3) BGR, from `offset`; the rest stays black. */
export function draw(frame: Pixels, { xyxy, scale, shift, side }: View, input: Uint8Array, offset: number): void {
  const [left, top, right, bottom] = xyxy.map((v, i) => rint(v * scale[i & 1] + shift[i & 1]));
  const { data, width, height } = resized(cropped(frame, xyxy), right - left, bottom - top);
  for (let y = 0; y < height; y++) {
    let to = offset + ((top + y) * side + left) * 3;
    for (let from = y * width * 4, x = 0; x < width; x++, from += 4, to += 3) {
      input[to] = data[from + 2]; input[to + 1] = data[from + 1]; input[to + 2] = data[from];
    }
  }
}

/** Squares of a half and a quarter of the longer side that cover the frame, where they show more than the whole does. */
export function tileViews(width: number, height: number, { input_px, tile_overlap }: Detect): View[] {
  const longest = Math.max(width, height);
  return [longest >> 1, longest >> 2].filter((side) => side >= input_px).flatMap((side) =>
    starts(height, side, tile_overlap).flatMap((y) => starts(width, side, tile_overlap).map((x) =>
      letterbox([x, y, Math.min(x + side, width), Math.min(y + side, height)], input_px))));
}

function starts(length: number, side: number, overlap: number): number[] {
  if (length <= side) return [0];
  const count = Math.ceil((length - side) / (side * (1 - overlap))) + 1;
  return Array.from({ length: count }, (_, i) => rint((i * (length - side)) / (count - 1)));
}

/** The view that shows a box enlarged, with some of its surroundings, in an input of its own. */
export function closeUp(box: number[], width: number, height: number, n: Detect): View {
  const side = Math.max(box[2] - box[0], box[3] - box[1]) * (1 + 2 * n.face_padding), limits = [width, height];
  const low = [0, 1].map((k) => clip(Math.floor((box[k] + box[k + 2]) / 2 - side / 2), 0, limits[k] - 1));
  const high = [0, 1].map((k) => clip(Math.ceil((box[k] + box[k + 2]) / 2 + side / 2), low[k] + 1, limits[k]));
  const longest = Math.max(high[0] - low[0], high[1] - low[1]);
  return letterbox([...low, ...high], n.face_input_px, Math.max(0, (side / longest - 1) / 2));
}

const clip = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);
