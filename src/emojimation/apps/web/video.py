"""The video page: a video in, an annotated or anonymised video with its timeline out."""

import math
from pathlib import Path
from typing import Any

import streamlit as st

from emojimation.apps.web import timeline as web_timeline
from emojimation.apps.web import widgets
from emojimation.apps.web.jobs import STAGES, jobs, length_of, start, story_of
from emojimation.apps.web.pictures import STYLES, model_in_use
from emojimation.apps.web.settings import current
from emojimation.draw.styles import HIDING
from emojimation.errors import InputError
from emojimation.files import usable_processors
from emojimation.video.run import Options
from emojimation.videojobs import VideoJob

KINDS = ["mp4", "mov", "mkv", "webm", "avi", "m4v", "gif"]
MEASURED = ("pose", "mesh")  # on request
DOWNLOADS = {
    "film": ("Video", "video/mp4", ":material/movie:"),
    "csv": ("CSV", "text/csv", ":material/table:"),
    "report": ("Report", "text/html", ":material/description:"),
    "srt": ("Subtitles", "application/x-subrip", ":material/subtitles:"),
}


def show() -> None:
    """The page."""
    widgets.hero(
        "A video, and what its faces show.",
        "Follow each face through a video: who showed what, when. Or hide every face behind its emoji.",
        ("happy", "neutral", "surprise"),
    )
    if "film" not in st.query_params and st.session_state.get("film"):  # back from another page
        st.query_params["film"] = st.session_state["film"]
    job = jobs().get(st.query_params.get("film"))
    st.session_state["film"] = job and job.id
    if job is None:
        if "film" in st.query_params:
            st.info("This video is gone: videos are deleted two hours after they are done, or when the server exits.")
            del st.query_params["film"]
        _form()
    elif not job.over:
        _progress(job)
    elif job.state == "done":
        _result(job)
    else:
        _ended(job)


def _form() -> None:
    given = _given()
    if given is None:
        widgets.empty(
            "No video yet",
            "Upload one above. Videos are processed one after the other; you may leave the page meanwhile.",
            "neutral",
        )
        return
    name, size = given[0], given[1]
    try:
        length = _length_of(*given)
    except InputError as error:
        st.error(str(error), icon=":material/broken_image:")
        return
    options = _options(length)
    st.caption(f"{name}: {_clock(length)}, {size / 1e6:.1f} MB" if length else f"{name}: {size / 1e6:.1f} MB")
    if (
        st.button("Start", type="primary", key="film-start", icon=":material/play_arrow:", disabled=options is None)
        and options
    ):
        _start(given, options)


def _given() -> Any:
    """(name, bytes, UploadedFile or Path) of the video to process, or None."""
    limits = current()
    words = f"A video, up to {limits.upload_mb} MB" + (
        f" and {_clock(limits.film_s, whole=True)}" if limits.film_s else ""
    )
    fresh = f"film-file-{st.session_state.get('film-round', 0)}"  # a new uploader for another video: it holds no file
    file = st.file_uploader(words, KINDS, key=fresh, max_upload_size=limits.upload_mb)
    if file is not None:
        return file.name, file.size, file
    if not limits.paths:
        return None
    text = st.text_input(
        "Or a path on this machine, for larger videos", key="film-path", placeholder="/home/me/holiday.mp4"
    )
    return _named(text) if text else None


def _named(text: str) -> Any:
    """(name, bytes, Path) of a video on this machine. Every error is the same, so that visitors cannot
    find out which files exist."""
    try:
        path = Path(text).expanduser()
        if not path.is_file():
            raise FileNotFoundError(text)
        given = path.name, path.stat().st_size, path
        _length_of(*given)
    except (InputError, OSError, RuntimeError, ValueError):
        st.error(f"Expected a video on this machine, got {text}, which this page cannot read. Check the spelling.")
        return None
    return given


def _length_of(name: str, size: int, place: Any) -> float | None:
    """Length of a video in seconds, determined once per file."""
    key = (name, size, getattr(place, "file_id", str(place)))
    if st.session_state.get("film-known", (None,))[0] != key:
        st.session_state["film-known"] = (key, length_of(name, place))
    return st.session_state["film-known"][1]


def _options(length: float | None) -> Options | None:
    """What to do with the video; None while a choice is missing."""
    hide = st.toggle(
        "Hide every face (anonymise)",
        key="film-hide",
        help="Two passes: the first searches for faces with a low threshold.",
    )
    reidentify = st.toggle(
        "Recognise people who return",
        key="film-reidentify",
        help="Whoever returns, or is seen again later, keeps their number. Faces are compared within the video only.",
    )
    st.toggle(
        "Measure head pose, blinks and mouth",
        key="film-measure",
        help="Adds charts to the report and columns to the CSV. Takes a few milliseconds per face and frame.",
    )
    names = [name for name in STYLES if not hide or name in HIDING]
    style = st.segmented_control(
        "Style",
        names,
        default="emoji" if hide else "boxes",
        format_func=STYLES.__getitem__,
        key=f"film-style-{hide}",
        required=True,
    )
    character = widgets.character("film") if style in widgets.WITH_CHARACTER else "emoji"
    limit, end_s = current().film_s, None
    if limit and (length or math.inf) > limit:
        said = f"lasts {_clock(length)}" if length else "does not say how long it is"
        choice = st.radio(
            f"The video {said}; the limit here is {_clock(limit, whole=True)}.",
            ["Take its beginning only", "Leave it"],
            key="film-cut",
            index=None,
        )
        if choice != "Take its beginning only":
            return None
        end_s = float(limit)
    return Options(
        style=style or "boxes",
        art=widgets.ART,
        character=character,
        hide=hide,
        workers=usable_processors(),
        end_s=end_s,
        reidentify=reidentify,
    )


def _start(given: Any, options: Options) -> None:
    name, _, video = given
    try:
        measures = MEASURED if st.session_state.get("film-measure") else ()
        job = start(name, video, options, model_in_use(), measures)
    except (InputError, OSError) as error:
        st.error(str(error))
        return
    st.query_params["film"] = job.id  # a reload finds the video again
    st.rerun()


@st.fragment(run_every=0.5)
def _progress(job: VideoJob) -> None:
    if job.over:
        st.rerun()
    st.header(job.name, anchor=False)
    if job.state == "queued":
        ahead = jobs().ahead(job)
        st.progress(0.0, f"Waiting: {ahead} video{'' if ahead == 1 else 's'} ahead of this one")
    else:
        left = f", about {_clock(job.left_s)} left" if job.left_s is not None else ""
        st.progress(min(job.share or 0.0, 1.0), f"{STAGES[job.stage]} … {job.share or 0:.0%}{left}")
    st.caption("You may reload this page or open another one meanwhile; its address brings you back here.")
    st.button("Cancel", key="film-cancel", icon=":material/close:", on_click=jobs().cancel, args=(job,))


def _ended(job: VideoJob) -> None:
    if job.state == "cancelled":
        st.info(f"{job.name} was cancelled; nothing was kept.")
    else:
        st.error(str(job.error), icon=":material/broken_image:")
    st.button("Another video", type="primary", key="film-again", on_click=_again, args=(job,))


def _again(job: VideoJob) -> None:
    jobs().drop(job)
    st.query_params.pop("film", None)
    st.session_state.update({"film": None, "film-round": st.session_state.get("film-round", 0) + 1})


def _result(job: VideoJob) -> None:
    result, story = job.result, story_of(job)
    assert result is not None
    rate = f"{result.frames / result.seconds:.0f}" if result.seconds else "–"
    widgets.stats(
        {
            "length": _clock(story["duration_s"]),
            "person" if len(story["people"]) == 1 else "people": str(len(story["people"])),
            "frames": f"{result.frames:,}",
            "frames per second, processing": rate,
        }
    )
    for line in [*result.notes, *([result.hidden] if result.hidden else [])]:
        st.info(line.capitalize(), icon=":material/info:")
    st.video(
        job.path("film"),
        subtitles={"Expressions": job.path("vtt")} if story["people"] else None,
        alt=f"{job.name}, drawn",
    )
    if story["people"]:
        web_timeline.charts(story, f"story-{job.id}")
    else:
        widgets.empty(
            "No face in this video", "More light and larger faces help; see the Photo page for hints.", "not_sure"
        )
    st.header("Download", anchor=False)
    with st.container(horizontal=True):
        for kind, (label, mime, icon) in DOWNLOADS.items():
            st.download_button(
                label,
                job.path(kind).read_bytes if job.path(kind).exists() else b"",
                job.path(kind).name,
                mime,
                icon=icon,
                on_click="ignore",
                key=f"film-{kind}",
            )
        st.button("Delete, and process another video", key="film-again", on_click=_again, args=(job,), type="tertiary")


def _clock(seconds: float | None, whole: bool = False) -> str:
    """Seconds in words; whole: without seconds if there are none."""
    minutes, rest = divmod(round(seconds or 0), 60)
    if whole and minutes and not rest:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
