"""The web app and a headless Chromium whose camera shows a photo, for browser tests and screenshots."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SAMPLES = Path(__file__).parent.parent / "src" / "emojimation" / "assets" / "samples"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# What a network that lets no UDP through looks like to a page: the connection is offered, and never comes about.
BLOCK_WEBRTC = "RTCPeerConnection.prototype.setRemoteDescription = () => new Promise(() => {});"
NO_CAMERA = """
navigator.mediaDevices.enumerateDevices = async () => [];
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("none", "NotFoundError"); };
"""
DENIED = """
navigator.mediaDevices.enumerateDevices = async () => [{ kind: "videoinput" }];
navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "NotAllowedError"); };
navigator.permissions.query = async () => ({ state: "denied" });
"""
PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def chromium_path() -> str | None:
    """The system's Chromium, None without."""
    named = os.environ.get("CHROMIUM") or shutil.which("chromium")
    return named or next((place for place in PLACES if Path(place).exists()), None)


@contextmanager
def server(log: Path, model: str = "default", *more: str) -> Iterator[str]:
    """`emojimation web` on a free port; its address. Ended afterwards, and it must end well."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "emojimation", "web", "--port", str(port), "--model", model, *more]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


@contextmanager
def chromium(playwright: Any, camera: Path | None = None) -> Iterator[Any]:
    """A browser. camera: an MJPEG file that it takes for its camera; None: no camera."""
    more = (*FAKE, f"--use-file-for-fake-video-capture={camera}") if camera else ()
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*QUIET, *more])
    try:
        yield browser
    finally:
        browser.close()


def face_frames(count: int = 30) -> Iterator[np.ndarray]:
    """(480,640,3) BGR images of a real face that sways."""
    photo = cv2.imread(str(SAMPLES / "astronaut.jpg"))
    scene = cv2.resize(photo[: photo.shape[1] * 3 // 4], (640, 480))
    for i in range(count):
        yield np.roll(scene, round(10 * np.sin(2 * np.pi * i / count)), axis=1)


def write_camera(path: Path) -> Path:
    """An MJPEG file for `chromium`."""
    path.write_bytes(b"".join(cv2.imencode(".jpg", frame)[1].tobytes() for frame in face_frames()))
    return path


def write_video(path: Path, seconds: float = 2.0, fps: int = 15) -> Path:
    """A small H.264 video of the swaying face."""
    import av

    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for image in face_frames(round(seconds * fps)):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(cv2.resize(image, (320, 240)), "bgr24")))
        out.mux(stream.encode())
    return path


def go(page: Any, name: str) -> None:
    """Open a page by its link, as people do; at phone width the links are tabs at the foot."""
    page.wait_for_selector(".st-key-tabs", state="attached")
    tab = page.locator(".st-key-tabs a", has=page.get_by_text(name, exact=True))
    tab.wait_for(state="attached")  # the page's last piece: now it is clear which of the two navigations is shown
    (tab if tab.is_visible() else page.get_by_role("link", name=name).first).click()


def start_live(page: Any) -> None:
    """Open the live page and start the camera in the browser's engine."""
    go(page, "Live")
    page.frame_locator("iframe[title='Live camera']").get_by_role("button", name="Start camera").click()


def start_webrtc(page: Any) -> None:
    """Open the live page of a server with `--live server` and press Start."""
    go(page, "Live")
    page.get_by_role("button", name="Start").click()


def take_photo(page: Any) -> None:
    """Take an image with the page Photo's camera, once it shows one: Streamlit's button works before that, and takes
    nothing.
    """
    page.get_by_text("Camera", exact=True).click()
    page.wait_for_function("document.querySelector('[data-testid=stCameraInput] video')?.videoWidth > 0")
    page.get_by_test_id("stCameraInputButton").click()


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(log.read_text())
