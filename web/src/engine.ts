/** The worker: takes pictures one at a time, answers with faces. Nothing it is given goes anywhere else. */

import type { Face } from "./faces";
import { threads } from "./network";
import { loadNumbers, type Numbers } from "./numbers";
import { Pipeline, type Search } from "./pipeline";
import type { Pixels } from "./pixels";
import { Tracker } from "./tracking";

/** time: seconds for a frame of a stream, null for a photo. hold: seconds for which a face that is missed stays. */
export interface Ask { id: number; image: ImageBitmap; time: number | null; hold: number; search: Search; prior: string }
export interface Answer { id: number; faces: Face[]; image: ImageBitmap; ms: number }
export type Message = Answer | { id: number; error: string; image?: ImageBitmap } | { id: 0; ready: { threads: number; ms: number } };

const FRAME_PX = 640;  // a frame of a stream is searched at this size at most: the networks see far less
const scope = self as unknown as DedicatedWorkerGlobalScope, base = new URL(".", self.location.href);
const canvas = new OffscreenCanvas(1, 1), pen = canvas.getContext("2d", { willReadFrequently: true })!;
interface Stream { pipeline: Pipeline; tracker: Tracker; newest: number }
let stream: Stream | null = null;

interface Loaded { pipeline: Pipeline; numbers: Numbers }

async function load(): Promise<Loaded> {
  const start = performance.now(), numbers = await loadNumbers(base);
  const pipeline = await Pipeline.load(numbers, base), small = numbers.detect.input_px;
  await pipeline.faces({ data: new Uint8ClampedArray(small * small * 4), width: small, height: small }, "fast", "");  // warm
  scope.postMessage({ id: 0, ready: { threads: threads(), ms: performance.now() - start } } satisfies Message);
  return { pipeline, numbers };
}

function pixelsOf(image: ImageBitmap, scale: number): Pixels {
  const [width, height] = [image.width, image.height].map((v) => Math.max(1, Math.round(v * scale)));
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  pen.fillStyle = "#fff";  // what is transparent counts as white
  pen.fillRect(0, 0, width, height);
  pen.drawImage(image, 0, 0, width, height);
  return pen.getImageData(0, 0, width, height);
}

const enlarged = (face: Face, by: number): Face => ({
  ...face,
  xyxy: face.xyxy.map((v) => v * by) as Face["xyxy"],
  landmarks: face.landmarks.map(([x, y]) => [x * by, y * by]),
});

async function answer({ pipeline, numbers }: Loaded, { id, image, time, hold, search, prior }: Ask): Promise<void> {
  const start = performance.now();
  const scale = time === null ? 1 : Math.min(1, FRAME_PX / Math.max(image.width, image.height));
  if (time !== null && (!stream || time < stream.newest)) {  // another stream
    stream = { pipeline: pipeline.streaming(), tracker: new Tracker(numbers.tracking), newest: time };
  }
  const stages = time === null ? pipeline : stream!.pipeline, seen = await stages.faces(pixelsOf(image, scale), search, prior, time ?? 0);
  let faces = scale === 1 ? seen : seen.map((face) => enlarged(face, 1 / scale));
  if (time !== null) {
    stream!.newest = time;
    faces = stream!.tracker.update(faces, time, hold);
  }
  scope.postMessage({ id, faces, image, ms: performance.now() - start } satisfies Message, [image]);
}

const loading = load();
loading.catch((error: Error) => scope.postMessage({ id: 0, error: error.message } as Message));
let last: Promise<void> = Promise.resolve();
scope.onmessage = ({ data }: MessageEvent<Ask>) => {
  last = last.then(async () => answer(await loading, data)).catch((error: Error) => scope.postMessage({ id: data.id, error: error.message }));
};
