"""The page without a server in a real Chromium: Python's own answers, camera, offline, and one line for each mistake.

Everything waits for what should be seen, never for a time, so that a busy machine makes the tests slow and not red.
"""

import base64
import json
import re
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from conftest import FACELESS, ROOT
from emojimation.apps.page.build import MODEL, write_page
from emojimation.apps.page.server import server
from emojimation.detect.base import DetectorOptions, largest_first
from emojimation.detect.blazeface import BlazeFace
from emojimation.media import read_image
from emojimation.pipeline import make_pipeline
from emojimation.tracking.track import Tracker

sys.path.insert(0, str(ROOT / "scripts"))
pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
import web_browser as tools  # isort: skip
from playwright.sync_api import expect, sync_playwright  # isort: skip

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(tools.chromium_path() is None, reason="no Chromium: apt-get install chromium"),
]
PATIENCE_MS = 120_000
# What the page may differ by from Python: pixels of a box, score, probability. The rest is rounding in eight bits.
BOX_PX, SCORE, PROBABILITY = 0.1, 1e-3, 0.04
ASK = """async ([picture, search, time]) => {
    const { engine } = await (await import("./emoji-mation.js")).stage();
    const bytes = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    return (await engine.ask(image, { time, hold: 0, search, prior: "everyday" })).faces;
}"""
PAINTED = """const painted = (canvas) => canvas.width > 0 && canvas.getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height).data.some((v) => v > 0);"""
NO_WASM = "delete globalThis.WebAssembly;"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_page(folder)
    with server(folder) as files:
        thread = threading.Thread(target=files.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{files.server_port}/"
        files.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    expect.set_options(timeout=PATIENCE_MS)
    camera = tools.write_camera(tmp_path_factory.mktemp("camera") / "face.mjpeg")
    with sync_playwright() as playwright, tools.chromium(playwright, camera) as made:
        yield made


@pytest.fixture
def page(chromium, address):
    """The page, ready; it must ask no other host, and nothing may be wrong in its console."""
    context = chromium.new_context(permissions=["camera"])
    context.set_default_timeout(PATIENCE_MS)
    made, wrong = context.new_page(), []
    made.on("request", lambda request: wrong.append(request.url) if foreign(request.url, address) else None)
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.goto(address)
    made.wait_for_selector("body.ready")
    yield made
    context.close()
    assert not wrong


def until(page, condition, first=""):
    """Wait in the page itself: its security policy lets no strings be evaluated there."""
    page.evaluate(
        f"async () => {{ {first} while (!({condition})) await new Promise((done) => setTimeout(done, 50)); }}"
    )


def foreign(url, address):
    return not url.startswith((address, "blob:", "data:"))


def pictures():
    """Twenty pictures (H,W,3) BGR: portraits, rotated, scaled, cropped, faint, side by side."""
    photos = [read_image(tools.SAMPLES / f"{name}.jpg").frame for name in ("astronaut", "biden", "obama", "obama3")]
    small = [cv2.resize(photo, (400, 400 * photo.shape[0] // photo.shape[1])) for photo in photos]
    yield from small
    for photo, degrees in zip(small, (17, -23, 9, -31), strict=True):
        turn = cv2.getRotationMatrix2D((200, photo.shape[0] / 2), degrees, 0.9)
        yield cv2.warpAffine(photo, turn, photo.shape[1::-1])
    for photo, scale in zip(small, (0.37, 0.61, 1.43, 1.9), strict=True):
        yield cv2.resize(photo, None, fx=scale, fy=scale)
    for photo in small:
        yield np.ascontiguousarray(photo[: photo.shape[0] // 2 + 13, 51:-37])
    yield cv2.convertScaleAbs(small[0], alpha=0.45)
    yield small[1][:, ::-1].copy()
    yield np.hstack([photo[:400] for photo in small if photo.shape[0] >= 400])
    yield read_image(tools.SAMPLES / "group.jpg").frame


def asked(page, picture, search, time_s=None):
    png = base64.b64encode(cv2.imencode(".png", picture)[1]).decode()
    return page.evaluate(ASK, [png, search, time_s])


def compare(ours, theirs):
    assert len(ours) == len(theirs)
    for face, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(other["xyxy"], face.xyxy, atol=BOX_PX)
        np.testing.assert_allclose(other["landmarks"], face.landmarks, atol=BOX_PX)
        np.testing.assert_allclose(other["probabilities"], face.probabilities, atol=PROBABILITY)
        assert abs(other["score"] - face.score) < SCORE


@pytest.mark.slow
def test_twenty_pictures_get_pythons_answers(page):
    pipeline, seen = make_pipeline(MODEL, search="fast"), 0
    for picture in pictures():
        faces = pipeline(picture)
        compare(faces, asked(page, picture, "fast"))
        seen += len(faces)
    assert seen >= 20
    blazeface = BlazeFace(DetectorOptions())
    pipeline.detector = lambda frame: largest_first(blazeface.find(frame, tiles=True), 20)
    crowd = cv2.resize(read_image(tools.SAMPLES / "group.jpg").frame, (460, 294))
    compare(pipeline(crowd), asked(page, crowd, "wide"))


def test_a_streams_frames_get_pythons_answers(page):
    """Known faces are followed, and the whole frame is searched every few frames, as in Python."""
    pipeline = make_pipeline(MODEL, search="fast").streaming(Tracker())
    crowd, seen = cv2.resize(read_image(tools.SAMPLES / "group.jpg").frame, (460, 294)), 0
    for i in range(8):
        frame, time_s = np.roll(crowd, 3 * i, axis=1), i / 15
        faces = pipeline(frame, time_s)
        compare(faces, asked(page, frame, "stream", time_s))
        seen += len(faces)
    assert seen >= 25


def test_a_photo_its_styles_and_its_file(page, address):
    page.set_input_files("#file", tools.SAMPLES / "group.jpg")
    expect(page.locator(".card")).to_have_count(5)
    expect(page.locator("#message")).to_have_text("5 faces")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    page.emulate_media(reduced_motion="reduce")  # a card that is still arriving has less contrast
    faults = axe.Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["target"]) for fault in faults if fault["impact"] != "minor"] == []
    drawn = set()
    for style in ("Boxes", "Emoji", "Avatar", "Blur", "Squares", "Nothing"):
        page.locator("#styles").get_by_text(style, exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Save picture").click()
        picture = read_image(download.value.path()).frame
        assert picture.shape == (640, 1000, 3)
        drawn.add(picture.tobytes())
    assert len(drawn) == 6
    page.get_by_role("button", name="Close the picture").click()
    expect(page.get_by_role("heading", name="What does your face say?")).to_be_visible()


def test_the_camera_a_recording_and_the_last_half_minute(page):
    page.get_by_role("button", name="Start camera").click()
    expect(page.locator(".card h2")).to_have_text(re.compile("^happy"))
    expect(page.locator("#facts")).to_have_text(re.compile(r"[1-9]\d* frames/s"))
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(500)  # the length of the recording; nothing depends on it
    with page.expect_download() as download:
        page.locator("#record.on").click()
    assert download.value.path().stat().st_size > 1000 and download.value.suggested_filename.startswith("emojimation-")
    until(page, "[...document.querySelectorAll('.card > canvas')].some(painted)", PAINTED)
    page.get_by_role("button", name="Stop camera").click()
    expect(page.locator(".card")).to_have_count(0)


def test_it_opens_and_answers_without_a_network(page, address):
    until(page, "navigator.serviceWorker.controller")
    page.context.set_offline(True)
    page.goto(f"{address}?offline")
    page.wait_for_selector("body.ready")
    page.set_input_files("#file", tools.SAMPLES / "astronaut.jpg")
    expect(page.locator(".card h2")).to_have_text("happy")
    assert page.evaluate("crossOriginIsolated")


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (tools.NO_CAMERA, "No camera was found: connect one, or open a photo."),
        (tools.DENIED, "The camera is blocked: allow it for this page in the browser's address bar, then try again."),
    ],
)
def test_a_camera_that_is_absent_or_blocked_is_told(chromium, address, script, line):
    page = chromium.new_page()
    page.add_init_script(script)
    page.goto(address)
    page.get_by_role("button", name="Start camera").click()
    expect(page.locator("#message.error")).to_have_text(line)
    expect(page.get_by_role("heading", name="What does your face say?")).to_be_visible()
    page.close()


def test_no_image_no_face_and_no_webassembly_are_told(page, chromium, address, tmp_path):
    words = tmp_path / "notes.png"
    words.write_text("no picture")
    page.set_input_files("#file", words)
    expect(page.locator("#message.error")).to_have_text(
        "Expected an image that this browser can open, got notes.png: choose a JPEG, PNG or WebP file."
    )
    page.set_input_files("#file", FACELESS / "brick.jpg")
    expect(page.locator("#message")).to_have_text(re.compile("^No face was found: try"))
    bare = chromium.new_page()
    bare.add_init_script(NO_WASM)
    bare.goto(address)
    expect(bare.locator("#message.error")).to_have_text(re.compile("^Expected a browser with WebAssembly, got"))
    bare.close()


def test_the_benchmark_keeps_its_figures(tmp_path):
    small = ["--blocks", "1", "--frames", "3", "--out", str(tmp_path)]
    command = [sys.executable, str(ROOT / "benchmarks" / "page.py"), *small]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    got = json.loads((tmp_path / "page.json").read_text("utf-8"))["page"]
    assert got["faces"] == 1 and 5 < got["received_mb"] < got["folder_mb"] < 12
    assert 0 < got["p5_ms"] <= got["median_ms"] <= got["p95_ms"] and got["start_s"] > 0


def test_the_element_in_a_page_of_its_own(chromium, address):
    page = chromium.new_page(locale="de-AT")
    page.goto(f"{address}example.html")
    expect(page.locator("output")).to_have_text("5 faces")
    expect(page.get_by_role("img")).to_have_attribute("aria-label", re.compile("Freude"))
    page.locator("emoji-mation").evaluate("element => { element.lang = 'ja'; }")
    expect(page.get_by_role("img")).to_have_attribute("aria-label", re.compile("喜び"))
    page.close()
