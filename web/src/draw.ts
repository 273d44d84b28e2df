/** Draw faces on a frame in one of the styles. As emojimation/draw, on a canvas. */

import type { Avatar } from "./avatar";
import { answerOf, type Answer } from "./certainty";
import { roll, sizePx, type Face } from "./faces";
import type { Words } from "./languages";
import { fetched, type Numbers } from "./numbers";

type Pen = CanvasRenderingContext2D;
type Sprite = CanvasImageSource;
const INK = "#14181e", PAPER = "#fff", FONT = "Figtree, system-ui, sans-serif";

interface Head { x: number; y: number; side: number; roll: number }

/** What all drawing needs: numbers, emoji art by name, the avatar, the language. names: the emotions' in that language. */
export class Painter {
  private styles: Record<string, (pen: Pen, faces: Face[], time: number) => void> = {
    boxes: (pen, faces) => this.boxes(pen, faces),
    emoji: (pen, faces) => this.heads(faces, (face, head) => this.emojiOn(pen, face, head)),
    avatar: (pen, faces, time) => this.heads(faces, (face, head) =>
      this.avatar.draw(pen, face.probabilities, head.x, head.y, head.side / this.n.draw.disc, time, head.roll, face.trackId ?? 0)),
    blur: (pen, faces) => this.heads(faces, (_, head) => this.cells(pen, head, true)),
    pixelate: (pen, faces) => this.heads(faces, (_, head) => this.cells(pen, head, false)),
    none: () => undefined,
  };

  readonly said: Words;
  readonly names: string[];

  private constructor(readonly n: Numbers, readonly avatar: Avatar, private art: Map<string, [Sprite, Sprite]>, readonly language: string) {
    this.said = n.languages[language];
    this.names = n.classify.labels.map((name) => this.said.names[name] ?? name);
  }

  static async load(n: Numbers, base: URL, art: string, avatar: Avatar, language: string): Promise<Painter> {
    const names = [...n.classify.labels, "not_sure"];
    const sprites = await Promise.all(names.map((name) => picture(new URL(`emoji/${art}/${name}.png`, base))));
    return new Painter(n, avatar, new Map(names.map((name, i) => [name, [sprites[i], muted(sprites[i], n.draw.pale)]])), language);
  }

  answer(face: Face): Answer {
    return answerOf(face.probabilities, this.names, this.said, this.n.classify.threshold, this.n.pair_threshold);
  }

  /** The emotion's colour, paler if the answer only leans to it, grey if it is not sure. */
  colour({ certainty, ranked }: Answer): string {
    if (certainty === "not sure") return this.n.labels.grey;
    const colour = this.n.labels.colours[ranked[0]], pale = this.n.draw.pale;
    return certainty === "sure" ? colour : `color-mix(in srgb, ${colour}, rgb(${pale} ${pale} ${pale}))`;
  }

  sprite({ certainty, ranked }: Answer): Sprite {
    const [full, pale] = this.art.get(certainty === "not sure" ? "not_sure" : this.n.classify.labels[ranked[0]])!;
    return certainty === "leaning" ? pale : full;
  }

  draw(pen: Pen, faces: Face[], style: string, time: number): void {
    this.styles[style](pen, faces, time);
  }

  /** Small, distant heads go first. */
  private heads(faces: Face[], draw: (face: Face, head: Head) => void): void {
    for (const face of [...faces].sort((a, b) => sizePx(a) - sizePx(b))) draw(face, headOf(face, this.n));
  }

  private emojiOn(pen: Pen, face: Face, { x, y, side, roll: tilt }: Head): void {
    const wide = side / this.n.draw.disc;
    pen.save();
    pen.translate(x, y);
    pen.rotate(tilt);
    pen.drawImage(this.sprite(this.answer(face)), -wide / 2, -wide / 2, wide, wide);
    pen.restore();
  }

  /** Only a few averages of the head remain, as squares or as a soft cloud. */
  private cells(pen: Pen, { x, y, side, roll: tilt }: Head, soft: boolean): void {
    const half = side * 0.6, count = Math.ceil(2 * half / (side / this.n.draw.cells));
    const small = averages(pen.canvas, [x - half, y - half, 2 * half], count);
    pen.save();
    pen.beginPath();
    pen.ellipse(x, y, side * 0.47, side * 0.53, tilt, 0, 2 * Math.PI);
    pen.clip();
    pen.imageSmoothingEnabled = soft;
    pen.drawImage(small, x - half, y - half, 2 * half, 2 * half);
    pen.restore();
  }

  private boxes(pen: Pen, faces: Face[]): void {
    const short = Math.min(pen.canvas.width, pen.canvas.height);
    for (const face of faces) {
      const [x0, y0, x1, y1] = face.xyxy, answer = this.answer(face), line = Math.max(2, Math.min(short * 0.004, sizePx(face) * 0.03));
      pen.beginPath();
      pen.roundRect(x0, y0, x1 - x0, y1 - y0, 0.12 * Math.min(x1 - x0, y1 - y0));
      for (const [width, colour] of [[line + 2, "rgb(20 24 30 / .45)"], [line, this.colour(answer)]] as const) {
        pen.lineWidth = width;
        pen.strokeStyle = colour;
        pen.stroke();
      }
    }
    faces.forEach((face, i) => this.label(pen, face, short, face.trackId ?? (faces.length > 1 ? i + 1 : null)));
  }

  /** Emoji, words and percent in a pill above the head, below it where there is no room above. */
  private label(pen: Pen, face: Face, short: number, number: number | null): void {
    const answer = this.answer(face), px = Math.round(Math.min(Math.max(sizePx(face) * 0.12, short * 0.022, 9), short * 0.04 + 6));
    const words = number === null ? answer.words : `${number}  ${answer.words}`;
    const percent = `${Math.round(100 * face.probabilities[answer.ranked[0]])}%`, icon = px * 1.5, pad = px * 0.35;
    pen.font = `650 ${px}px ${FONT}`;
    const long = pen.measureText(words).width, width = pad * 3.5 + icon + long + px * 0.4 + pen.measureText(percent).width, height = icon + 2 * pad;
    const [x0, y0, x1, y1] = face.xyxy, gap = px * 0.4;
    const x = Math.min(Math.max((x0 + x1 - width) / 2, 2), Math.max(pen.canvas.width - width - 2, 2));
    const y = y0 - gap - height >= 0 ? y0 - gap - height : Math.min(y1 + gap, pen.canvas.height - height - 2);
    pen.globalAlpha = 0.82;
    pen.fillStyle = INK;
    pen.beginPath();
    pen.roundRect(x, y, width, height, height / 2);
    pen.fill();
    pen.globalAlpha = 1;
    pen.drawImage(this.sprite(answer), x + pad, y + pad, icon, icon);
    pen.textBaseline = "middle";
    pen.fillStyle = PAPER;
    pen.fillText(words, x + pad * 2 + icon, y + height / 2 + px * 0.06);
    pen.fillStyle = this.n.labels.grey;
    pen.fillText(percent, x + pad * 2 + icon + long + px * 0.4, y + height / 2 + px * 0.06);
  }
}

/** The whole head, hair and ears included, from the face's box and tilt. */
export function headOf(face: Face, { draw }: Pick<Numbers, "draw">): Head {
  const [x0, y0, x1, y1] = face.xyxy, side = sizePx(face), tilt = roll(face), lift = side * draw.head_lift;
  return { x: (x0 + x1) / 2 + lift * Math.sin(tilt), y: (y0 + y1) / 2 - lift * Math.cos(tilt), side: side * draw.head_side, roll: tilt };
}

/** Halved step by step, so that every pixel counts, whatever the browser's own downscaling does. */
function averages(source: CanvasImageSource, [x, y, side]: number[], count: number): OffscreenCanvas {
  let wide = count * 2 ** Math.max(0, Math.ceil(Math.log2(side / count)));
  let canvas = new OffscreenCanvas(wide, wide);
  const pen = canvas.getContext("2d")!;
  pen.drawImage(source, 0, 0, wide, wide);  // beyond the picture's edge: nothing of the head may shine through
  pen.drawImage(source, x, y, side, side, 0, 0, wide, wide);
  for (; wide > count; wide /= 2) {
    const half = new OffscreenCanvas(wide / 2, wide / 2);
    half.getContext("2d")!.drawImage(canvas, 0, 0, wide / 2, wide / 2);
    canvas = half;
  }
  return canvas;
}

/** Halfway to light grey, for an answer that only leans to an emotion. */
function muted(sprite: ImageBitmap, pale: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(sprite.width, sprite.height), pen = canvas.getContext("2d")!;
  pen.drawImage(sprite, 0, 0);
  pen.globalCompositeOperation = "source-atop";
  pen.fillStyle = `rgb(${pale} ${pale} ${pale} / .5)`;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

export const picture = async (url: URL): Promise<ImageBitmap> => createImageBitmap(await (await fetched(url)).blob());
