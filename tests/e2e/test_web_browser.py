"""The web pages in a real Chromium: uploads, snapshot, live picture, fallback, film, downloads, no foreign request."""

import csv
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
pytest.importorskip("streamlit", reason="the web extra is not installed: pip install -r requirements/web.txt")
pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
import web_browser as browser_tools  # isort: skip  # noqa: E402

SAMPLES = browser_tools.SAMPLES
# Streamlit asks for these below the page's own path first when a page is opened by its address, and gets a 404.
KNOWN = ("_stcore/health", "_stcore/host-config")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(browser_tools.chromium_path() is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory, tiny_model):
    with browser_tools.server(tmp_path_factory.mktemp("web") / "log", str(tiny_model), "--max-minutes", "1") as place:
        yield place


@pytest.fixture(scope="module")
def camera(tmp_path_factory) -> Path:
    return browser_tools.write_camera(tmp_path_factory.mktemp("camera") / "face.mjpeg")


@pytest.fixture(scope="module")
def playwright():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="module")
def chromium(playwright, camera):
    with browser_tools.chromium(playwright, camera) as made:
        yield made


class Watch:
    """What went wrong in a page: errors in its console, answers above 399, requests to other hosts."""

    def __init__(self, page, address: str) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda told: self.errors.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda asked: self._request(asked.url, address))
        page.on("websocket", lambda asked: self._request(asked.url.replace("ws:", "http:"), address))

    def _request(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.foreign.append(url)


@pytest.fixture
def page(chromium, address):
    context = chromium.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    made = context.new_page()
    made.set_default_timeout(30_000)
    watch = Watch(made, address)
    made.goto(address)
    made.wait_for_selector("text=Your faces will appear here")
    yield made
    context.close()
    assert watch.foreign == []
    assert watch.errors == []


def go(page, name: str) -> None:
    page.get_by_role("link", name=name).first.click()


def cards(page, number: int) -> None:
    page.wait_for_function(f"document.querySelectorAll('.em-card').length === {number}")


def downloaded(page, name: str) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path())


def test_upload_answers_and_every_download_opens(page):
    page.set_input_files("input[type=file]", SAMPLES / "group.jpg")
    cards(page, 5)
    picture = cv2.imread(str(downloaded(page, "Picture")))
    original = cv2.imread(str(SAMPLES / "group.jpg"))
    assert picture.shape == original.shape and np.abs(picture.astype(int) - original).max() > 100
    rows = list(csv.DictReader(downloaded(page, "CSV").open(encoding="utf-8")))
    assert len(rows) == 5 and sum(float(rows[0][name]) for name in ("happy", "sad")) > 0.5
    assert downloaded(page, "JSON").read_text("utf-8").count('"emotion"') == 5
    alts = page.locator("img").evaluate_all("all => all.map(img => img.alt)")
    assert len(alts) == 7 and all(alts)


def test_many_files_with_bad_ones_and_a_zip(page, tmp_path):
    (tmp_path / "bad.jpg").write_text("no picture")
    page.set_input_files("input[type=file]", [SAMPLES / "obama.jpg", SAMPLES / "biden.jpg", tmp_path / "bad.jpg"])
    page.wait_for_selector("text=1 of 3 files could not be read")
    page.get_by_text("Blur", exact=True).click()
    page.wait_for_selector("text=Blur: ")
    with zipfile.ZipFile(downloaded(page, "Everything (zip)")) as archive:
        assert set(archive.namelist()) == {"obama-blur.jpg", "biden-blur.jpg", "faces.csv", "faces.json"}


def test_snapshot_by_the_camera(page):
    page.get_by_text("Camera", exact=True).click()
    page.get_by_test_id("stCameraInputButton").click()
    cards(page, 1)


def test_live_picture_with_a_face(page):
    go(page, "Live")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("text=frames a second")
    video = page.frame_locator("iframe").locator("video")
    video.wait_for(state="visible")
    page.wait_for_function("document.querySelectorAll('.em-bars').length === 1")
    for _ in range(60):
        size = video.evaluate("v => [v.videoWidth, v.videoHeight, v.currentTime]")
        if size[0] and size[2] > 0.5:
            break
        page.wait_for_timeout(250)
    assert size[0] > 1.5 * size[1] and size[2] > 0.5  # the picture and the avatar beside it, and it moves
    shot = cv2.imread(str(downloaded(page, "Snapshot")))
    assert shot.shape[1] > 1.5 * shot.shape[0]
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("text=The camera is off")


def test_blocked_network_falls_back_to_snapshots_and_says_why(playwright, address, camera):
    with browser_tools.chromium(playwright, camera, blocked=True) as made:
        page = made.new_page()
        page.goto(address)
        go(page, "Live")
        page.get_by_role("button", name="Start").click()
        page.wait_for_selector("text=did not start within 8 seconds", timeout=20_000)
        page.wait_for_selector("text=a firewall or proxy seems to block it")
        page.wait_for_selector("img[alt='The newest snapshot, drawn']", timeout=20_000)


def test_no_camera_is_told(playwright, address):
    with browser_tools.chromium(playwright) as made:
        page = made.new_page()
        page.goto(address)
        go(page, "Live")
        page.get_by_role("button", name="Start").click()
        page.wait_for_selector("text=This browser sees no camera", timeout=20_000)


def test_film_from_upload_to_download_with_a_reload(page, tmp_path):
    film = browser_tools.write_film(tmp_path / "film.mp4", 2)
    go(page, "Video")
    page.set_input_files("input[type=file]", film)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**film=*")
    key = page.url
    page.wait_for_selector("text=Who showed what", timeout=60_000)
    page.wait_for_selector("[data-testid=stVegaLiteChart] :is(canvas, svg)")
    assert downloaded(page, "Film").read_bytes()[4:8] == b"ftyp"
    assert b"<html" in downloaded(page, "Report").read_bytes()[:500].lower()
    assert "-->" in downloaded(page, "Subtitles").read_text("utf-8")
    assert page.evaluate("document.querySelector('video').readyState >= 1")
    other = page.context.new_page()  # a second tab finds the same film
    other.goto(key)
    other.wait_for_selector("text=Who showed what", timeout=30_000)
    other.close()


def test_model_page_and_phone_width(page):
    go(page, "Model")
    page.wait_for_selector("text=Against the field")
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(500)
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390
    assert page.evaluate("getComputedStyle(document.querySelector('.em-hero h1')).fontFamily").startswith('"Bricolage')
    loaded = page.evaluate(
        "document.fonts.ready.then(() => [...document.fonts].filter(f => f.status === 'loaded').map(f => f.family))"
    )
    assert any("Bricolage" in family for family in loaded) and any("Figtree" in family for family in loaded)


def test_the_notice_goes_for_good_and_by_keyboard(page):
    button = page.get_by_role("button", name="I understand")
    button.focus()
    page.keyboard.press("Enter")
    button.wait_for(state="detached")
    page.wait_for_timeout(500)
    page.reload()
    page.wait_for_selector("text=Your faces will appear here")
    page.wait_for_timeout(500)
    assert button.count() == 0


def test_the_server_stopped_under_an_open_page(chromium, tmp_path, tiny_model):
    page = chromium.new_page()
    with browser_tools.server(tmp_path / "log", str(tiny_model)) as place:
        page.goto(place)
        page.wait_for_selector("text=Your faces will appear here")
    page.wait_for_selector("text=/connect/i", timeout=20_000)
    page.close()
