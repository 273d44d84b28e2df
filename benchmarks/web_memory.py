"""The web server's memory over many uploads, and after visitors have gone.

Run: python benchmarks/web_memory.py [--uploads 200] [--rounds 4] [--model NAME|PATH] [--out FOLDER]
Needs chromium. Target: under 50 MB of growth over 200 uploads, and as much after sessions close. What is loaded once
(models, codecs, the pages' packages) is loaded before the first figure is taken.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from machine import ROOT, keep
from web import EMPTY, photo, upload

sys.path.insert(0, str(ROOT / "scripts"))
from web_browser import chromium, server, start_webrtc, write_camera

# Streamlit keeps a session for 60 s, for a browser that comes back, and drops it when the next visitor goes: two come,
# and do nothing.
GONE_S = 70.0
FIRST = 20  # uploads before the first figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        work = Path(folder)
        camera, picture = write_camera(work / "face.mjpeg"), photo(work / "photo.jpg").read_bytes()
        options = ("--live", "server", "--live-wait", "60")
        with chromium(tools, camera) as browser, server(work / "log", asked.model, *options) as address:
            figures = {"visitors": visitors(browser, address, picture, asked.rounds)}
            figures["uploads"] = uploads(browser, address, picture, asked.uploads)
    keep("web_memory", {"model": asked.model, **figures}, asked.out)


def visitors(browser: Any, address: str, picture: bytes, rounds: int) -> dict[str, Any]:
    """Memory after one round of visitors has left, and after more rounds: two photos and one live page each."""
    visit(browser, address, picture)
    first = settled_mb(browser, address)
    for _ in range(rounds):
        visit(browser, address, picture)
    last = settled_mb(browser, address)
    return {"rounds": rounds, "after_first_mb": first, "after_last_mb": last, "growth_mb": round(last - first, 1)}


def visit(browser: Any, address: str, picture: bytes) -> None:
    """One visitor: two uploads, then the live video until a face is found."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_selector(EMPTY)
    for i in range(2):
        upload(page, f"{i}.jpg", picture)
    start_webrtc(page)
    page.wait_for_selector(".em-bars")
    context.close()


def uploads(browser: Any, address: str, picture: bytes, count: int) -> dict[str, Any]:
    """Memory after `FIRST` uploads of one session, and after `count` more."""
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_selector(EMPTY)
    for i in range(FIRST):
        upload(page, f"{i}.jpg", picture)
    first = memory_mb(address)
    for i in range(count):
        upload(page, f"{FIRST + i}.jpg", picture)
    last = memory_mb(address)
    return {"n": count, "before_mb": first, "after_mb": last, "growth_mb": round(last - first, 1)}


def memory_mb(address: str) -> float:
    """Resident memory of the process that listens at the address."""
    port = int(address.rsplit(":", 1)[1])
    listening = (
        c.pid for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port
    )
    return round(psutil.Process(next(listening)).memory_info().rss / 2**20, 1)


def settled_mb(browser: Any, address: str) -> float:
    """Memory once the last sessions are gone."""
    time.sleep(GONE_S)
    for _ in range(2):
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector(EMPTY)
        time.sleep(3)  # to the end of the page's run, where it collects
        page.close()
    return memory_mb(address)


if __name__ == "__main__":
    main()
