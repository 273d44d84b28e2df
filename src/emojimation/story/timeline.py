"""Who showed what, when: series, shares, changes and peaks of each person in a video, from the rows that a run wrote.

timeline = of_rows(rows, duration_s=62.4) write_srt("film.srt", timeline) write_html("film.html", timeline,
title="film.mp4", video="film.mp4")
"""

import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.errors import InputError
from emojimation.files import write_whole
from emojimation.labels import EMOTION_LABELS, NOT_SURE_EMOJI, LabelSet, label_set
from emojimation.story import measured, page
from emojimation.story.people import MAX_GAP_S, NOT_SURE, Person, Span

BAR_WH = (600, 18)  # of a person's bar in a notebook, in pixels
UNSURE_COLOUR = "#d0d0d0"


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The people in a video, longest visible first. duration_s: of the video. unnumbered: rows left out for lack of a
    track_id. shots_s: when each shot begins. prior: the base rates that the answers are corrected for, in words.
    """

    people: list[Person]
    duration_s: float
    unnumbered: int = 0
    shots_s: tuple[float, ...] = ()
    prior: str | None = None

    @property
    def classes(self) -> LabelSet:
        """The classes of the rows; the seven emotions if there are none."""
        return self.people[0].classes if self.people else EMOTION_LABELS

    def _repr_html_(self) -> str:
        """A bar for each person in the colours of the classes, for notebooks."""
        rows = "".join(_bar_row(person, max(self.duration_s, 1e-6)) for person in self.people)
        return f"<table>{rows}</table>" if rows else "<p>Nobody was seen.</p>"


def of_rows(
    rows: Iterable[Mapping[str, Any]],
    duration_s: float | None = None,
    shots_s: Sequence[float] | None = None,
    prior: str | None = None,
) -> Timeline:
    """The timeline of JSONL rows: dicts with "frame", "time_s" and the keys of `Face.to_dict`, in any order.

    duration_s: of the video, by default up to the last row. shots_s: when each shot begins, by default with its first
    face. prior: as in `Timeline`. Rows without a number or probabilities are left out.
    Raises InputError for rows of another kind.
    """
    series: dict[int, list[tuple]] = {}
    shots: dict[int, float] = {}
    unnumbered = 0
    for row in rows:
        entry = _entry(row)
        if entry is not None and entry[-1] is not None:
            series.setdefault(int(entry[-1]), []).append(entry)
        unnumbered += entry is not None and entry[-1] is None
        if entry is not None:
            shot, time_s = int(row.get("shot", 1)), float(row["time_s"])
            shots[shot] = min(time_s, shots.get(shot, time_s))
    people = [_person(track_id, entries) for track_id, entries in series.items()]
    people.sort(key=lambda person: (-person.seen_s, person.track_id))
    last_s = max((float(person.times_s[-1]) + person.step_s for person in people), default=0.0)
    begins = tuple(shots[shot] for shot in sorted(shots)) if shots_s is None else tuple(shots_s)
    return Timeline(people, max(duration_s or 0.0, last_s), unnumbered, begins, prior)


def summary(timeline: Timeline) -> dict[str, Any]:
    """Plain values for JSON: the video's length, shots and base rates, and per person when and how long they were
    visible, shares, changes, peaks, and what was measured besides."""
    return {
        "duration_s": round(timeline.duration_s, 3),
        "rows_without_number": timeline.unnumbered,
        "shots_s": [round(time_s, 3) for time_s in timeline.shots_s],
        "prior": timeline.prior,
        "people": [_summary(person) for person in timeline.people],
    }


def write_srt(path: str | Path, timeline: Timeline) -> Path:
    """Write SubRip subtitles: who shows what, from span to span."""
    cues = (
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n" + "\n".join(f"{who}: {what}" for who, what in lines)
        for number, (start, end, lines) in enumerate(_cues(timeline), 1)
    )
    return write_whole(Path(path), "\n\n".join([*cues, ""]).rstrip("\n") + "\n")


def write_vtt(path: str | Path, timeline: Timeline) -> Path:
    """Write WebVTT subtitles, each person with a voice of their own."""
    cues = (
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n" + "\n".join(f"<v {who}>{who}: {what}" for who, what in lines)
        for start, end, lines in _cues(timeline)
    )
    return write_whole(Path(path), "\n\n".join(["WEBVTT", *cues]) + "\n")


def write_html(
    path: str | Path,
    timeline: Timeline,
    title: str = "Timeline",
    video: str | Path | None = None,
    thumbnails: Mapping[tuple[int, int], str] | None = None,
) -> Path:
    """Write one page that needs no network: a chart per person, and the video, which plays from where one clicks.

    video: a video beside the page, which is linked, not copied. thumbnails: images of the peaks, as data URIs (see
    `page.thumbnail`), by (track_id, frame).
    """
    path = Path(path)
    data = summary(timeline)
    for person, entry in zip(timeline.people, data["people"], strict=True):
        entry["series"] = page.thinned(person.times_s, person.probabilities, MAX_GAP_S)
        entry["charts"] = measured.charts(person.measured, person.times_s, MAX_GAP_S)
        for peak in entry["peaks"]:
            peak["picture"] = (thumbnails or {}).get((person.track_id, peak["frame"]))
    link = None if video is None else os.path.relpath(video, path.parent or ".")
    return write_whole(
        Path(path), page.html_of({**data, "title": title, "video": page.link_of(link)}, timeline.classes)
    )


def _entry(row: Mapping[str, Any]) -> tuple | None:
    try:
        if row["probabilities"] is None:
            return None
        vector = row["probabilities"]
        named = row["certainty"] != NOT_SURE if "certainty" in row else bool(row["certain"])  # rows of version 0.1
        attributes = row.get("attributes") or {}
        return (row["time_s"], row["frame"], named, vector, row["xyxy"], attributes, row["track_id"])
    except (KeyError, TypeError) as error:
        raise InputError(f"Expected rows as `video --jsonl` writes them, got one without {error}.") from error


def _person(track_id: int, entries: list[tuple]) -> Person:
    entries.sort(key=lambda entry: entry[0])
    times, frames, named, vectors, boxes, attributes, _ = zip(*entries, strict=True)
    names = tuple(vectors[0])
    return Person(
        track_id,
        np.array(times, np.float64),
        np.array(frames, np.int64),
        np.array([[vector[name] for name in names] for vector in vectors], np.float32),
        np.array(named, bool),
        np.array(boxes, np.float32),
        label_set(names),
        measured.series_of(attributes),
    )


def _summary(person: Person) -> dict[str, Any]:
    shares = person.shares()
    spans = person.spans()
    return {
        "track_id": person.track_id,
        "first_s": round(float(person.times_s[0]), 3),
        "last_s": round(float(person.times_s[-1]), 3),
        "seen_s": round(person.seen_s, 3),
        "dominant": max(shares, key=lambda label: shares[label]),
        "shares": {label: round(share, 4) for label, share in shares.items()},
        "mean_probabilities": {name: round(p, 4) for name, p in person.mean_probabilities().items()},
        "spans": [_rounded(span.start_s, span.end_s, span.label, span.strength) for span in spans],
        "changes": [{"time_s": round(t, 3), "from": a, "to": b} for t, a, b in person.changes()],
        "uncertain": [[round(s.start_s, 3), round(s.end_s, 3)] for s in spans if s.label == NOT_SURE],
        "peaks": [
            {
                "time_s": round(p.time_s, 3),
                "frame": p.frame,
                "emotion": p.emotion,
                "probability": round(p.probability, 4),
            }
            for p in person.peaks()
        ],
        **_measured(person),
    }


def _measured(person: Person) -> dict[str, Any]:
    """The person's measures and blinks; nothing if none were asked for."""
    found = {
        "measures": measured.figures(person.measured, person.weights_s),
        "blinks": measured.blinks_of(person.measured, person.times_s, person.seen_s),
    }
    return {name: values for name, values in found.items() if values}


def _rounded(start_s: float, end_s: float, label: str, strength: float) -> dict[str, Any]:
    return {"start_s": round(start_s, 3), "end_s": round(end_s, 3), "label": label, "strength": round(strength, 4)}


def _cues(timeline: Timeline) -> list[tuple[float, float, list[tuple[str, str]]]]:
    """(start, end, [(person, words)]) for every stretch in which nobody's span changes; no cue if nobody is visible."""
    spans = sorted(((p.track_id, span) for p in timeline.people for span in p.spans()), key=lambda pair: pair[0])
    bounds = sorted({round(t, 3) for _, span in spans for t in (span.start_s, span.end_s)})
    lines: list[list[tuple[str, str]]] = [[] for _ in bounds]
    for who, span in spans:
        for i in range(bisect_left(bounds, round(span.start_s, 3)), bisect_left(bounds, round(span.end_s, 3))):
            lines[i].append((f"Person {who}", _words(span, timeline.classes)))
    return [(start, end, line) for start, end, line in zip(bounds, bounds[1:], lines, strict=False) if line]


def _bar_row(person: Person, duration_s: float) -> str:
    """A person's row of a table in HTML: name, spans as an image, what was shown most."""
    shares = person.shares()
    most = max(shares, key=lambda label: shares[label])
    spans = "".join(_bar_span(span, person.classes, duration_s) for span in person.spans())
    bar = (
        f'<svg width="{BAR_WH[0]}" height="{BAR_WH[1]}" role="img" aria-label="Person {person.track_id}">{spans}</svg>'
    )
    return f"<tr><td>Person {person.track_id}</td><td>{bar}</td><td>{escape(most)} {shares[most]:.0%}</td></tr>"


def _bar_span(span: Span, classes: LabelSet, duration_s: float) -> str:
    x, end = (BAR_WH[0] * seconds / duration_s for seconds in (span.start_s, span.end_s))
    colour = UNSURE_COLOUR if span.label == NOT_SURE else classes.colour_of(span.label)
    told = escape(f"{span.start_s:.1f} to {span.end_s:.1f} s: {_words(span, classes)}")
    size = f'x="{x:.1f}" width="{end - x:.1f}" height="{BAR_WH[1]}"'
    return f'<rect {size} fill="{escape(colour)}"><title>{told}</title></rect>'


def _words(span: Span, classes: LabelSet) -> str:
    if span.label == NOT_SURE:
        return f"{NOT_SURE_EMOJI} {NOT_SURE}"
    return f"{classes.emoji_of(span.label)} {span.label} {span.strength:.0%}"


def _clock(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
