"""The page without a server beside @vladmandic/human, in turn in one Chromium: start, speed, size and accuracy.

Run: python benchmarks/page.py [--human FOLDER] [--blocks 6] [--frames 30] [--data FILE] [--crops 300] [--out FOLDER]

--human: a folder in which `npm install @vladmandic/human @tensorflow/tfjs-backend-wasm` was run. Both search a frame of
640 x 480 with one face and name its emotion, in WebAssembly with as many threads as each of them takes; human without
mesh, iris and the other networks that it can do without, and without its cache of earlier frames. Start: from opening
the page to the first face. Speed: frames in turn, block by block, so that a busy machine is fair to both; cpu_ms is the
browser's processor time for a frame, which tells more than the clock where other programs run. The page follows known
faces and searches the whole of every eighth frame.

--data: FER2013. Both get the same crops of PublicTest, drawn on a canvas at four times their size, as photos: each has
to find the face first. found: share of crops with a face. accuracy: of all crops, where a face not found counts as an
error; accuracy_of_those: of the crops in which every rival finds a face. Base rates are those of FER2013.
"""

import argparse
import statistics
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from machine import ROOT, keep

sys.path.insert(0, str(ROOT / "scripts"))
from web_browser import chromium, face_frames

from emojimation.apps.page.build import write_page
from emojimation.apps.page.server import server
from emojimation.labels import EMOTIONS
from emojimation.training.data.load import load

OURS = """
import { stage } from "./emoji-mation.js";
const { engine, numbers } = await stage();
let time = 0;
const ask = { hold: 0, search: "stream", prior: "everyday" };
window.detect = async (frame) => {
  const answer = await engine.ask(await createImageBitmap(frame), { time: (time += 1 / 30), ...ask });
  answer.image.close();
  return answer.faces.length;
};
const photo = { time: null, hold: 0, search: "auto", prior: "fer2013" };
window.emotion = async (frame) => {
  const { faces } = await engine.ask(await createImageBitmap(frame), photo), { probabilities } = faces[0] ?? {};
  return probabilities ? numbers.classify.labels[probabilities.indexOf(Math.max(...probabilities))] : null;
};
"""
HUMAN = """
import { Human } from "./human/dist/human.esm.js";
const off = { enabled: false };
const face = { detector: { rotation: false, return: false }, mesh: off, attention: off, iris: off, description: off,
    antispoof: off, liveness: off, emotion: { enabled: true } };
const human = new Human({ backend: "wasm", wasmPath: new URL("wasm/", location.href).href, cacheSensitivity: 0,
    modelBasePath: new URL("human/models/", location.href).href, debug: false, filter: off, face, body: off, hand: off,
    object: off, gesture: off, segmentation: off });
window.detect = async (frame) => (await human.detect(frame)).face.filter((one) => one.emotion?.length).length;
window.emotion = async (frame) => (await human.detect(frame)).face[0]?.emotion?.[0]?.emotion ?? null;
"""
PAGE = """<!doctype html><title>{name}</title><img id="frame" src="frame.png" hidden><script type="module">
const start = performance.now();
const image = document.getElementById("frame");
await image.decode();
const frame = new OffscreenCanvas(640, 480);
frame.getContext("2d").drawImage(image, 0, 0);
window.started = (async () => {{
  while (!window.detect) await new Promise((done) => setTimeout(done, 5));
  const faces = await window.detect(frame);
  const files = performance.getEntriesByType("resource").length;
  return {{ start_s: (performance.now() - start) / 1000, faces, files }};
}})();
window.timed = async (count) => {{
  const times = [];
  for (let i = 0; i < count; i++) {{
    const begun = performance.now();
    if (!(await window.detect(frame))) throw new Error("no face");
    times.push(performance.now() - begun);
  }}
  return times;
}};
window.named = async (count, side) => {{
  const strip = new Image(), names = [];
  const canvas = new OffscreenCanvas(8 * side, 8 * side), pen = canvas.getContext("2d");
  strip.src = "crops.png";
  await strip.decode();
  pen.fillStyle = "#808080";
  pen.fillRect(0, 0, 8 * side, 8 * side);
  pen.imageSmoothingQuality = "high";
  for (let i = 0; i < count; i++) {{
    pen.drawImage(strip, 0, i * side, side, side, 2 * side, 2 * side, 4 * side, 4 * side);
    names.push(await window.emotion(canvas));
  }}
  return names;
}};
</script><script type="module">{script}</script>"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--human", type=Path)
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--crops", type=int, default=300)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as tools, chromium(tools) as browser:
        folder = Path(name)
        sizes = write_page(folder)
        rivals = lay_out(folder, asked.human)
        labels = crops_of(asked.data, asked.crops, folder) if asked.data else None
        with server(folder) as files:
            threading.Thread(target=files.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{files.server_port}"
            figures = measured(browser, address, rivals, asked.blocks, asked.frames)
            if labels:
                answers = {name: named(browser, f"{address}/{name}.html", len(labels)) for name in rivals}
                figures = {name: figures[name] | rows for name, rows in accuracies(answers, labels).items()}
            files.shutdown()
        figures["page"]["folder_mb"] = round(sum(sizes.values()) / 1e6, 2)
        keep("page", figures, asked.out)


def lay_out(folder: Path, human: Path | None) -> list[str]:
    """Put one page for each into the folder, with the frame; the names of the pages."""
    cv2.imwrite(str(folder / "frame.png"), next(face_frames(1)))
    scripts = {"page": OURS}
    if human is not None:
        scripts["human"] = HUMAN
        (folder / "human").symlink_to(human.resolve() / "node_modules/@vladmandic/human")
        (folder / "wasm").symlink_to(human.resolve() / "node_modules/@tensorflow/tfjs-backend-wasm/dist")
    for name, script in scripts.items():
        (folder / f"{name}.html").write_text(PAGE.format(name=name, script=script), "utf-8")
    return list(scripts)


def measured(browser: Any, address: str, rivals: list[str], blocks: int, frames: int) -> dict[str, Any]:
    """Of each rival: start, megabytes, frames a second, milliseconds a frame (median, 5 and 95 %; processor time)."""
    pages, figures = {}, {}
    for name in rivals:
        pages[name] = page = browser.new_page()
        received: list[int] = []
        page.on("requestfinished", lambda request, got=received: got.append(request.sizes()["responseBodySize"]))
        page.goto(f"{address}/{name}.html")
        before = processor_s()
        figures[name] = page.evaluate("async () => await window.started")
        figures[name]["start_cpu_s"] = round(processor_s() - before, 2)
        figures[name]["received_mb"] = round(sum(received) / 1e6, 2)
        page.evaluate(f"window.timed({2 * frames})")  # WebAssembly is compiled anew, and faster, while it runs
    times: dict[str, list[float]] = {name: [] for name in rivals}
    cpu = dict.fromkeys(rivals, 0.0)
    for _ in range(blocks):
        for name in rivals:
            before = processor_s()
            times[name] += pages[name].evaluate(f"window.timed({frames})")
            cpu[name] += processor_s() - before
    for name, spent in times.items():
        ordered = sorted(spent)
        figures[name] |= {
            "frames_per_s": round(1000 / statistics.median(spent), 1),
            "median_ms": round(statistics.median(spent), 1),
            "p5_ms": round(ordered[len(ordered) // 20], 1),
            "p95_ms": round(ordered[-len(ordered) // 20], 1),
            "cpu_ms": round(1000 * cpu[name] / len(spent), 1),
        }
    return figures


def crops_of(data: Path, count: int, folder: Path) -> list[str]:
    """Put a random choice of PublicTest's crops into the folder, one below the other; the names of their emotions."""
    rows = load(data).split("val")
    chosen = np.random.default_rng(0).permutation(len(rows.labels))[:count]
    cv2.imwrite(str(folder / "crops.png"), rows.images[chosen].reshape(-1, rows.images.shape[2]))
    return [EMOTIONS[label] for label in rows.labels[chosen]]


def named(browser: Any, address: str, count: int) -> list[str | None]:
    """The emotion of each crop, None where no face is found."""
    page = browser.new_page()
    page.set_default_timeout(0)
    page.goto(address)
    page.evaluate("async () => await window.started")
    names: list[str | None] = page.evaluate(f"window.named({count}, 48)")
    page.close()
    return names


def accuracies(answers: dict[str, list[str | None]], labels: list[str]) -> dict[str, dict[str, Any]]:
    """Of each rival: share of the crops with a face; accuracy of all, and of those in which every rival finds one."""
    shared = [i for i in range(len(labels)) if all(names[i] for names in answers.values())]
    return {
        rival: {
            "crops": len(labels),
            "found": round(sum(name is not None for name in names) / len(labels), 3),
            "accuracy": round(sum(map(str.__eq__, labels, map(str, names))) / len(labels), 3),
            "found_by_all": len(shared),
            "accuracy_of_those": round(sum(names[i] == labels[i] for i in shared) / max(len(shared), 1), 3),
        }
        for rival, names in answers.items()
    }


def processor_s() -> float:
    """Processor time of all processes that this one has started, in seconds."""
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True))


if __name__ == "__main__":
    main()
