"""The web pages in a real browser: start, upload, live picture, four viewers, memory over many uploads.

Run: python benchmarks/web.py [--uploads 200] [--seconds 15] [--viewers 4] [--model NAME|PATH] [--out FOLDER]
Needs chromium. The browser runs on the same processors as the server and takes a good part of them. Targets: first page
within 3 s of the command, a 2-megapixel photo within 1 s, live at 15 frames/s and 150 ms (95 %), under 50 MB of growth.
"""

import argparse
import re
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import psutil
from machine import ROOT, keep

sys.path.insert(0, str(ROOT / "scripts"))
from web_browser import SAMPLES, chromium, server, write_camera

EMPTY = "text=Your faces will appear here"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--viewers", type=int, default=4)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        work = Path(folder)
        with chromium(tools, write_camera(work / "face.mjpeg")) as browser:
            began = time.perf_counter()
            with server(work / "log", asked.model) as address:
                figures: dict[str, Any] = {"first_page_s": first_page(browser, address, began)}
                figures |= uploads(browser, address, photo(work / "photo.jpg"), asked.uploads)
                figures["live_1"] = live(browser, address, 1, asked.seconds)
                figures[f"live_{asked.viewers}"] = live(browser, address, asked.viewers, asked.seconds)
                figures["after_sessions_mb"] = settled_mb(address)
    keep("web", figures, asked.out)


def photo(path: Path) -> Path:
    """A picture of 2 megapixels (1633 x 1225)."""
    scene = cv2.imread(str(SAMPLES / "astronaut.jpg"))
    cv2.imwrite(str(path), cv2.resize(scene[: scene.shape[1] * 3 // 4], (1633, 1225)))
    return path


def first_page(browser: Any, address: str, began: float) -> float:
    """Seconds from the command to a page that can be used."""
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector(EMPTY)
    page.close()
    return round(time.perf_counter() - began, 2)


def uploads(browser: Any, address: str, picture: Path, count: int) -> dict[str, Any]:
    """Seconds from choosing a file to its card, and what `count` uploads leave in the server's memory."""
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector(EMPTY)
    seconds, memory, content = [], [], picture.read_bytes()
    for i in range(count + 5):
        began = time.perf_counter()
        page.set_input_files("input[type=file]", [{"name": f"{i}.jpg", "mimeType": "image/jpeg", "buffer": content}])
        page.wait_for_selector(".em-card")
        seconds.append(time.perf_counter() - began)
        page.get_by_test_id("stFileChipDeleteBtn").get_by_role("button").click()
        page.wait_for_selector(EMPTY)
        page.wait_for_timeout(300)  # the uploader is drawn anew; a file given before that is lost
        if i >= 4:  # the first ones load what is loaded once
            memory.append(memory_mb(address))
    page.close()
    return {
        "upload_2mp_s": {"median": round(statistics.median(seconds), 2), "p95": round(sorted(seconds)[int(0.95 * len(seconds))], 2)},
        "uploads": count, "memory_mb": {"before": memory[0], "after": memory[-1], "growth": round(memory[-1] - memory[0], 1)},
    }  # fmt: skip


def live(browser: Any, address: str, viewers: int, seconds: float) -> dict[str, Any]:
    """Frames a second and latency as each viewer's page tells them."""
    contexts = [browser.new_context() for _ in range(viewers)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto(address)
        page.get_by_role("link", name="Live").first.click()
        page.get_by_role("button", name="Start").click()
    for page in pages:
        page.wait_for_selector("text=frames a second", timeout=60_000)
    time.sleep(seconds)
    told = [_told(page) for page in pages]
    for context in contexts:
        context.close()
    return {"frames_per_second": [rate for rate, _ in told], "p95_ms": [late for _, late in told]}


def _told(page: Any) -> tuple[int, int]:
    rate, late = (re.sub(r"\D", "", text) for text in page.locator(".em-stat b").all_inner_texts()[:2])
    return int(rate), int(late)


def memory_mb(address: str) -> float:
    """Resident memory of the process that listens at the address."""
    port = int(address.rsplit(":", 1)[1])
    listening = (
        c.pid for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port
    )
    return round(psutil.Process(next(listening)).memory_info().rss / 2**20, 1)


def settled_mb(address: str) -> float:
    """Memory a minute after the last session went: Streamlit keeps a session that long, for a browser that comes back."""
    time.sleep(75)
    socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))).close()  # it still answers
    return memory_mb(address)


if __name__ == "__main__":
    main()
