/** Faces of successive frames -> the same faces with stable numbers, boxes and probabilities. As emojimation/tracking. */

import { iou, type Box, type Face } from "./faces";
import type { Point, Tracking } from "./numbers";

type Vector = number[];
const map2 = (a: Vector, b: Vector, f: (x: number, y: number) => number): Vector => a.map((v, i) => f(v, b[i]));
const sumOf = (a: Vector): number => a.reduce((x, y) => x + y, 0);

/** Pairs (row, column) of the least total cost: the Hungarian method (Jonker and Volgenant 1987). As tracking/assign.py. */
export function assign(cost: number[][]): [number, number][] {
  if (!cost.length || !cost[0].length) return [];
  if (cost.length > cost[0].length) return assign(cost[0].map((_, j) => cost.map((row) => row[j]))).map(([j, i]) => [i, j]);
  const rows = cost.length, columns = cost[0].length, rowOf = new Array<number>(columns + 1).fill(0);
  const rowPrice = new Array<number>(rows + 1).fill(0), columnPrice = new Array<number>(columns + 1).fill(0);
  for (let row = 1; row <= rows; row++) {
    rowOf[0] = row;
    const slack = new Array<number>(columns + 1).fill(Infinity), from = new Array<number>(columns + 1).fill(0);
    const visited = new Set<number>();
    let here = 0;
    do {
      visited.add(here);
      const current = rowOf[here];
      let next = 0, step = Infinity;
      for (let j = 1; j <= columns; j++) {
        if (visited.has(j)) continue;
        const reduced = cost[current - 1][j - 1] - rowPrice[current] - columnPrice[j];
        if (reduced < slack[j]) { slack[j] = reduced; from[j] = here; }
        if (slack[j] < step) { step = slack[j]; next = j; }
      }
      for (const j of visited) { rowPrice[rowOf[j]] += step; columnPrice[j] -= step; }
      for (let j = 1; j <= columns; j++) if (!visited.has(j)) slack[j] -= step;
      here = next;
    } while (rowOf[here]);
    for (; here; here = from[here]) rowOf[here] = rowOf[from[here]];
  }
  return rowOf.flatMap((row, j): [number, number][] => (j && row ? [[row - 1, j - 1]] : []));
}

/** The solution of value' = (input - value) / memory for an input known at the samples. As tracking/smooth.py. */
export class LowPass {
  private settled: Vector;
  private samples: Vector[];
  private steps: number[] = [];

  constructor(public value: Vector, private n: Pick<Tracking, "like_steps" | "shortest">) {
    this.settled = value;
    this.samples = [value];
  }

  add(sample: Vector, step: number, memory: number): Vector {
    if (memory <= 0) {
      this.value = this.settled = sample;
      this.samples = [sample]; this.steps = [];
      return sample;
    }
    this.samples = [...this.samples.slice(-3), sample];
    this.steps = [...this.steps.slice(-2), step];
    const { samples: x, steps: h } = this, bends = this.bends(), last = bends.at(-1) ?? sample.map(() => 0);
    if (h.length > 1) {
      const known = bends.slice(-2), mean = last.map((_, i) => sumOf(known.map((bend) => bend[i])) / known.length);
      this.settled = this.through(this.settled, x.at(-3)!, x.at(-2)!, mean, h.at(-2)!, memory);
    }
    return (this.value = notNegative(this.through(this.settled, x.at(-2)!, sample, last, step, memory)));
  }

  /** Half the second derivative of the parabola through each three samples, 0 if their steps differ much. */
  private bends(): Vector[] {
    return this.samples.slice(2).map((c, i) => {
      const [a, b] = [this.samples[i], this.samples[i + 1]], [first, second] = [this.steps[i], this.steps[i + 1]];
      const alike = first > 0 && second > 0 && Math.max(first, second) <= this.n.like_steps * Math.min(first, second);
      return c.map((v, k) => (alike ? ((v - b[k]) / second - (b[k] - a[k]) / first) / (first + second) : 0));
    });
  }

  private through(value: Vector, start: Vector, end: Vector, bend: Vector, step: number, memory: number): Vector {
    const ratio = step / memory, decay = Math.exp(-ratio), m0 = 1 - decay;
    if (ratio < this.n.shortest) return value.map((v, i) => decay * v + (m0 * (start[i] + end[i])) / 2);
    const m1 = step - memory * m0, m2 = step ** 2 - 2 * memory * m1;
    return value.map((v, i) => decay * v + m0 * start[i] + (m1 / step) * (end[i] - start[i]) + (m2 - step * m1) * bend[i]);
  }
}

function notNegative(value: Vector): Vector {
  const sum = sumOf(value);
  if (Math.min(...value) >= 0 || sum <= 0) return value;
  const cut = value.map((v) => Math.max(v, 0)), kept = sumOf(cut);
  return cut.map((v) => (v * sum) / kept);
}

interface Track {
  face: Face; centre: Vector; wh: Vector; velocity: Vector; marks: Point[]; probabilities: LowPass;
  id: number; state: "tentative" | "confirmed" | "lost"; hits: number; since: number; ahead: number; seen: boolean;
}

/** Numbers the people in one stream and smooths what is known of them. As tracking/track.py. */
export class Tracker {
  private tracks: Track[] = [];
  private next = 1;
  private updates = 0;
  private time: number | null = null;

  constructor(private n: Tracking) {}

  /** The confirmed faces of the next frame; those missed for up to `hold` seconds come last, where they should be. */
  update(faces: Face[], time: number, hold = 0): Face[] {
    this.advance(time);
    const crowded = this.crowded(), trackOf = new Map<number, Track>(), pairs = new Map(this.matches(faces));
    this.tracks.forEach((track, i) => {
      const j = pairs.get(i);
      track.seen = j !== undefined;
      if (j !== undefined) {
        trackOf.set(j, track);
        this.absorb(track, faces[j], crowded[i]);
      } else if (track.state === "confirmed") track.state = "lost";
    });
    faces.forEach((face, j) => {
      if (trackOf.has(j)) return;
      trackOf.set(j, this.born(face));
      this.tracks.push(trackOf.get(j)!);
    });
    const seen = faces.map((_, j) => trackOf.get(j)!);
    seen.forEach((track) => this.confirm(track));
    this.updates++;
    const held = this.tracks.filter((track) => track.state === "lost" && track.since <= hold);
    return [...seen.filter((track) => track.id), ...held].map(emitted);
  }

  private advance(time: number): void {
    if (this.time !== null && time < this.time - this.n.max_gap_s) { this.tracks = []; this.updates = 0; this.time = null; }
    const step = this.time !== null && time > this.time ? time - this.time : this.n.nominal_step_s;
    this.time = time;
    for (const track of this.tracks) {
      track.since += step;
      track.ahead = Math.min(track.since, this.n.foreseen_s);
    }
    const patience = (track: Track) => this.n.max_gap_s * (track.id ? 1 : this.n.tentative_share) + 1e-6;
    this.tracks = this.tracks.filter((track) => track.since <= (track.seen ? this.n.neighbours_s : patience(track)));
  }

  private matches(faces: Face[]): [number, number][] {
    const cost = this.tracks.map((track) => faces.map((face) => Math.min(this.cost(track, face), this.n.max_cost)));
    return assign(cost).filter(([i, j]) => cost[i][j] < this.n.max_cost);
  }

  /** Negative log-likelihood of distance and size up to a constant, 1 - IoU, and the difference of the emotions. */
  private cost(track: Track, face: Face): number {
    const { n } = this, box = boxOf(track), spread = this.spread(track), [a, b] = [sizeOf(box), sizeOf(face.xyxy)];
    const away = Math.hypot(...map2(centreOf(box), centreOf(face.xyxy), (x, y) => x - y)) / Math.sqrt(a * b) / spread;
    const growth = Math.log(a / b) / n.size_spread;
    const emotions = sumOf(map2(track.probabilities.value, face.probabilities, (x, y) => Math.abs(x - y))) / 2;
    return (away ** 2 + growth ** 2) / 2 + 2 * Math.log(spread / n.spread) + 1 - iou(box, face.xyxy) + n.emotion_weight * emotions;
  }

  private spread({ hits, ahead }: Track): number {
    const { n } = this;
    return n.spread + (hits === 1 ? n.spread_per_s_new * ahead : n.spread_per_s * ahead + n.spread_per_s2 * ahead ** 2);
  }

  private crowded(): boolean[] {
    const boxes = this.tracks.map(boxOf);
    return boxes.map((box, i) => boxes.some((other, j) => i !== j && iou(box, other) > this.n.crowded_iou));
  }

  private born(face: Face): Track {
    const centre = centreOf(face.xyxy), wh = [0, 1].map((k) => Math.max(face.xyxy[k + 2] - face.xyxy[k], 1e-3));
    const marks = face.landmarks.map((p) => p.map((v, k) => (v - centre[k]) / wh[k]) as Point);
    const probabilities = new LowPass(face.probabilities, this.n);
    return { face, centre, wh, velocity: [0, 0], marks, probabilities, id: 0, state: "tentative", hits: 1, since: 0, ahead: 0, seen: true };
  }

  /** A g-h filter of fading memory for the centre (Brookner 1998), low-pass filters for the rest. */
  private absorb(track: Track, face: Face, crowded: boolean): void {
    const seen = this.born(face), { since, hits } = track, theta = Math.exp(-since / this.n.box_memory_s);
    const start = (hits + 1) * (hits + 2), g = Math.max(1 - theta ** 2, (2 * (2 * hits + 1)) / start);
    const h = crowded && hits > 2 ? 0 : Math.max((1 - theta) ** 2, 6 / start);
    const expected = nowAt(track), error = map2(seen.centre, expected, (a, b) => a - b);
    track.centre = map2(expected, error, (a, e) => a + g * e);
    track.velocity = map2(track.velocity, error, (v, e) => v + (h * e) / Math.max(since, 1e-3));
    track.wh = map2(track.wh, seen.wh, (a, b) => a + (1 - theta) * (b - a));
    track.marks = track.marks.map((p, i) => map2(p, seen.marks[i], (a, b) => a + (1 - theta) * (b - a)) as Point);
    track.probabilities.add(face.probabilities, since, this.n.smooth_s);
    Object.assign(track, { face, hits: hits + 1, since: 0, ahead: 0 });
  }

  private confirm(track: Track): void {
    if (!track.id && track.hits < this.n.confirm_hits && this.updates) return;
    track.state = "confirmed";
    track.id ||= this.next++;
  }
}

const nowAt = ({ centre, velocity, ahead }: Track): Vector => map2(centre, velocity, (a, v) => a + v * ahead);
const centreOf = (box: Box): Vector => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
const sizeOf = (box: Box): number => Math.sqrt(Math.max(box[2] - box[0], 1e-3) * Math.max(box[3] - box[1], 1e-3));

function boxOf(track: Track): Box {
  const [x, y] = nowAt(track), [w, h] = track.wh;
  return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
}

function emitted(track: Track): Face {
  const centre = nowAt(track);
  const landmarks = track.marks.map((p) => p.map((v, k) => centre[k] + v * track.wh[k]) as Point);
  return { ...track.face, xyxy: boxOf(track), landmarks, probabilities: track.probabilities.value, trackId: track.id };
}
