/** A face of a frame, the geometry of boxes, and the one warp that crops a face. As emojimation/faces.py. */

import type { Classify, Detect, Point } from "./numbers";
import { averaged, grey, warp, type Matrix, type Pixels } from "./pixels";

export type Box = [number, number, number, number];

/** xyxy and landmarks in pixels of the frame; probabilities in the order of the labels, empty before classification. */
export interface Face { xyxy: Box; score: number; landmarks: Point[]; probabilities: number[]; trackId: number | null }

export const sizePx = ({ xyxy: [x0, y0, x1, y1] }: Face): number => Math.max(x1 - x0, y1 - y0);

/** Tilt in radians, positive clockwise as the viewer sees it. */
export const roll = ({ landmarks: [right, left] }: Face): number => Math.atan2(left[1] - right[1], left[0] - right[0]);

export function iou(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const both = Math.max(wide, 0) * Math.max(high, 0);
  const union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both;
  return union > 0 ? both / union : 0;
}

/** The faces, in their order, without those that are another, better one seen twice. */
export function onceEach(faces: Face[], n: Detect): Face[] {
  const kept: Face[] = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) if (!kept.some((better) => isSame(face, better, n))) kept.push(face);
  return faces.filter((face) => kept.includes(face));
}

function isSame(face: Face, other: Face, { same_iou, same_centre, same_size }: Detect): boolean {
  const [dx, dy] = [0, 1].map((k) => (face.xyxy[k] + face.xyxy[k + 2] - other.xyxy[k] - other.xyxy[k + 2]) / 2), size = sizePx(other);
  return (Math.hypot(dx, dy) < same_centre * size && sizePx(face) < same_size * size) || iou(face.xyxy, other.xyxy) >= same_iou;
}

/** The similarity that maps `source` closest to `target`, by least squares (Umeyama 1991). */
export function similarity(source: Point[], target: Point[]): Matrix {
  const n = source.length, mean = (points: Point[], k: 0 | 1) => points.reduce((sum, p) => sum + p[k], 0) / n;
  const [sx, sy, tx, ty] = [mean(source, 0), mean(source, 1), mean(target, 0), mean(target, 1)];
  let re = 0, im = 0, norm = 0;
  source.forEach(([x, y], i) => {
    const [a, b, c, d] = [x - sx, y - sy, target[i][0] - tx, target[i][1] - ty];
    re += a * c + b * d; im += a * d - b * c; norm += a * a + b * b;
  });
  re /= Math.max(norm, 1e-12); im /= Math.max(norm, 1e-12);
  return [re, -im, tx - re * sx + im * sy, im, re, ty - im * sx - re * sy];
}

/** Grey crops (n,size,size) of the faces, 0 to 255, one after the other. */
export function cropFaces(frame: Pixels, faces: Face[], { size, template, most_zoom }: Classify): Float32Array {
  const crops = new Float32Array(faces.length * size * size), places = template.map(([x, y]): Point => [x * size, y * size]);
  faces.forEach((face, number) => {
    const [part, matrix] = around(frame, similarity(face.landmarks, places), size);
    // A face larger than the crop is warped to a multiple of its size and averaged, so that no pixel is skipped.
    const zoom = Math.min(Math.max(Math.ceil(1 / Math.max(Math.hypot(matrix[0], matrix[3]), 1e-6)), 1), most_zoom);
    const big = warp(grey(frame, part), matrix.map((v) => v * zoom) as unknown as Matrix, size * zoom);
    crops.set(averaged(big, zoom).data, number * size * size);
  });
  return crops;
}

/** The part of the frame that the crop shows, and the matrix from there. */
function around({ width, height }: Pixels, [a, b, u, c, d, v]: Matrix, size: number): [Box, Matrix] {
  const det = a * d - b * c, corners = [[0, 0], [size, 0], [0, size], [size, size]].map(([x, y]) => [x - u, y - v]);
  const xs = corners.map(([x, y]) => (d * x - b * y) / det), ys = corners.map(([x, y]) => (a * y - c * x) / det);
  const [x0, x1] = reach(xs, width), [y0, y1] = reach(ys, height);
  return [[x0, y0, x1, y1], [a, b, u + a * x0 + b * y0, c, d, v + c * x0 + d * y0]];
}

function reach(places: number[], length: number): [number, number] {
  const low = Math.min(Math.max(Math.floor(Math.min(...places)) - 2, 0), length - 1);
  return [low, Math.min(Math.max(Math.ceil(Math.max(...places)) + 2, low + 1), length)];
}
