/**
 * <emoji-mation>: a picture or the camera, with the emotions of its faces drawn on it. Everything runs in this browser.
 *
 * Attributes: src (a picture's address), camera (present: the camera), overlay (boxes, emoji, avatar, blur, pixelate, none),
 * art (noto, fluent), lang (of the emotions' words; without it the browser's), mirror ("no": the camera's picture as others see you). Events: `faces` (detail: Reading), `failed`
 * (detail: one line of text), `ready`.
 */

import { Avatar } from "./avatar";
import { Engine, type Ready } from "./client";
import { Painter, picture } from "./draw";
import type { Face } from "./faces";
import { languageOf } from "./languages";
import { loadNumbers, type Numbers } from "./numbers";

/** time: seconds since the camera started, null for a photo. ms: what the search took. */
export interface Reading { faces: Face[]; time: number | null; ms: number; width: number; height: number }
export interface Stage { numbers: Numbers; engine: Engine; avatar: Avatar }

const BASE = new URL(".", import.meta.url), MOST_PX = 4096;
let shared: Promise<Stage> | undefined;
/** The engine and what is drawn with, loaded once for all elements. */
export const stage = (): Promise<Stage> => (shared ??= load());

async function load(): Promise<Stage> {
  if (typeof WebAssembly === "undefined") {
    throw new Error("Expected a browser with WebAssembly, got one without: allow it in the settings, or use another browser.");
  }
  const engine = new Engine(BASE), numbers = await loadNumbers(BASE);
  return { numbers, engine, avatar: new Avatar(numbers.avatar, await picture(new URL("skins.png", BASE)), numbers.draw.disc) };
}

/** What a camera's refusal means, in one line. */
const CAMERA: Record<string, string> = {
  NotAllowedError: "The camera is blocked: allow it for this page in the browser's address bar, then try again.",
  NotFoundError: "No camera was found: connect one, or open a photo.",
  NotReadableError: "The camera is in use by another program: close that, then try again.",
};

export class EmojiMation extends HTMLElement {
  static observedAttributes = ["src", "camera", "overlay", "art", "lang"];
  readonly canvas = document.createElement("canvas");
  private video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  private painters = new Map<string, Promise<Painter>>();
  private shown: { image: ImageBitmap; faces: Face[]; time: number | null } | null = null;
  private turn = 0;  // counts what is shown: answers for what came before are dropped

  connectedCallback(): void {
    if (!this.canvas.isConnected) {
      this.canvas.style.cssText = "display:block;width:100%;height:100%;object-fit:contain";
      this.canvas.setAttribute("role", "img");
      this.append(this.canvas);
    }
    stage().then(({ engine }) => engine.ready).then((detail) => this.say<Ready>("ready", detail), (error: Error) => this.fail(error));
  }

  disconnectedCallback(): void {
    this.stop();
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (name === "src" && now) this.open(fetch(now).then((answer) => answer.blob()), now);
    else if (name === "camera") now === null ? this.stop() : before === null && this.start();
    else this.redraw();
  }

  get overlay(): string { return this.getAttribute("overlay") ?? "boxes"; }
  set overlay(name: string) { this.setAttribute("overlay", name); }
  get live(): boolean { return this.hasAttribute("camera"); }

  /** The picture and its faces as drawn, for a snapshot. */
  snapshot(): Promise<Blob> {
    return new Promise((resolve) => this.canvas.toBlob((blob) => resolve(blob!), "image/png"));
  }

  /** Read a photo: a file or a blob, or the promise of one. */
  async open(file: Blob | Promise<Blob>, name = "this file"): Promise<void> {
    this.removeAttribute("camera");
    const turn = ++this.turn;
    try {
      const image = await this.decoded(file, name), { engine } = await stage();
      if (turn !== this.turn) return;
      await this.show(image, [], null);
      const answer = await engine.ask(await createImageBitmap(image), { time: null, hold: 0, search: "auto", prior: this.prior });
      if (turn === this.turn) await this.show(answer.image, answer.faces, null, answer.ms);
    } catch (error) {
      if (turn === this.turn) this.fail(error as Error);
    }
  }

  /** Base rates that answers are corrected for. */
  get prior(): string { return this.getAttribute("prior") ?? "everyday"; }

  private async decoded(file: Blob | Promise<Blob>, name: string): Promise<ImageBitmap> {
    const image = await createImageBitmap(await file).catch(() => {
      throw new Error(`Expected an image that this browser can open, got ${name}: choose a JPEG, PNG or WebP file.`);
    });
    const scale = MOST_PX / Math.max(image.width, image.height);
    if (scale >= 1) return image;
    return createImageBitmap(image, { resizeWidth: Math.round(image.width * scale), resizeHeight: Math.round(image.height * scale), resizeQuality: "high" });
  }

  private async start(): Promise<void> {
    const turn = ++this.turn;
    try {
      if (!navigator.mediaDevices) throw new Error("Browsers allow the camera only on https pages or on localhost: open this page there.");
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 960 }, height: { ideal: 720 } } });
      if (turn !== this.turn) return stream.getTracks().forEach((track) => track.stop());
      this.video.srcObject = stream;
      await this.video.play();
      await this.watch(turn, performance.now());
    } catch (error) {
      if (turn !== this.turn) return;
      this.removeAttribute("camera");
      this.fail(new Error(CAMERA[(error as Error).name] ?? (error as Error).message));
    }
  }

  private stop(): void {
    this.turn++;
    (this.video.srcObject as MediaStream | null)?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
  }

  /** Always the newest frame; what is drawn is the frame that was searched, so that covers lie on their heads. */
  private async watch(turn: number, start: number): Promise<void> {
    const { engine, numbers } = await stage();
    const hides = (): boolean => numbers.styles.find(({ name }) => name === this.overlay)?.hides ?? false;
    for (let seen = -1; turn === this.turn; ) {
      if (this.video.currentTime === seen || !this.video.videoWidth) {
        await new Promise((resolve) => setTimeout(resolve, 4));
        continue;
      }
      seen = this.video.currentTime;
      const time = (performance.now() - start) / 1000, [hold, search] = hides() ? [numbers.tracking.hold_s, "fast" as const] : [0, "stream" as const];
      const answer = await engine.ask(await this.grabbed(), { time, hold, search, prior: this.prior });
      if (turn === this.turn) await this.show(answer.image, answer.faces, time, answer.ms);
      else answer.image.close();
    }
  }

  private async grabbed(): Promise<ImageBitmap> {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (this.getAttribute("mirror") === "no") return createImageBitmap(this.video);
    const mirror = new OffscreenCanvas(width, height), pen = mirror.getContext("2d")!;
    pen.setTransform(-1, 0, 0, 1, width, 0);
    pen.drawImage(this.video, 0, 0);
    return mirror.transferToImageBitmap();
  }

  private async show(image: ImageBitmap, faces: Face[], time: number | null, ms?: number): Promise<void> {
    if (this.shown?.image !== image) this.shown?.image.close();
    this.shown = { image, faces, time };
    await this.redraw();
    if (ms !== undefined) this.say<Reading>("faces", { faces, time, ms, width: image.width, height: image.height });
  }

  private async redraw(): Promise<void> {
    const painter = await this.painter();
    if (!this.shown) return;
    const { image, faces, time } = this.shown, { canvas } = this, pen = canvas.getContext("2d")!;
    if (canvas.width !== image.width || canvas.height !== image.height) [canvas.width, canvas.height] = [image.width, image.height];
    pen.drawImage(image, 0, 0);
    painter.draw(pen, faces, this.overlay, time ?? 0);
    canvas.setAttribute("aria-label", faces.map((face) => painter.answer(face).words).join(", ") || "No face");
  }

  /** Draws with the element's art, in its language. */
  painter(): Promise<Painter> {
    const art = this.getAttribute("art") ?? "noto", wanted = this.lang ? [this.lang] : navigator.languages, key = `${art} ${wanted}`;
    if (!this.painters.has(key)) {
      this.painters.set(key, stage().then(({ numbers, avatar }) =>
        Painter.load(numbers, BASE, art, avatar, languageOf(numbers.languages, wanted))));
    }
    return this.painters.get(key)!;
  }

  private fail(error: Error): void {
    this.say("failed", error.message);
  }

  private say<T>(name: string, detail: T): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

customElements.define("emoji-mation", EmojiMation);
