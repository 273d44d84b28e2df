"""Screenshots of every web page and state, light, dark and at phone width.

Run: python scripts/web_screenshots.py [FOLDER] [--only live,model] [--looks light,dark,phone]
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import sync_playwright
from web_browser import (
    BLOCK_WEBRTC,
    NO_CAMERA,
    SAMPLES,
    chromium,
    go,
    server,
    start_live,
    start_webrtc,
    take_photo,
    write_camera,
    write_video,
)

LOOKS = {"light": ("light", 1200), "dark": ("dark", 1200), "phone": ("light", 390)}
FACELESS = SAMPLES.parents[3] / "tests" / "data" / "faceless"
PATIENCE_MS = 120_000
FILES = "input[type=file]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("out/screenshots"))
    parser.add_argument("--only", type=lambda words: words.split(","), default=list(STATES))
    parser.add_argument("--looks", type=lambda words: words.split(","), default=list(LOOKS))
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        work = _files(Path(folder))
        camera = write_camera(work / "face.mjpeg")
        with (
            server(work / "log", "default", "--max-minutes", "1") as usual,
            server(work / "log-server", "default", "--live", "server") as webrtc,
            chromium(tools, camera) as browser,
        ):
            for look in asked.looks:
                for name in asked.only:
                    _shoot(browser, webrtc if name in WEBRTC else usual, work, name, look, asked.folder)


def _files(work: Path) -> Path:
    """What the states upload."""
    (work / "broken.jpg").write_bytes(b"no image at all")
    (work / "broken.mp4").write_bytes(b"no video at all" * 99)
    cv2.imwrite(str(work / "huge.png"), np.zeros((8000, 8000), np.uint8))
    write_video(work / "film.mp4", 3)
    write_video(work / "long.mp4", 65, 5)
    return work


def _shoot(browser: Any, address: str, work: Path, name: str, look: str, out: Path) -> None:
    scheme, width = LOOKS[look]
    shoot, script = STATES[name]
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    if name != "photo-empty":  # where the first visit's notice is seen
        context.add_cookies([{"name": "emojimation_seen", "value": "1", "url": address}])
    if script:
        context.add_init_script(script)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.wait_for_selector("text=Everything is computed")
    shoot(page, work)
    _save(page, out / f"{name}-{look}.png", width)
    context.close()


def _empty(page: Any, _: Path) -> None:
    page.wait_for_selector("text=Your faces will appear here")


def _one(page: Any, _: Path) -> None:
    page.set_input_files(FILES, SAMPLES / "obama2.jpg")
    page.wait_for_selector(".em-card")
    page.get_by_text("Why this prediction?").click()
    page.wait_for_selector(".em-why")


def _many(page: Any, work: Path) -> None:
    page.set_input_files(FILES, [SAMPLES / "group.jpg", SAMPLES / "obama.jpg", work / "broken.jpg"])
    page.wait_for_selector(".em-card")
    page.get_by_text("Emoji", exact=True).click()
    page.wait_for_selector("text=Emoji: ")


def _no_face(page: Any, _: Path) -> None:
    page.set_input_files(FILES, FACELESS / "coffee.jpg")
    page.wait_for_selector("text=No face found in this image")


def _bad(page: Any, work: Path) -> None:
    page.set_input_files(FILES, [work / "broken.jpg", work / "huge.png"])
    page.wait_for_selector("text=2 of 2 files could not be read")


def _samples(page: Any, _: Path) -> None:
    page.get_by_text("Samples", exact=True).click()
    page.wait_for_selector("img[alt='Sample: Group']")


def _camera(page: Any, _: Path) -> None:
    take_photo(page)
    page.wait_for_selector(".em-card")


def _live_off(page: Any, _: Path) -> None:
    go(page, "Live")
    _engine(page).get_by_role("button", name="Start camera").wait_for()


def _engine(page: Any) -> Any:
    return page.frame_locator("iframe[title='Live camera']")


def _live(page: Any, _: Path) -> None:
    start_live(page)
    _engine(page).locator(".bars").wait_for()
    page.wait_for_timeout(4000)  # for a piece of the chart


def _webrtc(page: Any, _: Path) -> None:
    start_webrtc(page)
    page.wait_for_selector(".em-bars")
    page.wait_for_timeout(4000)  # for a piece of the chart


def _fallback(page: Any, _: Path) -> None:
    start_webrtc(page)
    page.wait_for_selector("text=did not start")
    page.wait_for_selector("img[alt='The latest snapshot, annotated']")


def _no_camera(page: Any, _: Path) -> None:
    start_live(page)
    _engine(page).get_by_text("No camera was found").wait_for()


def _video_empty(page: Any, _: Path) -> None:
    go(page, "Video")
    page.wait_for_selector("text=No video yet")


def _film(page: Any, path: Path) -> None:
    _video_empty(page, path)  # before that the field of the page Photo may still be there
    page.set_input_files(FILES, path)


def _video_bad(page: Any, work: Path) -> None:
    _film(page, work / "broken.mp4")
    page.wait_for_selector("text=Expected a")


def _video_long(page: Any, work: Path) -> None:
    _film(page, work / "long.mp4")
    page.wait_for_selector("text=the limit here is")


def _video_runs(page: Any, work: Path) -> None:
    _video_long(page, work)
    page.get_by_text("Take its beginning only").click()
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("text=Cancel")
    page.wait_for_selector("text=left")


def _video(page: Any, work: Path) -> None:
    _film(page, work / "film.mp4")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".plot svg path")


def _model(page: Any, _: Path) -> None:
    go(page, "Model")
    page.wait_for_selector("text=Versions")
    page.wait_for_function("document.querySelectorAll('[data-testid=stVegaLiteChart] :is(canvas, svg)').length >= 3")


def _save(page: Any, path: Path, width: int) -> None:
    """The whole page: Streamlit scrolls within, so the window is made as high as that."""
    page.wait_for_timeout(700)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(int(height), 6000)})
    page.wait_for_timeout(1000)
    page.screenshot(path=path)
    print(path, flush=True)


WEBRTC = ("webrtc", "webrtc-fallback")  # states of a server that does the work
Shoot = Callable[[Any, Path], None]
STATES: dict[str, tuple[Shoot, str]] = {
    "photo-empty": (_empty, ""),
    "photo-one": (_one, ""),
    "photo-many": (_many, ""),
    "photo-no-face": (_no_face, ""),
    "photo-bad": (_bad, ""),
    "photo-samples": (_samples, ""),
    "photo-camera": (_camera, ""),
    "live-off": (_live_off, ""),
    "live": (_live, ""),
    "webrtc": (_webrtc, ""),
    "webrtc-fallback": (_fallback, BLOCK_WEBRTC),
    "live-no-camera": (_no_camera, NO_CAMERA),
    "video-empty": (_video_empty, ""),
    "video-bad": (_video_bad, ""),
    "video-long": (_video_long, ""),
    "video-runs": (_video_runs, ""),
    "video": (_video, ""),
    "model": (_model, ""),
}

if __name__ == "__main__":
    main()
