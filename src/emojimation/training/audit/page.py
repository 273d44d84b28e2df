"""The audit as one self-contained HTML page: thumbnails as data URIs, light and dark, no script, no network."""

import base64
from collections.abc import Iterable
from html import escape
from pathlib import Path

import cv2

from emojimation.training.audit.exclude import REASONS
from emojimation.training.audit.style import CSS
from emojimation.training.data.dataset import Dataset

SHOWN_GROUPS = 30
SHOWN_PICTURES = 96
SHOWN_IN_GROUP = 8


def write_page(found: dict, dataset: Dataset, path: Path) -> None:
    """Write the result of `audit` on `dataset` as an HTML page that needs no other file."""
    path.write_text(page(found, dataset), encoding="utf-8")


def page(found: dict, dataset: Dataset) -> str:
    """The page as HTML text."""
    sections = (
        _tiles(found),
        _balance(found),
        _leaks(found, dataset),
        _contradictions(found, dataset),
        _near(found, dataset),
        _bad_pictures(found, dataset),
        _doubts(found, dataset),
        _ferplus(found, dataset),
        _exclude(found),
    )
    title = f"Audit of {escape(Path(found['source']).name or 'a data set')}"
    size = f"{found['n']:,} pictures of {dataset.size_px}×{dataset.size_px} px"
    head = f"<p class=lede>{size} from <code>{escape(found['source'])}</code>"
    digest = f" · sha256 of pixels and labels <code>{found['sha256'][:16]}…</code></p>"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{CSS}</style><main><h1>{title}</h1>{head}{digest}{''.join(sections)}</main></html>"
    )


def _section(title: str, text: str, body: str) -> str:
    return f"<section><h2>{title}</h2><p>{text}</p>{body}</section>" if body else ""


def _tile(number: int | str, words: str, bad: bool) -> str:
    shown = f"{number:,}" if isinstance(number, int) else number
    return f"<div class='tile{' bad' if bad else ''}'><b>{shown}</b><span>{words}</span></div>"


def _tiles(found: dict) -> str:
    identical, near = found["identical"], found["near"]
    tiles = [(identical["groups_inside"].get("train", 0), "groups of byte-identical pictures inside train")]
    for split, number in identical["rows_with_twin_in_train"].items():
        tiles.append((number, f"{split} pictures with a byte-identical twin in train"))
        number = near["rows_with_twin_in_train"][split]
        tiles.append((number, f"{split} pictures whose photo is also in train, near copies included"))
    tiles += [
        (near["near_pairs"], f"pairs of near-duplicates, {near['flipped_pairs']} of them flipped"),
        (identical["contradictory"], "identical groups with contradictory labels"),
        (len(found["flat"]), "empty or flat pictures"),
    ]
    if found["not_a_face"] is not None:
        tiles.append((len(found["not_a_face"]), "pictures that show no face, by FER+"))
    tiles.append((found["doubt"]["strong"], "labels strongly doubted by the model"))
    return f"<div class=tiles>{''.join(_tile(number, words, number > 0) for number, words in tiles)}</div>"


def _balance(found: dict) -> str:
    counts = found["balance"]["counts"]
    top = max(max(row.values()) for row in counts.values())
    head = "".join(f"<th colspan=2>{split}" for split in counts)
    rows = "".join(
        f"<tr><th>{escape(name)}" + "".join(_bar(counts[split][name], top) for split in counts)
        for name in found["class_names"]
    )
    ratios = ", ".join(f"{ratio:g} in {split}" for split, ratio in found["balance"]["largest_to_smallest"].items())
    text = f"The largest class has this many times the pictures of the smallest: {ratios}."
    return _section(
        "Class balance", text, f"<div class=wide><table class=bars><tr><th>class{head}</tr>{rows}</table></div>"
    )


def _bar(number: int, top: int) -> str:
    return f"<td class=num>{number:,}<td class=bar><i style='width:{100 * number / top:.1f}%'></i>"


def _thumb(dataset: Dataset, row: int, caption: str, mark: str = "") -> str:
    data = base64.b64encode(
        cv2.imencode(".jpg", dataset.images[row], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    ).decode()
    alt = f"row {row}, {dataset.class_names[dataset.labels[row]]}"
    return (
        f"<figure class='{mark}'><img src='data:image/jpeg;base64,{data}' alt='{escape(alt, quote=True)}' "
        f"width=72 height=72 loading=lazy title='row {row} · {escape(str(dataset.names[row]), quote=True)}'>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _card(dataset: Dataset, group: dict) -> str:
    members = list(zip(group["rows"], group["labels"], group["splits"], strict=True))
    # Where not all fit, one of each split and label comes first, so that a leak or a contradiction is always seen.
    seen = {(label, split): row for row, label, split in reversed(members)}
    members.sort(key=lambda one: seen[one[1], one[2]] != one[0])
    shown = sorted(members[:SHOWN_IN_GROUP])
    thumbs = [
        _thumb(dataset, row, f"<b>{escape(label)}</b><br>{split} · {row}", split if split != "train" else "")
        for row, label, split in shown
    ]
    more = len(members) - len(shown)
    tail = f"<span class=more>+{more}</span>" if more > 0 else ""
    return f"<div class='card{' clash' if group['contradictory'] else ''}'>{''.join(thumbs)}{tail}</div>"


def _cards(dataset: Dataset, groups: list[dict]) -> str:
    if not groups:
        return ""
    cards = "".join(_card(dataset, group) for group in groups[:SHOWN_GROUPS])
    return f"{_shown(len(groups), SHOWN_GROUPS, 'groups')}<div class=cards>{cards}</div>"


def _shown(number: int, limit: int, what: str) -> str:
    text = (
        f"{limit} of {number:,} {what} shown; all are in audit.json."
        if number > limit
        else f"All {number:,} {what} shown."
    )
    return f"<p class=shown>{text}</p>"


def _leaks(found: dict, dataset: Dataset) -> str:
    groups = [group for group in found["near"]["list"] if len(set(group["splits"])) > 1]
    text = (
        "The same photo in more than one split. A model that has seen it in training answers from memory, so scores on "
        "validation and test come out too high. Coloured frames mark pictures outside train."
    )
    return _section("Leaks between splits", text, _cards(dataset, groups))


def _contradictions(found: dict, dataset: Dataset) -> str:
    same = [group for group in found["identical"]["list"] if group["contradictory"]]
    text = "The very same bytes under different labels: at least one of them is wrong."
    body = _section("Contradictory labels", text, _cards(dataset, same))
    near = [group for group in found["near"]["list"] if group["contradictory"]]
    seen = {tuple(group["rows"]) for group in same}
    near = [group for group in near if tuple(group["rows"]) not in seen]
    return body + _section(
        "Contradictory labels among near-duplicates", "The same photo, cropped or packed anew.", _cards(dataset, near)
    )


def _near(found: dict, dataset: Dataset) -> str:
    groups = sorted(found["near"]["list"], key=lambda group: -len(group["rows"]))
    text = (
        "Pictures with close difference hashes whose brightness-normalised 16×16 versions correlate by 0.92 (0.95 "
        "where one is flipped), the common face taken off; identical copies included. Largest groups first."
    )
    return _section("Groups of the same photo", text, _cards(dataset, groups))


def _grid(thumbs: Iterable[str]) -> str:
    joined = "".join(thumbs)
    return f"<div class=grid>{joined}</div>" if joined else ""


def _bad_pictures(found: dict, dataset: Dataset) -> str:
    flat = set(found["flat"])
    faceless = found["not_a_face"] or []
    rows = sorted(flat | set(faceless), key=lambda row: (row not in flat, row))
    thumbs = [_thumb(dataset, row, f"{'flat' if row in flat else 'no face'}<br>{row}") for row in rows[:SHOWN_PICTURES]]
    text = "Hardly any contrast, mostly one grey level, or no face in the eyes of at least half of FER+'s voters."
    return _section(
        "Empty pictures and non-faces",
        text,
        _shown(len(rows), SHOWN_PICTURES, "pictures") + _grid(thumbs) if rows else "",
    )


def _doubts(found: dict, dataset: Dataset) -> str:
    doubt = found["doubt"]
    ranked = doubt["ranked"]
    thumbs = [_thumb(dataset, one["row"], _doubt_caption(one)) for one in ranked[:SHOWN_PICTURES]]
    text = (
        f"Ranked by how much likelier another class is than the label. Probabilities: {escape(doubt['model'])}, "
        f"right on {doubt['accuracy']:.1%} of the labels. Struck out: the label; bold: the model's answer. "
        "A doubt is a hint, not a proof."
    )
    return _section(
        "Doubtful labels",
        text,
        _shown(len(ranked), SHOWN_PICTURES, "ranked pictures") + _grid(thumbs) if ranked else "",
    )


def _doubt_caption(one: dict) -> str:
    label = f"<s>{escape(one['label'])}</s> {one['p_label']:.0%}"
    return f"{label}<br><b>{escape(one['suggested'])}</b> {one['p_suggested']:.0%}"


def _ferplus(found: dict, dataset: Dataset) -> str:
    told = found["ferplus"]
    if told is None or not told["clear_rows"]:
        return ""
    per_class = "".join(
        f"<tr><th>{name}<td class=num>{share:.1%}<td class=bar><i style='width:{100 * share:.1f}%'></i>"
        for name, share in told["agreement_per_class"].items()
    )
    table = (
        f"<div class=wide><table class='bars one'><tr><th>label<th colspan=2>FER+ agrees</tr>{per_class}</table></div>"
    )
    thumbs = [
        _thumb(dataset, one["row"], f"<s>{one['label']}</s><br><b>{one['ferplus']}</b> {one['votes']}/10")
        for one in told["ranked"][:SHOWN_PICTURES]
    ]
    text = (
        f"Ten people voted on each picture (Barsoum et al. 2016). On the {told['clear_rows']:,} rows with a clear "
        f"majority they agree with the label on {told['agreement']:.1%}; below, the clearest of the "
        f"{told['disagreements']:,} disagreements."
    )
    return _section("What FER+'s voters say", text, table + _grid(thumbs))


def _exclude(found: dict) -> str:
    exclude = found["exclude"]
    rows = "".join(
        f"<tr><th><code>{reason}</code><td class=num>{number:,}<td>{escape(REASONS[reason])}"
        for reason, number in exclude["by_reason"].items()
    )
    text = (
        f"exclude.csv lists {exclude['n']:,} training rows for <code>emojimation train --exclude exclude.csv</code>; a "
        "row may have several reasons. Validation and test rows are never on it, or scores could not be compared."
    )
    return _section(
        "What to leave out", text, f"<div class=wide><table><tr><th>reason<th>rows<th>meaning</tr>{rows}</table></div>"
    )
