"""The photo page's downloads: one image, rows as CSV and JSON, a zip of everything."""

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from emojimation.apps.web.pictures import Answer, drawn_full
from emojimation.apps.web.settings import current
from emojimation.priors import of_photos
from emojimation.story.rows import columns_for, csv_cells, flat_row

FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')  # in names on Windows
HEAD = ("source", "width", "height", "face")


def row_of(answer: Answer) -> dict[str, Any]:
    """The row of `image --json`."""
    if answer.error is not None:
        return {"source": answer.name, "error": answer.error}
    width, height = answer.size_wh
    faces = [face.to_dict() for face in answer.faces]
    return {
        "source": answer.name,
        "width": width,
        "height": height,
        "faces": faces,
        "prior": of_photos(current().prior),
    }


def as_json(answers: list[Answer]) -> str:
    """All rows as one JSON list."""
    return json.dumps([row_of(answer) for answer in answers], ensure_ascii=False, indent=1)


def as_csv(answers: list[Answer]) -> str:
    """One row per face; images that could not be read are left out."""
    known = columns_for(face.to_dict() for answer in answers for face in answer.faces)
    columns = [name for name in known if name not in ("frame", "time_s", "shot", "track_id")]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*HEAD, *columns], extrasaction="ignore")
    writer.writeheader()
    for answer in answers:
        for number, face in enumerate(answer.faces, 1):
            head = dict(zip(HEAD, (answer.name, *answer.size_wh, number), strict=True))
            writer.writerow(csv_cells(head | flat_row(face.to_dict(), columns) | {"prior": of_photos(current().prior)}))
    return out.getvalue()


def as_zip(answers: list[Answer], style: str, character: str = "emoji") -> bytes:
    """Every readable image, annotated in full size, with `faces.csv` and `faces.json`."""
    out = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for answer in answers:
            if answer.error is None:
                name = _free(f"{Path(answer.name).stem}-{style}", taken)
                archive.writestr(name, drawn_full(answer, style, character))
        archive.writestr("faces.csv", as_csv(answers))
        archive.writestr("faces.json", as_json(answers))
    return out.getvalue()


def _free(stem: str, taken: set[str]) -> str:
    """A name for the archive that every system can unpack; images of the same name get numbers."""
    stem = FORBIDDEN.sub("_", stem)
    name, number = f"{stem}.jpg", 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}.jpg"
    taken.add(name.lower())
    return name
