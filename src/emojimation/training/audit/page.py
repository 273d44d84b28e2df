"""The audit as one self-contained HTML page: thumbnails as data URIs, light and dark, no script, no network."""

import base64
from pathlib import Path
from typing import Any

import cv2

from emojimation.templates import fill
from emojimation.training.audit.exclude import REASONS
from emojimation.training.data.dataset import Dataset

LIMITS = {"groups": 30, "pictures": 96}
SHOWN_IN_GROUP = 8


def write_page(found: dict, dataset: Dataset, path: Path) -> None:
    """Write the result of `audit` on `dataset` as an HTML page that needs no other file."""
    path.write_text(page(found, dataset), encoding="utf-8")


def page(found: dict, dataset: Dataset) -> str:
    """The page as HTML text."""
    same = [group for group in found["identical"]["list"] if group["contradictory"]]
    near = sorted(found["near"]["list"], key=lambda group: -len(group["rows"]))
    faceless = set(found["not_a_face"] or [])
    return fill(
        "emojimation.training",
        "audit.html",
        title=f"Audit of {Path(found['source']).name or 'a data set'}",
        found=found,
        size_px=dataset.size_px,
        names=dataset.names,
        label=lambda row: dataset.class_names[dataset.labels[row]],
        picture=lambda row: _data_uri(dataset.images[row]),
        tiles=_tiles(found),
        largest=max(max(row.values()) for row in found["balance"]["counts"].values()),
        leaks=[group for group in found["near"]["list"] if len(set(group["splits"])) > 1],
        contradictions=same,
        near_contradictions=[g for g in found["near"]["list"] if g["contradictory"] and not _same_rows(g, same)],
        near=near,
        bad_rows=[*found["flat"], *sorted(faceless - set(found["flat"]))],
        in_group=_members,
        limits=LIMITS,
        reasons=REASONS,
    )


def _same_rows(group: dict, others: list[dict]) -> bool:
    return any(group["rows"] == other["rows"] for other in others)


def _data_uri(image: Any) -> str:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _tiles(found: dict) -> list[tuple[int, str]]:
    identical, near = found["identical"], found["near"]
    tiles = [(identical["groups_inside"].get("train", 0), "groups of byte-identical images inside train")]
    for split, number in identical["rows_with_twin_in_train"].items():
        tiles.append((number, f"{split} images with a byte-identical duplicate in train"))
        number = near["rows_with_twin_in_train"][split]
        tiles.append((number, f"{split} images whose photo is also in train, near copies included"))
    tiles += [
        (near["near_pairs"], f"pairs of near-duplicates, {near['flipped_pairs']} of them flipped"),
        (identical["contradictory"], "identical groups with contradictory labels"),
        (len(found["flat"]), "blank or uniform images"),
    ]
    if found["not_a_face"] is not None:
        tiles.append((len(found["not_a_face"]), "images that show no face, by FER+"))
    return [*tiles, (found["doubt"]["strong"], "labels strongly doubted by the model")]


def _members(group: dict) -> list[tuple[int, str, str]]:
    """The first rows of a group as (row, label, split), each label and split among them, so that a leak is seen."""
    members = list(zip(group["rows"], group["labels"], group["splits"], strict=True))
    first = {(label, split): row for row, label, split in reversed(members)}
    members.sort(key=lambda one: first[one[1], one[2]] != one[0])
    return sorted(members[:SHOWN_IN_GROUP])
