"""The audit finds what was planted, and what is known of the real FER2013."""

import csv
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emojimation.errors import InputError
from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS
from emojimation.training.audit.audit import audit, flat_rows, group_findings, write_json
from emojimation.training.audit.doubt import doubts, fold_ids, out_of_fold
from emojimation.training.audit.exclude import read_exclude, write_exclude
from emojimation.training.audit.page import page
from emojimation.training.data import ferplus
from emojimation.training.data.duplicates import (
    difference_hash,
    fit_of,
    group_ids,
    groups_of,
    identical_ids,
    near_ids,
    near_pairs,
)
from emojimation.training.data.load import Dataset


def blobs(n: int, seed: int = 3) -> np.ndarray:
    """n different smooth images (n,48,48) uint8 with contrast, as unlike each other as photos are."""
    rng = np.random.default_rng(seed)
    return np.stack(
        [cv2.resize(rng.integers(0, 256, (7, 7)).astype(np.uint8), (48, 48), interpolation=2) for _ in range(n)]
    )


def votes_for(emotions: list[str], number: int = 9) -> np.ndarray:
    """FER+ votes: `number` for the given column, the rest for unknown."""
    votes = np.zeros((len(emotions), 10), np.uint8)
    for row, column in enumerate(emotions):
        votes[row, FERPLUS_COLUMNS.index("unknown")] = 10 - number
        votes[row, FERPLUS_COLUMNS.index(column)] += number
    return votes


@pytest.fixture(scope="module")
def planted() -> Dataset:
    """30 images: 0 = 1 = 20 (val), 2 = 3 with other labels, 4 = 5 = 6 labelled 1 1 2, 7 near 21 (test), 8 flat."""
    images = blobs(30)
    labels = np.arange(30) % 7
    images[1] = images[20] = images[0]
    labels[1] = labels[20] = labels[0]
    images[3], labels[2], labels[3] = images[2], 4, 5
    images[5] = images[6] = images[4]
    labels[4:7] = 1, 1, 2
    images[21] = np.clip(images[7] * 0.8 + 20, 0, 255)
    images[8] = 17
    splits = np.repeat(["train", "val", "test"], [20, 1, 9])
    votes = votes_for(["neutral"] * 29 + ["NF"])
    return Dataset.of(images, labels, splits, votes=votes, source="<planted> & made up")


@pytest.fixture(scope="module")
def found(planted: Dataset) -> dict:
    return audit(planted)


def test_identical_groups_within_and_across_splits(found: dict):
    identical = found["identical"]
    assert [group["rows"] for group in identical["list"]] == [[0, 1, 20], [2, 3], [4, 5, 6]]
    assert identical["groups_inside"] == {"train": 3, "val": 0, "test": 0}
    assert identical["rows_with_twin_in_train"] == {"val": 1, "test": 0}
    assert identical["contradictory"] == 2 and identical["across_splits"] == 1


def test_near_groups_hold_the_identical_ones_too(found: dict):
    near = found["near"]
    assert [group["rows"] for group in near["list"]] == [[0, 1, 20], [2, 3], [4, 5, 6], [7, 21]]
    assert near["rows_with_twin_in_train"] == {"val": 1, "test": 1} and near["near_pairs"] == 1


def test_exclusions_have_their_reasons_and_spare_validation_and_test(found: dict):
    rows = found["exclude"]["rows"]
    assert rows["0"] == ["leak"] and rows["1"] == ["identical_copy", "leak"]
    assert "contradictory" in rows["2"] and "contradictory" in rows["3"]  # one against one: nobody is right
    assert "4" not in rows or "contradictory" not in rows["4"]
    assert "identical_copy" in rows["5"] and "contradictory" in rows["6"]
    assert rows["7"][0] == "leak" and "flat" in rows["8"]
    assert all(int(row) < 20 for row in rows)
    assert found["exclude"]["n"] == len(rows)
    assert found["exclude"]["by_reason"]["leak"] == 3


def test_flat_and_faceless_images(found: dict, planted: Dataset):
    assert found["flat"] == [8] and found["not_a_face"] == [29]
    almost = planted.images[:1].copy()
    almost[0, :40] = 255  # one small strip of image on white
    assert flat_rows(almost).tolist() == [0] and flat_rows(planted.images[:8]).tolist() == []


def test_audit_is_json_and_repeats_itself(found: dict, planted: Dataset, tmp_path: Path):
    write_json(found, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == found
    assert audit(planted) == found


@pytest.mark.parametrize("change", ["brighter", "jpeg", "cropped", "flipped", "darker and flipped"])
def test_changed_copies_are_near_duplicates_and_strangers_are_not(change: str):
    images = blobs(200)
    original = images[50]
    changed = {
        "brighter": np.clip(original * 0.7 + 60, 0, 255),
        "jpeg": cv2.imdecode(cv2.imencode(".jpg", original, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 0),
        "cropped": cv2.resize(original[1:, 1:], (48, 48)),
        "flipped": original[:, ::-1],
        "darker and flipped": original[:, ::-1] * 0.5,
    }[change]
    pairs, scores, flipped = near_pairs(np.concatenate([images, changed[None].astype(np.uint8)]))
    assert pairs.tolist() == [[50, 200]]
    assert scores[0] > 0.95 and flipped[0] == ("flipped" in change)


def test_strangers_who_share_the_common_face_are_not_joined():
    """As in a set of aligned faces: each pair correlates by 0.9 through what all have in common."""
    half, own = blobs(1)[0].astype(float), blobs(300, seed=21).astype(float)
    face = (half + half[:, ::-1]) / 2  # faces are all but symmetric
    images = (0.8 * face + 0.2 * own).astype(np.uint8)
    smalls = np.stack([cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA).ravel() for image in images])
    alike = np.corrcoef(smalls)[np.triu_indices(300, 1)]
    hashes = difference_hash(images)
    close = np.bitwise_count(hashes[:, None] ^ hashes[None])[np.triu_indices(300, 1)] <= 10
    assert alike.mean() > 0.88 and (close & (alike > 0.92)).sum() > 20  # hard enough to mean something
    copy = np.clip(images[7] * 0.8 + 30, 0, 255).astype(np.uint8)
    assert near_pairs(np.concatenate([images, copy[None]]))[0].tolist() == [[7, 300]]


def test_another_crop_of_the_same_photo_is_a_near_duplicate():
    images = blobs(60)
    large = cv2.resize(blobs(1, seed=77)[0], (120, 120), interpolation=cv2.INTER_CUBIC)
    crops = [
        cv2.resize(large[y : y + 100, x : x + 100], (48, 48), interpolation=cv2.INTER_AREA)
        for y, x in ((8, 8), (12, 12))
    ]
    images = np.concatenate([images, crops])
    assert fit_of(*crops) > 0.97 and near_pairs(images)[0].tolist() == []
    ids, counts = near_ids(images, identical_ids(images))
    assert [rows.tolist() for rows in groups_of(ids)] == [[60, 61]] and counts["near_pairs"] == 1
    ids, _ = near_ids(images, identical_ids(images), np.arange(10))
    assert groups_of(ids) == [], "only the rows that were asked for"


def test_flat_images_are_near_nothing():
    images = np.concatenate([blobs(20), np.full((1, 48, 48), 30, np.uint8), np.full((1, 48, 48), 31, np.uint8)])
    assert near_pairs(images)[0].tolist() == []


def test_difference_hash_is_imagehashs_comparison():
    ramp = np.tile(np.arange(48, dtype=np.uint8) * 5, (48, 1))
    assert difference_hash(np.stack([ramp, ramp[:, ::-1]])).tolist() == [2**64 - 1, 0]


@given(st.integers(1, 30), st.data())
def test_groups_are_the_connected_components(n: int, data: st.DataObject):
    number = st.integers(0, n - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(number, number), max_size=40)), np.int64).reshape(-1, 2)
    reach = np.eye(n, dtype=bool)
    reach[pairs[:, 0], pairs[:, 1]] = reach[pairs[:, 1], pairs[:, 0]] = True
    for _ in range(n):
        reach = reach @ reach
    ids = group_ids(n, pairs)
    assert ids.tolist() == reach.argmax(axis=1).tolist()
    assert sum(map(len, groups_of(ids))) == sum(np.bincount(ids)[np.bincount(ids) > 1])


def test_doubt_ranks_planted_wrong_labels_first():
    rng = np.random.default_rng(5)
    kinds = blobs(3, seed=11)
    labels = np.arange(300) % 3
    noise = rng.normal(0, 12, (300, 48, 48))
    images = np.clip(kinds[labels] + noise, 0, 255).astype(np.uint8)
    wrong = np.array([7, 100, 201])
    labels[wrong] = (labels[wrong] + 1) % 3
    likely = out_of_fold(images, labels, np.arange(300), 3)
    assert np.allclose(likely.sum(axis=1), 1, atol=1e-5)
    assert set(np.argsort(-doubts(likely, labels))[:3].tolist()) == set(wrong.tolist())
    assert (likely.argmax(axis=1) == labels).mean() > 0.98


def test_out_of_fold_probabilities_know_nothing_of_their_own_rows():
    labels = np.random.default_rng(0).integers(0, 3, 300)
    likely = out_of_fold(blobs(300), labels, np.arange(300), 3)
    assert (likely.argmax(axis=1) == labels).mean() < 0.45  # chance is 0.33; a model that saw them knows nearly all


def test_a_group_never_spans_two_folds():
    groups = np.repeat(np.arange(40), 3)
    folds = fold_ids(groups)
    assert all(len(set(folds[groups == group])) == 1 for group in range(40))
    assert np.bincount(folds).tolist() == [24] * 5


def test_half_of_the_votes_make_it_no_face():
    votes = np.zeros((3, 10), np.uint8)
    votes[:, FERPLUS_COLUMNS.index("NF")] = 4, 5, 6
    votes[:, FERPLUS_COLUMNS.index("sadness")] = 6, 5, 4
    assert ferplus.not_faces(votes).tolist() == [False, True, True]


def test_a_tie_of_labels_is_a_contradiction_and_no_copy():
    data = Dataset.of(np.concatenate([np.repeat(blobs(1), 4, axis=0), blobs(4, seed=9)]), [0, 0, 1, 1, 2, 3, 4, 5])
    rows = audit(data)["exclude"]["rows"]
    assert rows == {str(row): ["contradictory"] for row in range(4)}


def test_ferplus_majority_and_disagreement():
    votes = votes_for(["happiness", "anger", "contempt", "NF"])
    emotion = ferplus.clear_majority(votes)
    assert emotion.tolist() == [EMOTIONS.index("happy"), EMOTIONS.index("angry"), -1, -1]
    assert ferplus.not_faces(votes).tolist() == [False, False, False, True]
    data = Dataset.of(blobs(4), [EMOTIONS.index("happy"), EMOTIONS.index("sad"), 0, 0], votes=votes)
    told = audit(data)["ferplus"]
    assert told["clear_rows"] == 2 and told["agreement"] == 0.5
    assert told["ranked"] == [{"row": 1, "label": "sad", "ferplus": "angry", "votes": 9}]


def test_given_probabilities_are_used_and_checked(planted: Dataset):
    likely = np.full((30, 7), 0.01)
    likely[np.arange(30), planted.labels] = 0.94
    likely[12] = [0.01, 0.01, 0.94, 0.01, 0.01, 0.01, 0.01]
    found = audit(replace(planted, votes=None), likely)
    assert found["doubt"]["ranked"] == [
        {"row": 12, "label": "surprise", "suggested": "fear", "p_label": 0.01, "p_suggested": 0.94}
    ]
    assert found["exclude"]["rows"]["12"] == ["doubtful"] and found["not_a_face"] is None
    for bad, message in (
        (likely[:5], r"expected floats of shape \(30, 7\)"),
        (np.full((30, 7), np.nan), "sum to 1"),
        (likely * 2, "sum to 1"),
        (np.zeros((30, 7), np.int64), "expected floats"),
    ):
        with pytest.raises(InputError, match=message):
            audit(planted, bad)


def test_a_clear_ferplus_majority_for_the_label_overrules_the_model(planted: Dataset):
    likely = np.full((30, 7), 0.01)
    likely[np.arange(30), planted.labels] = 0.94
    likely[13] = [0.94, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]
    assert EMOTIONS[planted.labels[13]] == "neutral"  # and FER+ says neutral
    assert "13" not in audit(planted, likely)["exclude"]["rows"]


@pytest.mark.parametrize("rows", [1, 2, 15])
def test_tiny_sets_and_one_class_do_not_break_it(rows: int):
    found = audit(Dataset.of(blobs(rows), np.zeros(rows, np.int64)))
    assert found["n"] == rows and found["identical"]["groups"] == 0 and found["exclude"]["n"] == 0


def test_the_page_is_self_contained_and_escaped(found: dict, planted: Dataset):
    html = page(found, planted)
    assert "&lt;planted&gt; &amp; made up" in html and "<planted>" not in html
    assert not re.search(r"https?://|<script|<link|@import", html)
    sources = re.findall(r'<img src="([^"]{40})', html)
    assert len(sources) > 10 and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "prefers-color-scheme: dark" in html
    for title in (
        "Class balance",
        "Leaks between splits",
        "Contradictory labels",
        "Empty images",
        "What to leave out",
    ):
        assert title in html


def test_class_and_file_names_cannot_carry_markup():
    script = "<script>alert('1')</script>"
    data = Dataset.of(blobs(8), [0, 1] * 4, names=[f'"><script>{i}' for i in range(8)], class_names=(script, "b"))
    html = page(audit(data), data)
    assert "<script" not in html and "&lt;script&gt;alert" in html


def test_a_leak_is_shown_even_in_a_large_group():
    images = np.concatenate([np.repeat(blobs(1), 20, axis=0), blobs(5, seed=9)])
    data = Dataset.of(images, np.zeros(25, np.int64), ["train"] * 19 + ["test"] + ["train"] * 5)
    assert "test · 19" in page(audit(data), data)


def test_exclude_csv_round_trip(found: dict, planted: Dataset, tmp_path: Path):
    write_exclude(found, tmp_path / "exclude.csv")
    with (tmp_path / "exclude.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["row"]: row["reason"].split(";") for row in rows} == found["exclude"]["rows"]
    listed = [int(row) for row in found["exclude"]["rows"]]
    assert read_exclude(tmp_path / "exclude.csv", planted.images).tolist() == listed
    with pytest.raises(InputError, match=r"expected the image that was audited in row 0, found another"):
        read_exclude(tmp_path / "exclude.csv", planted.images[::-1])


def test_real_fer2013_has_its_known_twins(fer2013: Dataset):
    """279 PublicTest twins, as published with the data; its 1,032 groups inside Training are 1,036 in these pixels."""
    identical = group_findings(fer2013, identical_ids(fer2013.images))
    assert identical["groups_inside"] == {"train": 1036, "val": 26}
    assert identical["rows_with_twin_in_train"] == {"val": 279}
    assert identical["contradictory"] == 51


@pytest.mark.slow
def test_real_fer2013_is_audited_in_three_minutes(fer2013: Dataset):
    start = time.perf_counter()
    found = audit(fer2013)
    assert time.perf_counter() - start < 180
    assert 2800 < found["near"]["near_pairs"] < 3800
    assert max(len(group["rows"]) for group in found["near"]["list"]) < 40  # no chain of strangers
    assert 0.45 < found["doubt"]["accuracy"] < 0.6
    assert found["ferplus"]["agreement"] == pytest.approx(0.717, abs=0.002)
    flat = set(found["flat"])
    assert len(flat - set(found["not_a_face"])) <= 1  # nearly all flat images are non-faces to FER+ as well
