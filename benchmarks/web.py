"""The web pages' speed in a real browser: start, upload, live video for one viewer and for four.

Run: python benchmarks/web.py [--uploads 20] [--seconds 10] [--viewers 1 4] [--fps 24] [--model NAME|PATH]
     [--out FOLDER]
Needs chromium, which runs on the same processors as the server and takes a good part of them. Targets: first page
within 3 s of the command, a 2-megapixel photo within 1 s, live 640x480 at 15 frames/s and 150 ms (95 %) for one viewer.
Live is told twice: as the page tells it (from a frame's arrival to its drawing) and as seen: frames that the browser
showed, and milliseconds from the camera to the screen, by a clock in the image. Memory: benchmarks/web_memory.py.
"""

import argparse
import base64
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import ROOT, keep

sys.path.insert(0, str(ROOT / "scripts"))
from web_browser import SAMPLES, chromium, face_frames, server

EMPTY = "text=Your faces will appear here"
SHOWN = "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
FRESH = f"(window.late_ms.length = 0, {SHOWN})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm", type=float, default=4.0, help="seconds before that: a connection begins slowly")
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--fps", type=int, default=24, help="of the camera; the page asks for 24")
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools, chromium(tools) as browser:
        log, picture = Path(folder) / "log", photo(Path(folder) / "photo.jpg")
        starts = [started(browser, log, asked.model) for _ in range(asked.starts)]
        figures: dict[str, Any] = {"first_page_s": {"median": round(statistics.median(starts), 2), "all": starts}}
        with server(log, asked.model, "--live", "server") as address:
            figures["upload_2mp_s"] = uploads(browser, address, picture, asked.uploads)
            for viewers in asked.viewers:
                figures[f"live_{viewers}"] = live(browser, address, viewers, asked)
    keep("web", {"model": asked.model, **figures}, asked.out)


def photo(path: Path) -> Path:
    """An image of 2 megapixels (1633 x 1225)."""
    scene = cv2.imread(str(SAMPLES / "astronaut.jpg"))
    cv2.imwrite(str(path), cv2.resize(scene[: scene.shape[1] * 3 // 4], (1633, 1225)))
    return path


def started(browser: Any, log: Path, model: str) -> float:
    """Seconds from the command to a page that can be used."""
    began = time.perf_counter()
    with server(log, model) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector(EMPTY)
        took = time.perf_counter() - began
        page.close()
    return round(took, 2)


def uploads(browser: Any, address: str, picture: Path, count: int) -> dict[str, Any]:
    """Seconds from choosing a file to its card; the first two uploads load what is loaded once and do not count."""
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector(EMPTY)
    seconds = [upload(page, f"{i}.jpg", picture.read_bytes()) for i in range(count + 2)][2:]
    page.close()
    return {
        "n": count,
        "median": round(statistics.median(seconds), 2),
        "p95": round(float(np.percentile(seconds, 95)), 2),
    }


def upload(page: Any, name: str, content: bytes) -> float:
    """Choose a file, wait for its card, take it away again; seconds to the card. Each name only once: a browser ignores
    the same file.
    """
    began = time.perf_counter()
    page.set_input_files("input[type=file]", [{"name": name, "mimeType": "image/jpeg", "buffer": content}])
    page.wait_for_selector(".em-card")
    took = time.perf_counter() - began
    page.get_by_test_id("stFileChipDeleteBtn").get_by_role("button").click()
    page.wait_for_selector(EMPTY)
    page.wait_for_selector("text=per file")  # the uploader is drawn anew; a file given before that is lost
    return took


def live(browser: Any, address: str, viewers: int, asked: argparse.Namespace) -> dict[str, Any]:
    """What each viewer's page tells, and what its browser showed, over the seconds asked for."""
    contexts = [browser.new_context() for _ in range(viewers)]
    pages = [opened(context.new_page(), address, asked.fps) for context in contexts]
    for page in pages:
        page.wait_for_selector("text=frames per second", timeout=60_000)
    time.sleep(asked.warm)
    before = [_videos(page, FRESH)[0] for page in pages]
    time.sleep(asked.seconds)
    after = [_videos(page, SHOWN)[0] for page in pages]
    seen = [[late for lates in _videos(page, "window.late_ms") for late in lates] for page in pages]
    told = [_told(page) for page in pages]
    for context in contexts:
        context.close()
    return {
        "told": {"frames_per_second": [rate for rate, _ in told], "p95_ms": [late for _, late in told]},
        "seen": {
            "frames_per_second": [
                round((end - start) / asked.seconds, 1) for start, end in zip(before, after, strict=True)
            ],
            "median_ms": [_percentile(late, 50) for late in seen],
            "p95_ms": [_percentile(late, 95) for late in seen],
        },
    }


def opened(page: Any, address: str, fps: int) -> Any:
    """A page with the live video started, its camera being a clock."""
    still = base64.b64encode(cv2.imencode(".jpg", next(face_frames()))[1].tobytes()).decode()
    script = (Path(__file__).parent / "web_clock.js").read_text("utf-8")
    page.add_init_script(
        script.replace('"PHOTO"', f'"data:image/jpeg;base64,{still}"').replace("1000 / FPS", f"1000 / {fps}")
    )
    page.goto(address)
    page.get_by_role("link", name="Live").first.click()
    page.get_by_role("button", name="Start").click()
    return page


def _videos(page: Any, script: str) -> list[Any]:
    """The script's answers of the frames that hold a video."""
    return [frame.evaluate(script) for frame in page.frames if frame.evaluate("!!document.querySelector('video')")]


def _percentile(values: list[float], share: float) -> float | None:
    return round(float(np.percentile(values, share))) if values else None


def _told(page: Any) -> tuple[int, int]:
    rate, late = (re.sub(r"\D", "", text) for text in page.locator(".em-stat b").all_inner_texts()[:2])
    return int(rate), int(late)


if __name__ == "__main__":
    main()
