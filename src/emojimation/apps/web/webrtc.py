"""The live page with the work on the server: annotated video over WebRTC, or repeated snapshots while that fails."""

import gc
from contextlib import suppress

import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer
from streamlit_webrtc.component import generate_frontend_component_key
from streamlit_webrtc.webrtc import SignallingTimeoutError

from emojimation.apps.web import chart, pictures, snapshots, widgets
from emojimation.apps.web.settings import current
from emojimation.apps.web.stream import Stream
from emojimation.apps.web.tracks import Ends
from emojimation.apps.web.waiting import Wait, steps

CAMERA = {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 24}}
HIDDEN = "<style>.st-key-live-frame { display: none; }</style>"
# Why there is no live video. For the first four there are no snapshots either.
REASONS = {
    "insecure": (
        "Browsers open cameras on https pages and on this machine only. "
        "Open the page as http://127.0.0.1, or put https in front of it."
    ),
    "missing": "This browser finds no camera. Plug one in, or take a photo elsewhere and upload it on the Photo page.",
    "denied": "The camera is blocked on this page. Click the camera in the address bar, allow it, and try again.",
    "busy": "The camera is there but does not open. Close the other program that is using it, and try again.",
    "prompt": "The browser is waiting for your permission. Allow the camera in the pop-up at the address bar.",
    "granted": (
        "The camera works, but the live connection failed: "
        "a firewall or proxy seems to block it (see --turn in docs/web.md)."
    ),
}
CLOSED = ("insecure", "missing", "denied", "busy")


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
        return
    obstacle = _obstacle()
    if obstacle:
        _refused(REASONS[obstacle])
        return
    with st.container(key="live-frame"):
        _connection(stream)
    if st.session_state.get("live_fallback"):
        st.html(HIDDEN)  # it stays connected, for frames that come late
        _refused(f"Live video did not start within {current().live_wait_s:.0f} seconds. {REASONS[_reason()]}")
        st.caption("Meanwhile the page takes a snapshot about once a second.")
        snapshots.show()
    _panel()
    _download(stream)


def _download(stream: Stream) -> None:
    """Not in the panel: each of its runs withdraws the file that a click in the run before asks for."""
    st.download_button(
        "Snapshot",
        lambda: widgets.jpeg(stream.drawn, 92) if stream.drawn is not None else b"",
        "emojimation.jpg",
        "image/jpeg",
        icon=":material/photo_camera:",
        on_click="ignore",
        key="live-snapshot",
    )


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
        drawn = stream.style in widgets.WITH_CHARACTER or stream.stage
        stream.character = widgets.character("live", labelled=False) if drawn else stream.character
        stream.stage = st.toggle("Large avatar", value=stream.stage, key="live-stage")
        stream.mirror = st.toggle("Mirror", value=stream.mirror, key="live-mirror")


def _switch() -> None:
    on = not st.session_state.get("live_on", False)
    _start_anew()
    st.session_state["live_on"] = on
    ends = st.session_state.pop("live_ends", None)
    if ends is not None:
        ends.close()
    if not on:
        st.session_state["stream"].close()


def _start_anew() -> None:
    """Forget how the attempt before ended."""
    st.session_state.update(live_fallback=False, live_refused=None, live_stopping=False, live_wait=Wait())


def _camera() -> str | None:
    """What the browser says about cameras, see assets/web/probe.js; None before it has answered."""
    reported = snapshots.component("probe")(key="probe", on_camera_change=lambda: None, height="content")
    return str(reported["camera"]) if reported.get("camera") else None


def _obstacle() -> str | None:
    """Why no camera opens, as soon as the browser knows; it goes away by itself when the visitor allows the camera."""
    camera = st.session_state["live_camera"] = _camera()
    refused = st.session_state.get("live_refused")
    return next((reason for reason in (camera, refused) if reason in CLOSED), None)


def _refused(words: str) -> None:
    st.warning(words, icon=":material/videocam_off:")
    st.button("Try live video again", key="live-again", on_click=_again, icon=":material/refresh:")


def _again() -> None:
    _start_anew()
    st.session_state["live_stopping"] = True


@st.cache_resource(show_spinner=False)
def _settle() -> None:
    """Once per process: exclude everything loaded so far from garbage collection, which would stop every thread, and
    with it live video, for a tenth of a second."""
    gc.collect()
    gc.freeze()


def _connection(stream: Stream) -> None:
    _settle()
    if "live_ends" not in st.session_state:
        st.session_state["live_ends"] = Ends(stream)
    ends: Ends = st.session_state["live_ends"]
    mounted = _mounted()
    if st.session_state.get("live_mounted") and not mounted:  # back from another page
        _start_anew()
    st.session_state["live_mounted"] = mounted
    with suppress(SignallingTimeoutError):  # the next run takes the offer up again
        webrtc_streamer(
            key="live",
            mode=WebRtcMode.SENDRECV,
            desired_playing_state=mounted and not st.session_state["live_stopping"],
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


@st.fragment(run_every=0.5)
def _panel() -> None:
    """Recent results, twice a second; also watches for video that does not start, or starts late."""
    stream: Stream = st.session_state["stream"]
    live = st.session_state["live_ends"].live
    _watch(live)
    if stream.last_s is None:
        _waiting()
        return
    _keep_shape(stream)
    st.html(widgets.html("state.html", state="live" if live else "still", words="Live" if live else "Snapshots"))
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


def _watch(live: bool) -> None:
    """Fall back to snapshots after a while without progress; return to live video as soon as it comes."""
    wait: Wait = st.session_state["live_wait"]
    connection = st.session_state.get("live") if st.session_state["live_mounted"] else None
    wait.note(steps(connection, st.session_state["live_camera"], live))
    if st.session_state["live_stopping"] and not _offered():  # the connection before has ended: make another
        st.session_state["live_stopping"] = False
        st.rerun()
    late = not live and wait.past_s() > current().live_wait_s and _reason() == "granted"
    fallback = st.session_state["live_fallback"]
    if (late and not fallback) or (live and fallback):
        st.session_state["live_fallback"] = not fallback
        st.rerun()


def _reason() -> str:
    """Why the wait is long: the visitor has not answered yet, or the camera works and the connection does not. An offer
    is made only with an open camera; some browsers say "prompt" even then.
    """
    return "prompt" if st.session_state["live_camera"] == "prompt" and not _offered() else "granted"


def _offered() -> bool:
    connection = st.session_state.get("live")
    return connection is not None and (connection.state.signalling or connection.state.playing)


def _waiting() -> None:
    if st.session_state["live_fallback"]:
        widgets.empty("No video yet", "The Photo page takes files from any camera or phone.", "not_sure")
    elif _reason() == "prompt":
        st.info(REASONS["prompt"], icon=":material/videocam:")
    else:
        st.caption("Waiting for the first frame …")


def _keep_shape(stream: Stream) -> None:
    """Give the connection's iframe the video's aspect ratio: by itself it grows, but never shrinks."""
    if stream.drawn is not None:
        height, width = stream.drawn.shape[:2]
        st.html(
            "<style>.st-key-live-frame iframe { height: auto !important; "
            f"aspect-ratio: {width} / {height + 4}; }}</style>"
        )


def _calibration(stream: Stream) -> None:
    neutral = stream.neutral
    if stream.faces:
        face = stream.faces[0]
        st.html(f'<div class="em em-card">{widgets.bars(face)}</div>')
    else:
        widgets.empty("No face in view", "Come closer, or find more light.", "not_sure")
    if neutral is None:
        return
    st.button(
        "This is my neutral face",
        key="calibrate",
        on_click=neutral.start,
        disabled=neutral.progress is not None,
        help="Relax your face for two seconds: from then on your resting face counts as neutral. Forgotten when you "
        "stop.",
    )
    if neutral.progress is not None:
        st.progress(neutral.progress, "Stay relaxed …")
    elif neutral.problem:
        st.caption(f"Not calibrated: {neutral.problem}.")
    elif neutral.calibrated:
        st.caption("Calibrated to your neutral face.")
