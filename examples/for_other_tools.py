"""Write a table of `emojimation video --measure pose --measure mesh --csv faces.csv` under other tools' column names.

python examples/for_other_tools.py faces.csv openface.csv --names openface
python examples/for_other_tools.py faces.csv feat.csv --names py-feat

What fits what, and what does not, is in docs/measures.md.
"""

import argparse
import csv
import math
from collections.abc import Callable
from pathlib import Path

SURE = 0.9  # presence from which the mesh is reliable
Row = dict[str, str]
# Column of the other tool -> what makes it from a row of ours; an empty cell stays empty.
OPENFACE: dict[str, Callable[[Row], object]] = {
    "frame": lambda row: int(row["frame"]) + 1,
    "face_id": lambda row: row["track_id"],
    "timestamp": lambda row: row["time_s"],
    "confidence": lambda row: row["mesh_presence"],
    "success": lambda row: int(float(row["mesh_presence"] or 0) >= SURE),
    "pose_Rx": lambda row: radians(row["pose_pitch"]),
    "pose_Ry": lambda row: radians(row["pose_yaw"]),
    "pose_Rz": lambda row: radians(row["pose_roll"]),
    "AU45_r": lambda row: shut(row, 5),
}
PY_FEAT: dict[str, Callable[[Row], object]] = {
    "frame": lambda row: row["frame"],
    "FaceRectX": lambda row: row["x0"],
    "FaceRectY": lambda row: row["y0"],
    "FaceRectWidth": lambda row: float(row["x1"]) - float(row["x0"]),
    "FaceRectHeight": lambda row: float(row["y1"]) - float(row["y0"]),
    "FaceScore": lambda row: row["score"],
    "Pitch": lambda row: row["pose_pitch"],
    "Roll": lambda row: row["pose_roll"],
    "Yaw": lambda row: row["pose_yaw"],
    "AU43": lambda row: shut(row, 1),
    "anger": lambda row: row["angry"],
    "disgust": lambda row: row["disgust"],
    "fear": lambda row: row["fear"],
    "happiness": lambda row: row["happy"],
    "sadness": lambda row: row["sad"],
    "surprise": lambda row: row["surprise"],
    "neutral": lambda row: row["neutral"],
}
TOOLS = {"openface": OPENFACE, "py-feat": PY_FEAT}


def radians(degrees: str) -> float | str:
    """Degrees of a cell in radians."""
    return round(math.radians(float(degrees)), 5) if degrees else ""


def shut(row: Row, most: float) -> float | str:
    """How far both eyes are closed, from 0 to `most`; an image has no blinks."""
    lids = [row.get("blinks_right", ""), row.get("blinks_left", "")]
    return round(most * sum(map(float, lids)) / 2, 3) if all(lids) else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="CSV with the measures pose and mesh")
    parser.add_argument("out", type=Path)
    parser.add_argument("--names", choices=TOOLS, default="openface")
    args = parser.parse_args()
    with args.table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"pose_yaw", "mesh_presence"}.issubset(rows[0]):
        raise SystemExit(f"{args.table} has no pose or mesh; make it with --measure pose --measure mesh")
    columns = TOOLS[args.names]
    with args.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([value(row) for value in columns.values()] for row in rows)
    print(f"wrote {args.out}: {len(rows)} rows")


if __name__ == "__main__":
    main()
