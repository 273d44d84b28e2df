"""The live page: annotated live video from the camera over WebRTC, or repeated snapshots if that fails."""

import base64
import binascii
import gc
import time
from functools import lru_cache
from importlib import resources
from typing import Any

import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer
from streamlit_webrtc.component import generate_frontend_component_key

from emojimation.apps.web import chart, pictures, widgets
from emojimation.apps.web.settings import current
from emojimation.apps.web.stream import Stream
from emojimation.apps.web.tracks import Ends
from emojimation.errors import InputError

EVERY_MS = 700
CAMERA = {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 24}}
REASONS = {
    "insecure": (
        "Browsers open cameras on https pages and on this machine only. "
        "Open the page as http://127.0.0.1, or put https in front of it."
    ),
    "missing": "This browser finds no camera. Plug one in, or take a photo elsewhere and upload it on the Photo page.",
    "denied": "The camera is blocked on this page. Click the camera in the address bar, allow it, and try again.",
    "prompt": "The browser is waiting for your permission. Allow the camera in the pop-up at the address bar.",
    "granted": (
        "The camera works, but the live connection failed: "
        "a firewall or proxy seems to block it (see --turn in docs/web.md)."
    ),
}
OPENING = {
    "NotAllowedError": "denied",
    "NotFoundError": "missing",
    "SecurityError": "insecure",
    "TypeError": "insecure",
}


def show() -> None:
    """The page."""
    widgets.hero(
        "Live, and only for you.",
        "Your camera's frames are analysed on the machine that serves this page. Nothing is recorded.",
        ("surprise", "happy", "sad"),
    )
    stream: Stream = st.session_state.setdefault("stream", Stream())
    stream.model = pictures.model_in_use()
    _controls(stream)
    if not st.session_state.get("live_on"):
        widgets.empty("The camera is off", "Press Start; the browser will ask whether this page may use it.", "neutral")
    elif st.session_state.get("live_fallback"):
        _snapshots(stream)
    else:
        with st.container(key="live-frame"):
            _connection(stream)
    if st.session_state.get("live_on"):
        _panel()


def _controls(stream: Stream) -> None:
    on = st.session_state.get("live_on", False)
    with st.container(horizontal=True, vertical_alignment="center", key="live-controls"):
        st.button(
            "Stop" if on else "Start",
            type="secondary" if on else "primary",
            key="live-switch",
            on_click=_switch,
            icon=":material/stop:" if on else ":material/play_arrow:",
        )
        stream.style = (
            st.segmented_control(
                "Style",
                list(pictures.STYLES),
                default=stream.style,
                format_func=pictures.STYLES.__getitem__,
                key="live-style",
                required=True,
                label_visibility="collapsed",
            )
            or "boxes"
        )
        stream.stage = st.toggle("Large avatar", value=stream.stage, key="live-stage")
        stream.mirror = st.toggle("Mirror", value=stream.mirror, key="live-mirror")


def _switch() -> None:
    on = not st.session_state.get("live_on", False)
    st.session_state.update(live_on=on, live_fallback=False, live_began=time.monotonic(), live_reason=None)
    ends = st.session_state.pop("live_ends", None)
    if ends is not None:
        ends.close()
    if not on:
        st.session_state["stream"].close()


@st.cache_resource(show_spinner=False)
def _settle() -> None:
    """Once per process: exclude everything loaded so far from garbage collection, which would stop every thread, and
    with it live video, for a tenth of a second."""
    gc.collect()
    gc.freeze()


def _connection(stream: Stream) -> None:
    _settle()
    if "live_ends" not in st.session_state:
        st.session_state.update(live_ends=Ends(stream), live_began=time.monotonic())
    ends: Ends = st.session_state["live_ends"]
    mounted = _mounted()
    if st.session_state.get("live_mounted") and not mounted:  # back from another page: the wait restarts
        st.session_state["live_began"] = time.monotonic()
    st.session_state["live_mounted"] = mounted
    webrtc_streamer(
        key="live",
        mode=WebRtcMode.SENDRECV,
        desired_playing_state=mounted,
        rtc_configuration={"iceServers": current().turn},
        media_stream_constraints={"video": CAMERA, "audio": False},
        source_video_track=ends.source,
        sink_video_track=ends.sink,
        media_toggle_controls=False,
        video_html_attrs={
            "autoPlay": True,
            "playsInline": True,
            "muted": True,
            "style": {"width": "100%", "borderRadius": "14px"},
        },
    )


def _mounted() -> bool:
    """Whether the browser component has reported back, which makes this script run once more.

    It may not start before that: streamlit-webrtc 0.79 opens another connection with each run while it loads a file,
    sends the offer of one and takes the answer for another, and gives up only ten seconds later.
    """
    return st.session_state.get(generate_frontend_component_key("live")) is not None


def _snapshots(stream: Stream) -> None:
    reason = st.session_state.get("live_reason") or "granted"
    st.warning(
        f"Live video did not start within {current().live_wait_s:.0f} seconds. {REASONS[reason]}",
        icon=":material/videocam_off:",
    )
    if reason in ("insecure", "missing"):
        return
    st.caption("Meanwhile the page takes a snapshot about once a second.")
    _snapshot_view()


@st.fragment
def _snapshot_view() -> None:
    stream: Stream = st.session_state["stream"]
    left, right = st.columns(2)
    with left:
        taken = _component("snapshots")(
            data={"every_ms": EVERY_MS},
            key="snapshots",
            height=320,
            on_picture_change=lambda: None,
            on_error_change=lambda: None,
        )
    if taken.get("error"):
        st.error(REASONS[OPENING.get(taken["error"], "denied")], icon=":material/videocam_off:")
    elif taken.get("picture"):
        stream.look(_picture(taken["picture"]))
    if stream.drawn is not None:
        right.image(widgets.jpeg(stream.drawn, 85), width="stretch", alt="The latest snapshot, annotated")


def _picture(uri: str) -> Any:
    """A browser's data URI as (H,W,3) BGR uint8. It is not trusted: it is read like an upload."""
    try:
        content = base64.b64decode(uri.partition(",")[2], validate=True)
    except (ValueError, binascii.Error) as error:
        raise InputError("Expected an image from the camera, got something else. Reload the page.") from error
    return pictures.read_bytes("snapshot.jpg", content).frame


@st.fragment(run_every=0.5)
def _panel() -> None:
    """Recent results, twice a second; also watches for video that does not start."""
    stream: Stream = st.session_state["stream"]
    if not st.session_state.get("live_fallback"):
        _watch(stream)
    if stream.last_s is None and st.session_state.get("live_fallback"):
        widgets.empty("No video yet", "The Photo page takes files from any camera or phone.", "not_sure")
        return
    if stream.last_s is None:
        left = current().live_wait_s - (time.monotonic() - st.session_state["live_began"])
        st.caption(f"Waiting for the first frame … {max(left, 0):.0f} s")
        return
    _keep_shape(stream)
    p95 = stream.p95_ms
    widgets.stats(
        {
            "frames per second": f"{stream.fps:.0f}",
            "latency, 95th percentile": "–" if p95 is None else f"{p95:.0f} ms",
            "face" if len(stream.faces) == 1 else "faces": str(len(stream.faces)),
            "you look": widgets.word_of(stream.faces[0]) if stream.faces else "–",
        }
    )
    if stream.error:
        st.error(stream.error)
    left, right = st.columns([2, 3])
    with left:
        _calibration(stream)
    with right:
        chart.rolling(list(stream.history), stream.labels)


def _keep_shape(stream: Stream) -> None:
    """Give the connection's iframe the video's aspect ratio: by itself it grows, but never shrinks."""
    if stream.drawn is not None:
        height, width = stream.drawn.shape[:2]
        st.html(
            "<style>.st-key-live-frame iframe { height: auto !important; "
            f"aspect-ratio: {width} / {height + 4}; }}</style>"
        )


def _watch(stream: Stream) -> None:
    """Query the browser's capabilities; after a while without a frame say why and fall back to snapshots."""
    if stream.last_s is not None:
        return
    probe = _component("probe")(key="probe", on_camera_change=lambda: None, height="content")
    if time.monotonic() - st.session_state["live_began"] > current().live_wait_s:
        st.session_state.update(live_fallback=True, live_reason=probe.get("camera"))
        st.rerun()


def _calibration(stream: Stream) -> None:
    neutral = stream.neutral
    if stream.faces:
        face = stream.faces[0]
        st.html(f'<div class="em em-card">{widgets.bars(face)}</div>')
    else:
        widgets.empty("No face in view", "Come closer, or find more light.", "not_sure")
    if neutral is None:
        return
    with st.container(horizontal=True):
        st.button(
            "This is my neutral face",
            key="calibrate",
            on_click=neutral.start,
            disabled=neutral.progress is not None,
            help="Relax your face for two seconds: from then on your resting face counts as neutral. Forgotten when "
            "you stop.",
        )
        st.download_button(
            "Snapshot",
            lambda: widgets.jpeg(stream.drawn, 92) if stream.drawn is not None else b"",
            "emojimation.jpg",
            "image/jpeg",
            icon=":material/photo_camera:",
            on_click="ignore",
            key="live-snapshot",
        )
    if neutral.progress is not None:
        st.progress(neutral.progress, "Stay relaxed …")
    elif neutral.problem:
        st.caption(f"Not calibrated: {neutral.problem}.")
    elif neutral.calibrated:
        st.caption("Calibrated to your neutral face.")


@lru_cache(maxsize=4)
def _component(name: str) -> Any:
    script = (resources.files("emojimation") / "assets" / "web" / f"{name}.js").read_text("utf-8")
    style = "width:100%;border-radius:14px;background:#241c33"
    html = f'<video autoplay playsinline muted style="{style}" aria-label="Your camera"></video>'
    return st.components.v2.component(
        f"emojimation_{name}", html=html if name == "snapshots" else "<span></span>", js=script
    )
