"""A single image in which nobody's face is visible."""

from pathlib import Path

import numpy as np

from emojimation.draw.styles import annotate
from emojimation.faces import Face
from emojimation.hiding.covers import covered_share, covers_of
from emojimation.hiding.report import Report


def hidden_picture(
    frame: np.ndarray, faces: list[Face], style: str = "emoji", art: str = "noto", character: str | Path = "emoji"
) -> tuple[np.ndarray, Report]:
    """A copy of the frame (H,W,3) BGR uint8 with every head covered, and what was covered.

    faces: as found by `search.searcher(..., still=True)`. style, art, character: as `draw.styles.annotate` takes them.
    """
    covers = covers_of(faces)
    report = Report(still=True, faces=len(faces), people=len(faces))
    report.count(covered_share(covers, frame.shape), len(faces))
    return annotate(frame, covers, style, art, character=character), report
