"""The web pages in a real Chromium: uploads, snapshot, live video, fallbacks, videos, downloads, bad input, no foreign
request.

Everything waits for what should be seen, never for a time, so that a busy machine makes the tests slow and not red.
"""

import csv
import json
import re
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import FACELESS, ROOT
from test_web_photo import png_head

sys.path.insert(0, str(ROOT / "scripts"))
pytest.importorskip("streamlit", reason="the web extra is not installed: pip install -r requirements/web.txt")
pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
import web_browser as tools  # isort: skip
from playwright.sync_api import expect, sync_playwright  # isort: skip

SAMPLES = tools.SAMPLES
PATIENCE_MS = 100_000
FILES = "input[type=file]"
# Streamlit forgets an image as soon as another one takes its place, even while a browser still asks for it.
HARMLESS = re.compile("/media/")
UNKNOWN = "Unrecognized feature"  # to the browser, in what Streamlit allows the frame of the WebRTC component
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(tools.chromium_path() is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory, tiny_model):
    with tools.server(tmp_path_factory.mktemp("web") / "log", str(tiny_model), "--max-minutes", "0.1") as place:
        yield place


@pytest.fixture(scope="module")
def playwright():
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="module")
def chromium(playwright, tmp_path_factory):
    camera = tools.write_camera(tmp_path_factory.mktemp("camera") / "face.mjpeg")
    with tools.chromium(playwright, camera) as made:
        yield made


class Watch:
    """What went wrong in a page: errors and warnings in its console, answers above 399, requests to other hosts."""

    def __init__(self, page, address: str) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda told: self._console(told))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", lambda got: self._answer(got.status, got.url))
        page.on("request", lambda asked: self._request(asked.url, address))
        page.on("websocket", lambda asked: self._request(asked.url.replace("ws:", "http:"), address))

    def _console(self, told) -> None:
        if told.type in ("error", "warning") and not (HARMLESS.search(str(told.location)) or UNKNOWN in told.text):
            self.errors.append(told.text)

    def _answer(self, status: int, url: str) -> None:
        if status > 399 and not HARMLESS.search(url):
            self.errors.append(f"{status} {url}")

    def _request(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.foreign.append(url)


@pytest.fixture
def page(chromium, address):
    context = chromium.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    made = context.new_page()
    watch = Watch(made, address)
    yield opened(made, address)
    context.close()
    assert watch.foreign == []
    assert watch.errors == []


def opened(page, address: str):
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    expect(page.get_by_text("Your faces will appear here")).to_be_visible()
    return page


def sees(page, words: str) -> None:
    expect(page.get_by_text(words).first).to_be_visible()


def until(page, condition) -> None:
    """Wait for what only this process knows, and let the browser's events in meanwhile."""
    for _ in range(PATIENCE_MS // 100):
        if condition():
            return
        page.wait_for_timeout(100)


def cards(page, number: int) -> None:
    expect(page.locator(".em-card")).to_have_count(number)


def downloaded(page, name: str) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path())


def picture(path: Path) -> np.ndarray:
    return cv2.imread(str(path)).astype(int)


# Photo


def test_upload_answers_and_every_download_opens(page):
    page.set_input_files(FILES, SAMPLES / "group.jpg")
    cards(page, 5)
    drawn, original = picture(downloaded(page, "Image")), picture(SAMPLES / "group.jpg")
    assert drawn.shape == original.shape and np.abs(drawn - original).max() > 100
    rows = list(csv.DictReader(downloaded(page, "CSV").open(encoding="utf-8")))
    assert len(rows) == 5 and sum(float(rows[0][name]) for name in ("happy", "sad")) > 0.5
    told = json.loads(downloaded(page, "JSON").read_text("utf-8"))
    assert [len(row["faces"]) for row in told] == [5]
    alts = page.locator("img").evaluate_all("all => all.map(img => img.alt)")
    assert len(alts) >= 7 and all(alts)


def test_thirty_files_of_which_three_are_bad_and_a_zip(page, tmp_path, small_jpeg):
    good = [tmp_path / f"{i}.jpg" for i in range(27)]
    for path in good:
        path.write_bytes(small_jpeg)
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "cut.jpg").write_bytes(good[0].read_bytes()[:3000])
    (tmp_path / "huge.png").write_bytes(png_head(20_000, 20_000))
    page.set_input_files(FILES, [*good, *(tmp_path / name for name in ("text.jpg", "cut.jpg", "huge.png"))])
    sees(page, "3 of 30 files could not be read")
    cards(page, 1)
    page.get_by_text("Blur", exact=True).click()
    sees(page, "Blur: ")
    with zipfile.ZipFile(downloaded(page, "Everything (zip)")) as archive:
        assert set(archive.namelist()) == {f"{i}-blur.jpg" for i in range(27)} | {"faces.csv", "faces.json"}


def test_a_wrong_type_a_broken_and_a_huge_image_are_reported(page, tmp_path):
    expect(page.get_by_text("40 MB and 60 megapixels each")).to_be_visible()  # before any upload
    (tmp_path / "words.txt").write_text("no image")
    page.set_input_files(FILES, tmp_path / "words.txt")
    sees(page, "not allowed")
    (tmp_path / "broken.jpg").write_text("no image")
    (tmp_path / "huge.png").write_bytes(png_head(20_000, 20_000))
    page.set_input_files(FILES, [tmp_path / "broken.jpg", tmp_path / "huge.png"])
    sees(page, "Expected an image, got broken.jpg")
    sees(page, "Expected at most 60 megapixels")


def test_an_image_without_a_face_gets_hints(page):
    page.set_input_files(FILES, FACELESS / "coffee.jpg")
    sees(page, "No face found in this image")
    sees(page, "More light from the front")


def test_a_sample_its_reason_and_each_style(page):
    page.get_by_text("Samples", exact=True).click()
    page.get_by_role("button", name="Astronaut", exact=True).click()
    cards(page, 1)
    page.get_by_text("Why this prediction?").click()
    expect(page.locator(".em-why img")).to_be_visible()
    for style in ("Emoji", "Avatar", "Blur", "Squares", "Boxes"):
        page.get_by_text(style, exact=True).click()
        expect(page.locator(f"img[alt*='annotated in the style {style}']")).to_be_visible()


def test_snapshot_by_the_camera(page):
    tools.take_photo(page)
    cards(page, 1)


def test_two_tabs_do_not_disturb_each_other(page, address):
    other = opened(page.context.new_page(), address)
    page.set_input_files(FILES, SAMPLES / "group.jpg")
    other.set_input_files(FILES, SAMPLES / "obama.jpg")
    cards(other, 1)
    cards(page, 5)
    other.close()


# Live


def camera_of(page):
    """The browser engine's frame in the live page."""
    return page.frame_locator("iframe[title='Live camera']")


def test_the_camera_in_the_browser_sends_nothing_and_goes_on_after_another_page(page, address):
    asked, sent = [], []
    page.on("request", lambda request: asked.append((request.method, request.url.removeprefix(address))))
    page.on("websocket", lambda socket: socket.on("framesent", lambda content: sent.append(len(content))))
    page.reload()
    tools.start_live(page)
    camera = camera_of(page)
    expect(camera.locator(".bars")).to_have_count(1)  # a face was found
    expect(camera.locator("#facts")).to_have_text(re.compile(r"[1-9]\d* frames/s"))
    expect(camera.locator("#engine")).to_have_text(re.compile("threads|one thread"))
    with page.expect_download() as saved:
        camera.get_by_role("button", name="Save picture").click()
    assert picture(Path(saved.value.path())).shape == (480, 640, 3)
    tools.go(page, "Photo")
    sees(page, "Your faces will appear here")
    tools.go(page, "Live")
    expect(camera.locator(".bars")).to_have_count(1)
    camera.get_by_role("button", name="Stop camera").click()
    expect(camera.get_by_role("heading", name="What does your face say?")).to_be_visible()
    assert all(method == "GET" for method, _ in asked) and max(sent) < 4000  # no picture, only clicks
    assert any(path.startswith("/engine/") for _, path in asked)


@pytest.mark.parametrize(
    ("script", "reason"),
    [(tools.NO_CAMERA, "No camera was found"), (tools.DENIED, "The camera is blocked")],
    ids=["no camera", "not allowed"],
)
def test_a_camera_that_cannot_open_is_reported_once(chromium, address, script, reason):
    context = chromium.new_context()
    context.add_init_script(script)
    page = opened(context.new_page(), address)
    tools.start_live(page)
    expect(camera_of(page).locator("#message.error")).to_contain_text(reason)
    tools.go(page, "Photo")
    sees(page, "Your faces will appear here")
    tools.go(page, "Live")
    expect(camera_of(page).get_by_role("button", name="Start camera")).to_be_visible()
    expect(camera_of(page).locator("#message")).to_be_empty()  # it does not ask again by itself
    context.close()


# Live, with the work on the server


@pytest.fixture(scope="module")
def webrtc(tmp_path_factory, tiny_model):
    more = ("--live", "server", "--live-wait", "90")  # a busy machine is not a blocked network
    with tools.server(tmp_path_factory.mktemp("webrtc") / "log", str(tiny_model), *more) as place:
        yield place


def live_video(page):
    return page.frame_locator(".st-key-live-frame iframe").locator("video")


COUNTED = """
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(...given) { super(...given); top.connections = (top.connections || 0) + 1; }
};
"""


def test_live_video_over_webrtc_a_snapshot_and_one_connection_after_another_page(chromium, webrtc):
    context = chromium.new_context(accept_downloads=True)
    context.add_init_script(COUNTED)
    page = opened(context.new_page(), webrtc)
    tools.start_webrtc(page)
    expect(page.locator(".em-bars")).to_have_count(1)  # a face was found
    video = live_video(page)
    expect(video).to_have_js_property("videoWidth", 1000)  # the image, and the avatar beside it
    before = video.evaluate("video => video.currentTime")
    expect(video).not_to_have_js_property("currentTime", before)  # it moves
    assert picture(downloaded(page, "Snapshot")).shape == (480, 1000, 3)
    page.get_by_text("Large avatar").click()
    expect(video).to_have_js_property("videoWidth", 640)
    tools.go(page, "Photo")
    sees(page, "Your faces will appear here")
    tools.go(page, "Live")
    expect(page.locator(".em-state-live")).to_be_visible()
    assert page.evaluate("top.connections") == 2
    page.get_by_role("button", name="Stop").click()
    sees(page, "The camera is off")
    context.close()


def test_behind_a_firewall_the_page_takes_snapshots_and_it_reports_a_server_that_ends(chromium, tmp_path, tiny_model):
    context = chromium.new_context()
    context.add_init_script(tools.BLOCK_WEBRTC)
    with tools.server(tmp_path / "log", str(tiny_model), "--live", "server", "--live-wait", "3") as place:
        page = opened(context.new_page(), place)
        watch = Watch(page, place)
        tools.start_webrtc(page)
        sees(page, "did not start within 3 seconds")
        sees(page, "a firewall or proxy seems to block it")
        expect(page.locator("img[alt='The latest snapshot, annotated']")).to_be_visible()
        expect(page.locator(".em-bars")).to_have_count(1)
        expect(page.locator(".em-state-live")).to_have_count(0)
    expect(page.get_by_role("heading", name="Connection error")).to_be_visible()  # the server has gone
    context.close()
    assert watch.foreign == []


def test_a_name_that_leads_here_by_somebody_elses_dns_gets_no_page(playwright, address):
    rule = "--host-resolver-rules=MAP evil.test 127.0.0.1"
    browser = playwright.chromium.launch(executable_path=tools.chromium_path(), args=[*tools.QUIET, rule])
    page = browser.new_page()
    refused = []
    page.on("websocket", lambda socket: socket.on("socketerror", lambda error: refused.append(error)))
    page.goto(address.replace("127.0.0.1", "evil.test"))
    until(page, lambda: refused)
    assert page.get_by_text("Your faces will appear here").count() == 0
    browser.close()


# Video


@pytest.fixture
def film(tmp_path):
    return tools.write_video(tmp_path / "film.mp4", 2)


def start_film(page, film: Path) -> None:
    tools.go(page, "Video")
    sees(page, "No video yet")  # a file given to the page before is lost
    page.set_input_files(FILES, film)
    page.get_by_role("button", name="Start").click()
    expect(page).to_have_url(re.compile("film="))


def result(page):
    return page.get_by_role("heading", name="Who showed what, when")


def test_video_from_upload_to_download_with_a_reload_and_a_second_tab(page, film):
    start_film(page, film)
    page.reload()  # in the middle of the job
    expect(result(page)).to_be_visible()
    expect(page.locator(".plot svg path").first).to_be_visible()
    assert downloaded(page, "Video").read_bytes()[4:8] == b"ftyp"
    assert len(list(csv.DictReader(downloaded(page, "CSV").open(encoding="utf-8")))) == 30
    assert b"<html" in downloaded(page, "Report").read_bytes()[:500].lower()
    assert "-->" in downloaded(page, "Subtitles").read_text("utf-8")
    expect(page.locator("video")).to_have_js_property("videoWidth", 320)
    other = page.context.new_page()
    other.goto(page.url)
    expect(result(other)).to_be_visible()
    other.close()


def test_the_chart_moves_the_video_and_follows_it(page, film):
    start_film(page, film)
    chart, video = page.locator(".plot"), page.locator("video")
    expect(chart).to_be_visible()
    expect(video).not_to_have_js_property("readyState", 0)
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] * 0.75, "y": 40})
    expect(video).not_to_have_js_property("currentTime", 0)
    expect(page.locator(".story .play")).to_have_attribute("style", re.compile(r"left: 7[45]\."))
    expect(page.locator(".story [data-part=now]")).to_contain_text("Person 1")
    chart.press("Home")
    chart.press("Enter")
    expect(video).to_have_js_property("currentTime", 0)
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.locator(".plot svg[viewBox^='0 0 3']")).to_be_visible()  # drawn anew
    letters = chart.locator("text").evaluate_all("all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")
    assert len(letters) > 3 and min(letters) >= 11
    assert faults(page) == []


def test_a_running_video_is_cancelled(page, tmp_path):
    long = tools.write_video(tmp_path / "long.mp4", 5.5, 60)
    start_film(page, long)
    page.get_by_role("button", name="Cancel").click()
    sees(page, "was cancelled; nothing was kept")
    page.get_by_role("button", name="Another video").click()
    sees(page, "No video yet")


def test_a_broken_video_is_reported(page, tmp_path):
    tools.go(page, "Video")
    sees(page, "No video yet")
    (tmp_path / "broken.mp4").write_bytes(b"no video at all" * 99)
    page.set_input_files(FILES, tmp_path / "broken.mp4")
    sees(page, "got broken.mp4, which does not start like a video file")


def test_a_video_too_long_is_cut_or_left_by_choice(page, tmp_path):
    tools.go(page, "Video")
    sees(page, "No video yet")
    page.set_input_files(FILES, tools.write_video(tmp_path / "long.mp4", 9, 5))
    sees(page, "the limit here is 6 s")
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    page.get_by_text("Leave it").click()
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    page.get_by_text("Take its beginning only").click()
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".em-stat b").nth(2)).to_have_text("30")  # frames: 6 s of 9


# All pages


def test_every_page_fits_a_phone_and_has_its_own_letters(page):
    page.set_viewport_size({"width": 390, "height": 800})
    for name, words in (
        ("Model", "Versions"),
        ("Video", "No video yet"),
        ("Live", "Live, and only for you"),
        ("Photo", "Your faces"),
    ):
        tools.go(page, name)
        sees(page, words)
        expect(page.locator(".st-key-tabs")).to_be_visible()
        assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth") <= 390
    fonts = "document.fonts.ready.then(() => [...document.fonts].filter(f => f.status === 'loaded').map(f => f.family))"
    loaded = " ".join(page.evaluate(fonts))
    assert "Bricolage" in loaded and "Figtree" in loaded


def faults(page) -> list:
    """What axe-core finds in the page, in light and in dark; Streamlit's uploader has a minor fault."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    found = []
    for scheme, colour in (("dark", "rgb(21, 19, 28)"), ("light", "rgb(252, 250, 245)")):
        page.emulate_media(color_scheme=scheme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", colour)
        settled(page)
        report = axe.Axe().run(page).response["violations"]
        serious = [fault for fault in report if fault["impact"] != "minor"]
        found += [
            (scheme, fault["id"], node["target"], node["failureSummary"])
            for fault in serious
            for node in fault["nodes"]
        ]
    return found


def test_no_page_has_a_serious_fault_of_accessibility(page):
    page.set_input_files(FILES, [SAMPLES / "group.jpg", SAMPLES / "obama.jpg"])
    found = {}
    for name, words in (
        ("Photo", "2 images, 6 faces"),
        ("Live", "Live, and only for you"),
        ("Video", "No video yet"),
        ("Model", "Versions"),
    ):
        tools.go(page, name)
        sees(page, words)
        found[name] = faults(page)
    assert found == {"Photo": [], "Live": [], "Video": [], "Model": []}


def test_each_page_opened_by_its_address_has_nothing_to_complain_of(page, address):
    for path, words in (("live", "Live, and only for you"), ("video", "No video yet"), ("model", "Versions")):
        page.goto(f"{address}/{path}")
        sees(page, words)
        settled(page)
        assert page.evaluate("crossOriginIsolated")


def settled(page) -> None:
    """Wait until the page's script has run to its end: a page that is being replaced is shown faded."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_have_count(1)
    expect(page.locator("[data-stale=true]")).to_have_count(0)


def test_many_pictures_have_a_gallery_and_survive_a_visit_to_another_page(page):
    page.set_input_files(FILES, [SAMPLES / "group.jpg", SAMPLES / "obama.jpg"])
    cards(page, 5)
    picked = page.locator(".st-key-picked button")
    assert picked.locator("img").nth(1).evaluate("img => img.naturalWidth") > 50
    picked.nth(1).click()
    cards(page, 1)
    tools.go(page, "Model")
    sees(page, "Versions")
    tools.go(page, "Photo")
    cards(page, 5)
    sees(page, "Still here: group.jpg, obama.jpg")
    page.get_by_role("button", name="Clear").click()
    sees(page, "Your faces will appear here")


def test_on_a_small_phone_the_button_that_takes_a_photo_is_in_view(page):
    page.get_by_role("button", name="I understand").click()
    page.set_viewport_size({"width": 375, "height": 667})
    page.get_by_text("Camera", exact=True).click()
    button = page.get_by_test_id("stCameraInputButton")
    expect(button).to_be_visible()
    above_the_tabs = "button => button.getBoundingClientRect().bottom < window.innerHeight - 60"
    page.wait_for_function(above_the_tabs, arg=button.element_handle())  # once the camera has its place


def test_the_notice_goes_for_good_and_by_keyboard(page):
    button = page.get_by_role("button", name="I understand")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_count(0)
    page.wait_for_function("document.cookie.includes('emojimation_seen=1')", polling=100)
    page.reload()
    sees(page, "Everything is computed")
    expect(page.locator(".st-key-tabs")).to_have_count(1)  # the page's last piece is there
    expect(button).to_have_count(0)


def test_links_upload_and_choices_are_reached_by_tab(page):
    seen = ""
    for _ in range(40):
        page.keyboard.press("Tab")
        seen += page.evaluate("(e => ` ${e.innerText || e.ariaLabel || e.value || ''}`)(document.activeElement)")
        if "I understand" in seen:
            break
    for words in ("Photo", "Live", "Video", "Model", "Upload", "Consent"):
        assert words in seen, seen
