/** The detector's views of a frame: rectangles fitted into its square input. As emojimation/detect/views.py. */

import type { Detect, Point } from "./numbers";
import { cropped, resized, rint, type Pixels } from "./pixels";

/** input pixel = frame pixel * scale + shift. cell: where in the input it may draw: x, y, side. */
export interface View { xyxy: number[]; scale: Point; shift: Point; cell: readonly [number, number, number] }

export const holds = ({ cell: [cx, cy, side] }: View, x: number, y: number): boolean =>
  x >= cx && y >= cy && x < cx + side && y < cy + side;

export function letterbox(xyxy: number[], cell: readonly [number, number, number], padding = 0): View {
  const size = [xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]], longest = Math.max(...size);
  const drawn = size.map((v) => Math.max(rint((v * cell[2]) / (longest * (1 + 2 * padding))), 1));
  const scale = [0, 1].map((k) => drawn[k] / size[k]) as Point;
  const shift = [0, 1].map((k) => Math.floor((cell[2] - drawn[k]) / 2) + cell[k] - xyxy[k] * scale[k]) as Point;
  return { xyxy, scale, shift, cell };
}

/** Draw the views into the network's input, (side,side,3) BGR, from `offset`; the rest stays black. */
export function draw(frame: Pixels, views: View[], side: number, input: Uint8Array, offset: number): void {
  for (const { xyxy, scale, shift } of views) {
    const [left, top, right, bottom] = xyxy.map((v, i) => rint(v * scale[i & 1] + shift[i & 1]));
    const { data, width, height } = resized(cropped(frame, xyxy), right - left, bottom - top);
    for (let y = 0; y < height; y++) {
      let to = offset + ((top + y) * side + left) * 3;
      for (let from = y * width * 4, x = 0; x < width; x++, from += 4, to += 3) {
        input[to] = data[from + 2]; input[to + 1] = data[from + 1]; input[to + 2] = data[from];
      }
    }
  }
}

/** Squares of a half and a quarter of the longer side that cover the frame, where they show more than the whole does. */
export function tileViews(width: number, height: number, { input_px, tile_overlap }: Detect): View[] {
  const longest = Math.max(width, height);
  return [longest >> 1, longest >> 2].filter((side) => side >= input_px).flatMap((side) =>
    starts(height, side, tile_overlap).flatMap((y) => starts(width, side, tile_overlap).map((x) =>
      letterbox([x, y, Math.min(x + side, width), Math.min(y + side, height)], [0, 0, input_px]))));
}

function starts(length: number, side: number, overlap: number): number[] {
  if (length <= side) return [0];
  const count = Math.ceil((length - side) / (side * (1 - overlap))) + 1;
  return Array.from({ length: count }, (_, i) => rint((i * (length - side)) / (count - 1)));
}

/** Views of the boxes, enlarged; a single one has an input of its own, several share one, four at a time. */
export function closeUps(boxes: number[][], width: number, height: number, n: Detect): View[][] {
  if (boxes.length === 1) return [[around(boxes[0], width, height, n.close_up_padding, [0, 0, n.input_px])]];
  const views = boxes.map((box, i) =>
    around(box, width, height, n.cell_padding, [(i & 1) * n.cell_px, ((i >> 1) & 1) * n.cell_px, n.cell_px]));
  return Array.from({ length: Math.ceil(views.length / 4) }, (_, i) => views.slice(4 * i, 4 * i + 4));
}

function around(box: number[], width: number, height: number, padding: number, cell: readonly [number, number, number]): View {
  const side = Math.max(box[2] - box[0], box[3] - box[1]) * (1 + 2 * padding), limits = [width, height];
  const low = [0, 1].map((k) => clip(Math.floor((box[k] + box[k + 2]) / 2 - side / 2), 0, limits[k] - 1));
  const high = [0, 1].map((k) => clip(Math.ceil((box[k] + box[k + 2]) / 2 + side / 2), low[k] + 1, limits[k]));
  const longest = Math.max(high[0] - low[0], high[1] - low[1]);
  return letterbox([...low, ...high], cell, Math.max(0, (side / longest - 1) / 2));
}

const clip = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);
