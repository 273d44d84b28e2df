"""Screenshots of every web page and state, light, dark and at phone width: python scripts/web_screenshots.py [FOLDER]."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from web_browser import SAMPLES, chromium, server, write_camera, write_film

LOOKS = {"light": ("light", 1200), "dark": ("dark", 1200), "phone": ("light", 390)}
DONE = "text=Everything is computed"


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "out/screenshots")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "log") as address, sync_playwright() as tools:
        work = Path(folder)
        (work / "broken.jpg").write_bytes(b"no picture at all")
        write_film(work / "film.mp4", 3)
        with chromium(tools, write_camera(work / "face.mjpeg")) as browser:
            for look, (scheme, width) in LOOKS.items():
                context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
                for name, shoot in STATES.items():
                    page = context.new_page()
                    page.goto(address)
                    page.wait_for_selector(DONE)
                    shoot(page, work)
                    _save(page, out / f"{name}-{look}.png", width)
                    page.close()
                context.close()
        with chromium(tools, work / "face.mjpeg", blocked=True) as browser:
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.goto(address)
            _start_live(page)
            page.wait_for_selector("text=did not start", timeout=30_000)
            page.wait_for_selector("text=frames a second", timeout=30_000)
            _save(page, out / "live-fallback.png", 1200)


def _empty(page: Any, _: Path) -> None:
    page.wait_for_selector("text=Your faces will appear here")


def _one(page: Any, _: Path) -> None:
    page.set_input_files("input[type=file]", SAMPLES / "obama2.jpg")
    page.wait_for_selector(".em-card")
    page.get_by_text("Why this answer?").click()
    page.wait_for_selector(".em-why", timeout=30_000)


def _many(page: Any, work: Path) -> None:
    page.set_input_files("input[type=file]", [SAMPLES / "group.jpg", SAMPLES / "obama.jpg", work / "broken.jpg"])
    page.wait_for_selector(".em-card", timeout=30_000)
    page.get_by_text("Emoji", exact=True).click()
    page.wait_for_timeout(1500)


def _no_face(page: Any, _: Path) -> None:
    page.set_input_files("input[type=file]", SAMPLES.parents[3] / "tests" / "data" / "faceless" / "coffee.jpg")
    page.wait_for_selector("text=No face found in this picture")


def _samples(page: Any, _: Path) -> None:
    page.get_by_text("Samples", exact=True).click()
    page.wait_for_selector("text=Astronaut")


def _live(page: Any, _: Path) -> None:
    _start_live(page)
    page.wait_for_selector("text=frames a second", timeout=30_000)
    page.wait_for_timeout(4000)


def _start_live(page: Any) -> None:
    _go(page, "Live")
    page.get_by_role("button", name="Start").click()


def _video(page: Any, work: Path) -> None:
    _go(page, "Video")
    page.set_input_files("input[type=file]", work / "film.mp4")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("[data-testid=stVegaLiteChart] :is(canvas, svg)", timeout=90_000)


def _video_empty(page: Any, _: Path) -> None:
    _go(page, "Video")
    page.wait_for_selector("text=No film yet")


def _model(page: Any, _: Path) -> None:
    _go(page, "Model")
    page.wait_for_selector("text=Against the field")
    page.wait_for_timeout(2000)


def _go(page: Any, name: str) -> None:
    """By the link, as people do; at phone width the links are behind a button."""
    link = page.get_by_role("link", name=name)
    if not link.first.is_visible():
        page.get_by_test_id("stExpandSidebarButton").click()
    link.first.click()


def _save(page: Any, path: Path, width: int) -> None:
    """The whole page: Streamlit scrolls within, so the window is made as high as that."""
    page.wait_for_timeout(800)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(int(height), 6000)})
    page.wait_for_timeout(1200)
    page.screenshot(path=path)
    print(path)


STATES: dict[str, Callable[[Any, Path], None]] = {
    "photo-empty": _empty, "photo-one": _one, "photo-many": _many, "photo-no-face": _no_face, "photo-samples": _samples,
    "live": _live, "video-empty": _video_empty, "video": _video, "model": _model,
}  # fmt: skip

if __name__ == "__main__":
    main()
