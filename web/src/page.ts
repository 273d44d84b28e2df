/**
 * The page around <emoji-mation>: photo or camera in, styles, people's cards, snapshot and recording out. With "?embed" it is
 * the camera alone, inside another page, and goes on where it was when its frame comes back. "prior": as the element's.
 */

import { EmojiMation, stage, type Reading } from "./emoji-mation.js";
import type { Ready } from "./client";
import type { Numbers } from "./numbers";
import { People } from "./people";
import { canRecord, record, save } from "./record";

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const view = at<EmojiMation>("view"), people = new People(at("people"));
const asked = new URLSearchParams(location.search), embedded = asked.has("embed");
const say = (words: string, kind = ""): void => { at("message").textContent = words; at("message").className = kind; };

/** "empty", "photo" or "live": what the stage shows decides which controls there are. */
const enter = (state: string): void => { document.body.dataset.state = state; };

function open(file: Blob, name: string): void {
  people.clear();
  enter("photo");
  say("Searching for faces …");
  view.open(file, name);
}

function camera(on: boolean): void {
  people.clear();
  view.toggleAttribute("camera", on);
  enter(on ? "live" : "empty");
  sessionStorage.setItem("camera", on ? "on" : "off");
  say(on ? "Waiting for the camera …" : "");
}

/** Frames a second over the last second. */
const frames: number[] = [];
function speed(): number {
  const now = performance.now();
  frames.push(now);
  while (frames[0] < now - 1000) frames.shift();
  return frames.length;
}

const counted = (n: number): string => (n === 0 ? "No face" : n === 1 ? "One face" : `${n} faces`);

async function read({ detail }: CustomEvent<Reading>): Promise<void> {
  people.show(detail, await view.painter());
  at("facts").textContent = detail.time === null ? `${Math.round(detail.ms)} ms` : `${speed()} frames/s · ${Math.round(detail.ms)} ms each`;
  if (detail.time === null && !detail.faces.length) say("No face was found: try a picture in which a face is larger or more frontal.");
  else say(counted(detail.faces.length));
}

function failed({ detail }: CustomEvent<string>): void {
  if (document.body.dataset.state === "live") camera(false);
  say(detail, "error");
}

async function recording(): Promise<void> {
  const button = at<HTMLButtonElement>("record"), { stop, done } = record(view.canvas);
  button.classList.add("on");
  button.lastElementChild!.textContent = "Stop";
  button.onclick = stop;
  save(await done);
  button.classList.remove("on");
  button.lastElementChild!.textContent = "Record";
  button.onclick = recording;
  say("The recording is among your downloads.");
}

/** The styles as radio buttons, from Python's own table. */
function offerStyles({ styles, art, samples }: Numbers): void {
  at("styles").innerHTML = styles.map(({ name, words }) =>
    `<label><input type="radio" name="overlay" value="${name}"${name === view.overlay ? " checked" : ""}><span>${words}</span></label>`).join("");
  at("styles").onchange = ({ target }) => { view.overlay = (target as HTMLInputElement).value; };
  at("art").onclick = () => view.setAttribute("art", art[(art.indexOf(view.getAttribute("art") ?? art[0]) + 1) % art.length]);
  for (const name of samples) {
    const button = Object.assign(document.createElement("button"), { type: "button", title: `Try the picture ${name}` });
    button.innerHTML = `<img src="samples/${name}" alt="Try the picture ${name.split(".")[0]}" loading="lazy">`;
    button.onclick = async () => open(await (await fetch(`samples/${name}`)).blob(), name);
    at("samples").append(button);
  }
}

/** The face of the empty stage drifts from one emotion to the next. */
async function greet(): Promise<void> {
  const { avatar, numbers } = await stage(), canvas = at<HTMLCanvasElement>("greeter"), pen = canvas.getContext("2d")!;
  const names = numbers.classify.labels, order = ["happy", "surprise", "neutral", "sad", "angry", "disgust", "fear"].map((name) => names.indexOf(name));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const frame = (ms: number): void => {
    if (document.body.dataset.state === "empty") {
      const time = ms / 1000, step = time / 2.4, part = Math.min(Math.max((step % 1) * 3 - 2, 0), 1), ease = part * part * (3 - 2 * part);
      const mix = names.map(() => 0.001), from = still ? 0 : Math.floor(step) % order.length;
      mix[order[from]] += still ? 1 : 1 - ease;
      if (!still) mix[order[(from + 1) % order.length]] += ease;
      pen.clearRect(0, 0, canvas.width, canvas.height);
      avatar.draw(pen, mix, canvas.width / 2, canvas.height / 2, canvas.width, still ? 0 : time, still ? 0 : 0.06 * Math.sin(time * 0.8));
    }
    if (!still) requestAnimationFrame(frame);
  };
  frame(0);
}

function theme(): void {
  const kept = localStorage.getItem("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  const now = (): string => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  if (kept) document.documentElement.dataset.theme = kept;
  at("theme").onclick = () => {
    document.documentElement.dataset.theme = now() === "dark" ? "light" : "dark";
    localStorage.setItem("theme", now());
  };
}

function listen(): void {
  view.addEventListener("faces", (event) => read(event as CustomEvent<Reading>));
  view.addEventListener("failed", (event) => failed(event as CustomEvent<string>));
  view.addEventListener("ready", (event) => ready((event as CustomEvent<Ready>).detail));
  at("camera").onclick = () => camera(!view.live);
  at("close").onclick = () => camera(false);
  at("open").onclick = () => at("file").click();
  at<HTMLInputElement>("file").onchange = ({ target }) => {
    const input = target as HTMLInputElement, file = input.files?.[0];
    if (file) open(file, file.name);
    input.value = "";
  };
  at("snapshot").onclick = async () => { save(await view.snapshot()); say("The picture is among your downloads."); };
  at("record").onclick = recording;
  at("record").hidden = !canRecord();
  at("mirror").onclick = () => view.setAttribute("mirror", view.getAttribute("mirror") === "no" ? "" : "no");
  if (!embedded) listenForFiles();
}

function listenForFiles(): void {
  document.ondragover = (event) => { event.preventDefault(); document.body.classList.add("over"); };
  document.ondragleave = (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); };
  document.ondrop = (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    const file = event.dataTransfer?.files[0];
    if (file) open(file, file.name);
  };
  document.onpaste = (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) open(file, "the pasted picture");
  };
}

async function ready({ threads, ms }: Ready): Promise<void> {
  document.body.classList.add("ready");
  const { numbers } = await stage(), bytes = Object.values(numbers.engine_bytes).reduce((a, b) => a + b, 0);
  at("engine").textContent = `Engine: ${(bytes / 1e6).toFixed(1)} MB, ready in ${(ms / 1000).toFixed(1)} s, ${threads === 1 ? "one thread" : `${threads} threads`}`;
  if (!embedded) navigator.serviceWorker?.register(`offline.js?v=${numbers.version}`).catch(() => undefined);  // a page from plain http has none
}

document.body.classList.toggle("embedded", embedded);
view.setAttribute("prior", asked.get("prior") ?? "everyday");
view.lang = asked.get("lang") ?? "";
theme();
listen();
if (embedded && sessionStorage.getItem("camera") === "on") camera(true);
stage().then(({ numbers }) => {
  offerStyles(numbers);
  return greet();
}).catch((error: Error) => say(error.message, "error"));
