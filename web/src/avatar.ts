/** An emoji face drawn from the probability vector. As emojimation/draw/avatar.py and portrait.py, on a canvas. */

import type { AvatarNumbers, Point, Pose } from "./numbers";

type Pen = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
const COUNT = 33;
const span = (n: number): number[] => Array.from({ length: n }, (_, i) => i / (n - 1));
const TURN = span(COUNT).map((t) => t * Math.PI), ACROSS = TURN.map((a) => -Math.cos(a)), ARC = TURN.map(Math.sin);
const BROW = span((COUNT >> 1) + 1);
const CIRCLE = TURN.slice(0, -1).map((a): Point => [Math.cos(2 * a), Math.sin(2 * a)]);
const DROP = TURN.map((a): Point => [Math.sin(2 * a) * Math.sin(a) ** 1.4, -1.45 * Math.cos(2 * a)]);
const clip = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);
const curve = (xs: number[], ys: number[]): Point[] => xs.map((x, i) => [x, ys[i]]);
const placed = (points: Point[], [sx, sy]: Point, [x, y]: Point): Point[] => points.map(([px, py]) => [px * sx + x, py * sy + y]);
/** The larger of two, their crossing rounded off. */
const softMax = (a: number, b: number, width: number): number => (a + b + Math.sqrt((a - b) ** 2 + width ** 2)) / 2;

/** Draws faces. skins: the bare heads of the emotions side by side, as Python paints them. seed: shifts the blinks. */
export class Avatar {
  private heads: ImageData[];

  constructor(private n: AvatarNumbers, skins: ImageBitmap, private disc: number) {
    const side = skins.height, pen = new OffscreenCanvas(skins.width, side).getContext("2d", { willReadFrequently: true })!;
    pen.drawImage(skins, 0, 0);
    this.heads = n.poses.map((_, i) => pen.getImageData(i * side, 0, side, side));
  }

  /** Draw at (x, y), the middle, with `size` the width of the sprite whose disc the head fills; roll in radians. */
  draw(pen: Pen, probabilities: number[], x: number, y: number, size: number, time: number, roll = 0, seed = 0): void {
    const top = Math.max(...probabilities), sharp = probabilities.map((p) => (p / top) ** this.n.sharpness);
    const total = sharp.reduce((a, b) => a + b, 0), weights = sharp.map((w) => w / total), swell = 1 + 0.01 * Math.sin((2 * Math.PI * time) / 3.6);
    pen.save();
    pen.translate(x, y);
    pen.rotate(roll);
    pen.scale((size * this.disc / 2) * (2 - swell), (size * this.disc / 2) * swell);
    pen.beginPath();
    pen.arc(0, 0, 1, 0, 2 * Math.PI);
    pen.clip();
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.skin(weights), -1 / this.disc, -1 / this.disc, 2 / this.disc, 2 / this.disc);
    new Portrait(pen, this.n, 1 + 0.45 * clip((96 - size) / 72, 0, 1)).draw(alive(this.pose(weights), time, seed));
    pen.restore();
  }

  /** Poses between poses. As Character.pose of emojimation/draw/characters.py. */
  private pose(weights: number[]): Pose {
    const { poses, blends } = this.n, mixed: Pose = {};
    for (const key in poses[0]) {
      mixed[key] = weights.reduce((sum, w, i) => sum + w * poses[i][key], 0);
      for (const { of: [a, b], pose } of blends) mixed[key] += Math.min(4 * weights[a] * weights[b], 1) * (pose[key] - mixed[key]);
    }
    return mixed;
  }

  private skin(weights: number[]): OffscreenCanvas {
    const side = this.heads[0].width, canvas = new OffscreenCanvas(side, side), pen = canvas.getContext("2d")!;
    const mixed = pen.createImageData(side, side), shown = weights.map((w, i) => [w, i]).filter(([w]) => w > 0.004);
    const all = shown.reduce((sum, [w]) => sum + w, 0);
    for (let k = 0; k < mixed.data.length; k++) {
      let sum = 0;
      for (const [w, i] of shown) sum += w * this.heads[i].data[k];
      mixed.data[k] = sum / all;
    }
    pen.putImageData(mixed, 0, 0);
    return canvas;
  }
}

/** The pose with blink, breath, gaze, tear and tremble at this moment. */
function alive(pose: Pose, time: number, seed: number): Pose {
  const shut = blink(time, seed) * clip(pose.low + 0.86, 0, 1), breath = Math.sin((2 * Math.PI * time) / 3.6);
  const tremble = 0.016 * pose.shake * Math.sin(2 * Math.PI * 6.5 * time), fall = (0.35 + time / 2.8) % 1;
  return {
    ...pose,
    lid: pose.lid + (1 - pose.lid) * shut,
    low: pose.low + (0.25 - pose.low) * shut,
    lash: pose.lash + 0.03 * shut,
    slant: pose.slant * (1 - shut),
    gaze_x: pose.gaze_x + tremble + 0.03 * Math.sin(0.9 * time) * Math.sin(0.37 * time),
    brow_y: pose.brow_y - 0.012 * breath + 0.03 * shut,
    mouth_y: pose.mouth_y + 0.006 * breath,
    wave: pose.wave + tremble,
    fall,
    tear: pose.tear * Math.sqrt(Math.sin(Math.PI * fall)),
  };
}

/** How far a blink closes the lids, 0 to 1: one within every four seconds. */
function blink(time: number, seed: number): number {
  const slot = Math.floor(time / 4), away = Math.min(...[slot - 1, slot, slot + 1].map((k) => Math.abs(time - blinkTime(k, seed))));
  const shut = Math.max(0, 1 - away / 0.12);
  return shut * shut * (3 - 2 * shut);
}

const blinkTime = (slot: number, seed: number): number => 4 * slot + 1.8 + (Math.imul(slot * 31 + seed * 17 + 5, 2246822519) >>> 0) / 2 ** 32;

/** Strokes in head radii around the head's centre; x to the right, y down. */
class Portrait {
  private c: Record<string, string>;

  constructor(private pen: Pen, private n: AvatarNumbers, private bold: number) {
    this.c = n.colours;
    pen.lineJoin = pen.lineCap = "round";
  }

  draw(pose: Pose): void {
    this.mouth(pose);
    this.folds(pose);
    for (const side of [-1, 1]) { this.eye(pose, side); this.brow(pose, side); }
    this.drop(-0.47, pose.eye_y + 0.3 + 0.42 * pose.fall, 0.16 * pose.tear);
    this.drop(0.79, -0.36, 0.125 * pose.sweat);
  }

  private path(points: Point[]): void {
    this.pen.beginPath();
    points.forEach(([x, y]) => this.pen.lineTo(x, y));
    this.pen.closePath();
  }

  private fill(points: Point[], colour: string): void {
    this.path(points);
    this.pen.fillStyle = colour;
    this.pen.fill();
  }

  private oval(x: number, y: number, w: number, h: number, colour: string): void {
    this.pen.beginPath();
    this.pen.ellipse(x, y, Math.max(w, 0), Math.max(h, 0), 0, 0, 2 * Math.PI);
    this.pen.fillStyle = colour;
    this.pen.fill();
  }

  private stroke(points: Point[], width: number, colour: string, closed = false): void {
    this.path(points);
    if (!closed) { this.pen.beginPath(); points.forEach(([x, y]) => this.pen.lineTo(x, y)); }
    this.pen.lineWidth = width * this.bold;
    this.pen.strokeStyle = colour;
    this.pen.stroke();
  }

  /** A stroke whose width swells and tapers, with round ends. */
  private ribbon(points: Point[], widths: number[], colour: string): void {
    const aside = points.map((_, i): Point => {
      const [a, b] = [points[Math.max(i - 1, 0)], points[Math.min(i + 1, points.length - 1)]];
      const length = Math.hypot(b[0] - a[0], b[1] - a[1]) + 1e-9, half = (widths[i] * this.bold) / 2;
      return [(-(b[1] - a[1]) / length) * half, ((b[0] - a[0]) / length) * half];
    });
    const left = points.map(([x, y], i): Point => [x + aside[i][0], y + aside[i][1]]);
    const right = points.map(([x, y], i): Point => [x - aside[i][0], y - aside[i][1]]);
    this.fill([...left, ...right.reverse()], colour);
    for (const i of [0, points.length - 1]) this.oval(...points[i], (widths[i] * this.bold) / 2, (widths[i] * this.bold) / 2, colour);
  }

  /** Draw what is seen through an outline only. */
  private through(outline: Point[], inside: () => void): void {
    this.pen.save();
    this.path(outline);
    this.pen.clip();
    inside();
    this.pen.restore();
  }

  private eye(pose: Pose, side: number): void {
    const { c } = this, x = side * this.n.eye_x, y = pose.eye_y, h = pose.eye_h;
    const low = ARC.map((a) => pose.low * h * a), socket = ARC.map((a, i) => Math.min(-h * a, low[i]));
    const lid = ACROSS.map((a) => -h + 2 * h * pose.lid - side * pose.slant * a * h);
    const top = socket.map((s, i) => Math.min(softMax(s, lid[i], 0.22 * h), low[i])), across = ACROSS.map((a) => x + pose.eye_w * a);
    const [upper, lower, bone] = [top, low, socket].map((edge) => curve(across, edge.map((v) => y + v)));
    if (top.some((v, i) => v - socket[i] > 0.01)) this.shade([...bone, ...[...upper].reverse()]);
    const outline = [...upper, ...[...lower].reverse()], rim = [1 + 0.02 / pose.eye_w, 1 + 0.02 / h];
    this.fill(outline.map(([px, py]) => [(px - x) * rim[0] + x, (py - y) * rim[1] + y]), c.eye_rim);
    this.through(outline, () => {
      this.fill(outline, c.white);
      this.fill([...upper, ...[...upper].reverse().map(([px, py]): Point => [px, py + pose.lash / 2 + 0.05])], c.eye_shadow);
      this.eyeball(pose, x + pose.gaze_x, y + pose.gaze_y);
      const pool = 0.5 * h * Math.max(pose.low, 0) * pose.wet;
      if (pool > 0.01) this.oval(x, y + pose.low * h + 0.1 * pool, pose.eye_w, pool, mix(c.white, c.eye_wet, 8 * pool));
    });
    const ends = clip((0.55 - pose.low) / 1.4, 0.15, 1);
    this.ribbon(upper, ARC.map((a) => pose.lash * (ends + (1 - ends) * a)), c.ink);
  }

  private shade(outline: Point[]): void {
    const [b, g, r] = this.n.lid_shade.map((part) => Math.round(255 * part));
    this.pen.save();
    this.pen.globalCompositeOperation = "multiply";
    this.fill(outline, `rgb(${r} ${g} ${b})`);
    this.pen.restore();
  }

  private eyeball(pose: Pose, x: number, y: number): void {
    const { c } = this, r = pose.pupil;
    this.oval(x, y, r, r * 1.12, c.ink);
    this.oval(x, y + 0.1 * r, r * 0.8, r * 0.9, c.iris);
    this.oval(x, y + 0.52 * r, r * 0.56, r * 0.42, c.iris_light);
    this.oval(x, y, r * 0.56, r * 0.66, c.pupil);
    this.oval(x - 0.36 * r, y - 0.44 * r, pose.shine, pose.shine * 1.12, c.white);
    this.oval(x + 0.42 * r, y + 0.4 * r, pose.shine * 0.48, pose.shine * 0.48, c.white);
  }

  private brow(pose: Pose, side: number): void {
    const height = (t: number) => pose.brow_y - side * pose.skew - pose.brow_in * (1 - t) - pose.brow_out * t - pose.brow_arch * 4 * t * (1 - t);
    this.ribbon(BROW.map((t) => [side * (0.17 + 0.43 * t), height(t)]), BROW.map((t) => pose.brow_w * (0.92 + 0.75 * t - 1.15 * t ** 2)), this.c.ink);
  }

  private folds(pose: Pose): void {
    for (const side of [-1, 1]) {
      if (pose.wrinkle > 0.005) {
        const fold = placed([[0.5, -0.75], [0.8, 0.1], [1.15, 0.75]], [pose.wrinkle * side, pose.wrinkle], [0, 0.1]);
        this.stroke(fold, 0.35 * pose.wrinkle, this.c.fold);
      }
      if (pose.dimple > 0.005) {
        const fold = BROW.map((t): Point => [0.55 * Math.sin(Math.PI * t), 1.6 * t - 0.9]);
        const corner: Point = [side * (pose.mouth_w + 0.055), pose.mouth_y - pose.smile / 2];
        this.ribbon(placed(fold, [pose.dimple * side, pose.dimple], corner), BROW.map((t) => 0.3 * pose.dimple * Math.sin(Math.PI * (0.1 + 0.8 * t))), this.c.crease);
      }
    }
  }

  private mouth(pose: Pose): void {
    const { c } = this, xs = ACROSS.map((u) => pose.mouth_w * u);
    const line = ACROSS.map((u) => pose.mouth_y - 0.6 * pose.skew * u - pose.smile * (u ** 2 - 0.5) + pose.wave * Math.sin(u * 2 * Math.PI));
    const upper = curve(xs, line.map((v, i) => v - pose.up * ARC[i])), lower = curve(xs, line.map((v, i) => v + pose.down * ARC[i]));
    const outline = [...upper, ...[...lower].reverse()], gap = pose.up + pose.down, floor = lower[COUNT >> 1][1];
    this.stroke(outline, pose.lip, c.ink, true);
    this.through(outline, () => {
      this.fill(outline, mix(c.ink, c.mouth, gap / 0.12));
      this.tongue(pose, floor, gap);
      for (const [lip, part] of [[upper, pose.teeth], [lower, -pose.teeth_low]] as const) {
        const band = (by: number): Point[] => lip.map(([x, y], i) => [x, y + by * (0.45 + 0.55 * ARC[i]) * 0.34 * gap * part]);
        const seen = 12 * gap * Math.abs(part);
        this.fill([...lip, ...band(1.18).reverse()], mix(c.ink, c.teeth_shadow, seen));
        this.fill([...lip, ...band(1).reverse()], mix(c.ink, c.teeth, seen));
      }
    });
    this.bleh(pose, floor);
  }

  private tongue(pose: Pose, floor: number, gap: number): void {
    const size = gap * pose.tongue, y = floor + 0.15 * size;
    this.oval(0, y, pose.mouth_w * 0.62, 0.62 * size, mix(this.c.ink, this.c.tongue, 4 * size));
    this.oval(0, y - 0.22 * size, pose.mouth_w * 0.34, 0.2 * size, mix(this.c.ink, this.c.tongue_light, 4 * size));
  }

  /** The tongue out of the mouth, as long as `bleh` says. */
  private bleh(pose: Pose, floor: number): void {
    if (pose.bleh < 0.01) return;
    const { c } = this, length = pose.bleh, half = 0.17 * Math.min(1, length * 4);
    const tip = ACROSS.map((u, i): Point => [-half * u, half * ARC[i] + floor + length - half]);
    const outline: Point[] = [[half, floor], ...tip, [-half, floor]];
    this.stroke(outline, 0.05, c.ink);
    this.fill(outline, c.tongue);
    this.fill(placed(CIRCLE, [0.3 * half, 0.3 * length], [-0.45 * half, floor + 0.55 * length]), c.tongue_light);
    this.stroke([[0, floor + 0.03], [0, floor + 0.62 * length]], 0.028, c.tongue_line);
  }

  private drop(x: number, y: number, radius: number): void {
    if (radius < 0.01) return;
    const { c } = this, shine = placed(CIRCLE, [0.22, 0.42], [-0.32, 0.45]);
    this.fill(placed(DROP, [radius + 0.014, radius + 0.014], [x, y]), c.water_edge);
    this.fill(placed(DROP, [radius, radius], [x, y]), c.water);
    this.fill(placed(shine, [radius, radius], [x, y]), c.water_light);
  }
}

/** A colour between two: details too small to see take their surroundings' colour instead of flickering. */
function mix(start: string, end: string, part: number): string {
  const channels = (hex: string) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const [from, to, share] = [channels(start), channels(end), clip(part, 0, 1)];
  return `rgb(${from.map((a, i) => Math.round(a + (to[i] - a) * share)).join(" ")})`;
}
