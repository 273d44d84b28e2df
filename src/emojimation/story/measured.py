"""What was measured of a person over time besides the emotions: figures and charts, from the attributes of the rows."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from emojimation.attributes import ATTRIBUTES, OF_MESH
from emojimation.story import page


class Chart(NamedTuple):
    """A measure that the report draws. words: its name for people. unit: of the values. low, high: ends of the axis."""

    words: str
    unit: str
    low: float
    high: float


CHARTS = {
    "pose_yaw": Chart("turn of the head", "°", -45, 45),
    "mesh_mouth_open": Chart("mouth opening", "", 0, 0.4),
}
LEAST_PRESENCE = 0.9  # below, the mesh does not lie on a face and its numbers mean little
ALWAYS = ("blinks_count", "blinks_per_minute", "mesh_presence")


def series_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Column, such as "pose_yaw" -> (n,) float32 of n rows' "attributes"; NaN where it is unknown or not reliable."""
    columns: dict[str, np.ndarray] = {}
    for number, row in enumerate(rows):
        for name, values in row.items():
            for column, value in values.items():
                series = columns.setdefault(f"{name}_{column}", np.full(len(rows), np.nan, np.float32))
                series[number] = np.nan if value is None else value
    if "mesh_presence" in columns:
        doubtful = ~(columns["mesh_presence"] >= LEAST_PRESENCE)
        for column, series in columns.items():
            if column not in ALWAYS and column.partition("_")[0] in OF_MESH:
                series[doubtful] = np.nan
    return columns


def figures(series: Mapping[str, np.ndarray], weights_s: np.ndarray) -> dict[str, Any]:
    """Column -> mean over the time seen, least and largest value, unit; nothing for a column without a value."""
    found = {}
    for column, values in series.items():
        known = np.isfinite(values)
        if known.any() and not column.startswith("blinks_"):
            mean = float(np.average(values[known], weights=weights_s[known]))
            low, high = float(values[known].min()), float(values[known].max())
            unit = ATTRIBUTES[column.partition("_")[0]].unit
            found[column] = {"mean": round(mean, 4), "min": round(low, 4), "max": round(high, 4), "unit": unit}
    return found


def blinks_of(series: Mapping[str, np.ndarray], times_s: np.ndarray, seen_s: float) -> dict[str, Any] | None:
    """How many blinks, how many a minute, and when; None if they were not counted."""
    counts = series.get("blinks_count")
    if counts is None or not np.isfinite(counts).any():
        return None
    known = np.isfinite(counts)
    more = np.flatnonzero(np.diff(counts[known], prepend=0) > 0)
    times = [round(float(time_s), 3) for time_s in times_s[known][more]]
    count = int(counts[known].max())
    return {"count": count, "per_minute": round(60 * count / max(seen_s, 1e-3), 1), "times_s": times}


def charts(series: Mapping[str, np.ndarray], times_s: np.ndarray, max_gap_s: float) -> list[dict[str, Any]]:
    """For each measure of `CHARTS` that has values: its axis, and its series as `page.thinned` gives it."""
    drawn = []
    for column, chart in CHARTS.items():
        known = np.isfinite(series.get(column, np.empty(0)))
        if known.any():
            pieces = page.thinned(times_s[known], series[column][known, None], max_gap_s)
            drawn.append({**chart._asdict(), "series": pieces})
    return drawn
