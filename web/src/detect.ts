/**
 * BlazeFace full-range: the network of the first detection pass, and its close-up pass. As emojimation/detect/blazeface.py.
 * A candidate is a row of 18: score, box xyxy, six keypoints xy, longer side in the network's input.
 */

import type { Face } from "./faces";
import { iou, onceEach } from "./faces";
import type { Detect, Point } from "./numbers";
import type { Pixels } from "./pixels";
import { closeUp, draw, letterbox, tileViews, type View } from "./views";

/** Runs the network on (n,side,side,3) BGR: boxes (n,cells,16) and logits (n,cells). */
export type Network = (frames: Uint8Array, n: number, side: number) => Promise<{ boxes: Float32Array; logits: Float32Array }>;
type Row = number[];

const SEEN_PX = 17;
const boxOf = (row: Row): Row => row.slice(1, 5);
const side = (row: Row): number => Math.max(row[3] - row[1], row[4] - row[2]);

export class FaceDetector {
  constructor(private run: Network, private n: Detect) {}

  /** The faces in the whole frame, and in overlapping tiles if requested, largest first. */
  async find(frame: Pixels, tiles: boolean): Promise<Face[]> {
    const { width, height } = frame, { n } = this;
    const whole = [0, 0, width, height], views = [letterbox(whole, n.input_px), ...(tiles ? tileViews(width, height, n) : [])];
    let found = await this.accepted(frame, this.nms(await this.candidates(frame, views)));
    const much = n.close_up_share * Math.max(width, height), large = found.filter((row) => side(row) > much);
    if (!found.length || large.length) {
      const close = large.length
        ? (await this.candidatesOf(frame, large.map((row) => closeUp(boxOf(row), width, height, n)))).flat()
        : await this.candidates(frame, [letterbox(whole, n.input_px, n.close_up_padding)]);
      found = this.nms([...found, ...close.filter((row) => row[0] >= n.min_score * n.softer && side(row) >= much)]);
    }
    return this.largestFirst(found).map((row) => this.faceOf(row));
  }

  /** The faces known from the frame before, each in its own surroundings; null if one is lost or doubtful. */
  async findAgain(frame: Pixels, known: Face[]): Promise<Face[] | null> {
    const { n } = this, boxes = known.map(({ xyxy }) => xyxy as Row);
    const seen = await this.candidatesOf(frame, boxes.map((box) => closeUp(box, frame.width, frame.height, n)));
    const same = boxes.map((box, i) => this.nms(seen[i]).find((row) => iou(box, boxOf(row)) >= n.same_face_iou));
    const rows = same.filter((row) => row !== undefined && row[0] >= n.min_score) as Row[];
    const again = onceEach(this.largestFirst(rows).map((row) => this.faceOf(row)), n);
    return again.length === known.length ? again : null;
  }

  private largestFirst(rows: Row[]): Row[] {
    return rows.filter((row) => side(row) >= this.n.min_size_px).sort((a, b) => side(b) - side(a));
  }

  /** The candidates that are faces: large ones by their score, small ones by their close-up. */
  private async accepted(frame: Pixels, rows: Row[]): Promise<Row[]> {
    const { n } = this, small = (row: Row) => row[SEEN_PX] < n.small_px && side(row) >= n.min_size_px / 2;
    const sure = rows.filter((row) => !small(row) && row[0] >= n.min_score);
    const closer = await this.secondPass(frame, rows.filter(small).slice(0, n.most_small));
    return this.nms([...sure, ...closer.filter((row) => row[0] >= n.min_score)]);
  }

  /** The faces as found in their close-ups; those not found are dropped, unless they were sure before. */
  private async secondPass(frame: Pixels, rows: Row[]): Promise<Row[]> {
    const { n } = this, softer = n.min_score * n.softer;
    const seen = await this.candidatesOf(frame, rows.map((row) => closeUp(boxOf(row), frame.width, frame.height, n)));
    return rows.flatMap((row, i) => {
      const faces = this.nms(seen[i].filter((one) => one[0] >= softer));
      const same = faces.find((one) => iou(boxOf(row), boxOf(one)) >= n.same_face_iou);
      if (!same) return row[0] >= n.min_score * n.sure ? [row] : [];
      return [row[0] >= softer ? [Math.max(same[0], row[0]), ...same.slice(1)] : same];
    });
  }

  /** Candidates in all views, without those cut by a view's inner edge. */
  private async candidates(frame: Pixels, views: View[]): Promise<Row[]> {
    const seen = await this.candidatesOf(frame, views);
    return seen.flatMap((rows, i) => {
      const [x0, y0, x1, y1] = views[i].xyxy;
      return rows.filter((row) =>
        (x0 === 0 || row[1] >= x0) && (y0 === 0 || row[2] >= y0) &&
        (x1 === frame.width || row[3] <= x1) && (y1 === frame.height || row[4] <= y1));
    });
  }

  /** Candidates in frame pixels for each of the views, whose inputs have the same size. */
  private async candidatesOf(frame: Pixels, views: View[]): Promise<Row[][]> {
    const { batch, stride } = this.n, seen: Row[][] = [];
    for (let start = 0; start < views.length; start += batch) {
      const part = views.slice(start, start + batch), { side } = part[0], pixels = side ** 2 * 3, cells = (side / stride) ** 2;
      const frames = new Uint8Array(part.length * pixels);
      part.forEach((view, i) => draw(frame, view, frames, i * pixels));
      const { boxes, logits } = await this.run(frames, part.length, side);
      part.forEach((view, i) => seen.push(
        this.decode(boxes.subarray(i * cells * 16, (i + 1) * cells * 16), logits.subarray(i * cells, (i + 1) * cells))
          .map((row) => toFrame(row, view))));
    }
    return seen;
  }

  private decode(boxes: Float32Array, logits: Float32Array): Row[] {
    const { stride, min_score, faint } = this.n, floor = min_score * faint, least = Math.log(floor / (1 - floor));
    const grid = Math.sqrt(logits.length), rows: Row[] = [];
    for (let i = 0; i < logits.length; i++) {
      if (logits[i] < least) continue;
      const cell = [((i % grid) + 0.5) * stride, (Math.floor(i / grid) + 0.5) * stride];
      const raw = boxes.subarray(i * 16, i * 16 + 16), [w, h] = [Math.abs(raw[2]) / 2, Math.abs(raw[3]) / 2];
      const [x, y] = [raw[0] + cell[0], raw[1] + cell[1]], points = Array.from(raw.subarray(4), (v, k) => v + cell[k & 1]);
      rows.push([1 / (1 + Math.exp(-logits[i])), x - w, y - h, x + w, y + h, ...points, 2 * Math.max(w, h)]);
    }
    return rows;
  }

  /** One row per face, best first: the best and all that overlap it, blended by score (BlazeFace paper, section 4). */
  private nms(rows: Row[]): Row[] {
    let rest = [...rows].sort((a, b) => b[0] - a[0]);
    const faces: Row[] = [];
    while (rest.length) {
      const [best] = rest, same = rest.filter((row, i) => !i || iou(boxOf(best), boxOf(row)) >= this.n.same_face_iou);
      const total = same.reduce((sum, row) => sum + row[0], 0);
      faces.push(best.map((v, k) => (k ? same.reduce((sum, row) => sum + row[0] * row[k], 0) / total : v)));
      rest = rest.filter((row) => !same.includes(row));
    }
    return faces;
  }

  /** BlazeFace marks only the mouth's centre; its corners are set along the line through the eyes. */
  private faceOf(row: Row): Face {
    const at = (k: number): Point => [row[5 + 2 * k], row[6 + 2 * k]], [right, left, nose, mouth] = [0, 1, 2, 3].map(at);
    const [dx, dy] = [0, 1].map((k) => (left[k] - right[k]) * this.n.mouth_half_width);
    const landmarks: Point[] = [right, left, nose, [mouth[0] - dx, mouth[1] - dy], [mouth[0] + dx, mouth[1] + dy]];
    return { xyxy: boxOf(row) as Face["xyxy"], score: row[0], landmarks, probabilities: [], trackId: null };
  }
}

const toFrame = (row: Row, { scale, shift }: View): Row =>
  row.map((v, k) => (k && k < SEEN_PX ? (v - shift[(k - 1) & 1]) / scale[(k - 1) & 1] : v));
