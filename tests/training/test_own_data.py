"""Photos of one's own: cropped, labelled, split by group, in folds, and other data sets read as they ship."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from conftest import SAMPLES
from emojimation.apps.label.app import Sheet, labelling, own_classes
from emojimation.cli.app import app as commands
from emojimation.detect import FaceDetector
from emojimation.errors import InputError
from emojimation.labels import EMOTIONS, FERPLUS_LABELS, label_set
from emojimation.media import read_image
from emojimation.training.data.crop import contact_sheet, crop_photos
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.groups import groups_by
from emojimation.training.data.holdout import folds, with_validation
from emojimation.training.data.labelled import read_labels, write_labels
from emojimation.training.data.layouts import LAYOUTS, photos_of, read_photos
from emojimation.training.data.load import load, save

PORTRAIT = next(iter(sorted(SAMPLES.glob("*.jpg"))))


@pytest.fixture(scope="module")
def detect():
    return FaceDetector()


@pytest.fixture(scope="module")
def cropped(tmp_path_factory, detect):
    """Two portraits in class folders, one broken file and one without a face, cropped."""
    root = tmp_path_factory.mktemp("photos")
    for name in ("calm", "glad"):
        (root / name).mkdir()
    shutil.copy(PORTRAIT, root / "calm" / "a.jpg")
    shutil.copy(PORTRAIT, root / "glad" / "a.jpg")
    cv2.imwrite(str(root / "glad" / "a.png"), read_image(PORTRAIT).frame[:, ::-1])
    (root / "glad" / "broken.jpg").write_bytes(b"no image")
    cv2.imwrite(str(root / "glad" / "grey.png"), np.full((200, 200, 3), 128, np.uint8))
    out = root.with_name("crops")
    return root, out, crop_photos(sorted(root.rglob("*.*")), root, out, detect)


def test_crops_keep_the_folder_of_their_photo_and_never_overwrite_each_other(cropped):
    _, out, done = cropped
    assert {path.relative_to(out).as_posix() for path in done.written} == {"calm/a.png", "glad/a.png", "glad/a-2.png"}
    assert all(read_image(path).frame.shape == (96, 96, 3) for path in done.written)


def test_photos_without_a_crop_are_named(cropped):
    _, _, done = cropped
    assert [path.name for path in done.faceless] == ["grey.png"]
    assert [path.name for path in done.unreadable] == ["broken.jpg"]


def test_a_crop_is_aligned_as_the_classifier_sees_it(cropped, detect):
    _, out, _ = cropped
    from emojimation.faces import crop_faces

    frame = read_image(PORTRAIT).frame
    largest = max(detect(frame), key=lambda face: face.size_px)
    direct = crop_faces(frame, [largest], 48)[0, ..., 0]
    read = load(out).images[0]
    assert np.corrcoef(direct.ravel(), read.ravel())[0, 1] > 0.99


def test_crops_do_not_mix_with_old_ones(cropped, detect):
    root, out, _ = cropped
    with pytest.raises(InputError, match="new or empty folder"):
        crop_photos([], root, out, detect)


def test_a_contact_sheet_shows_a_part_of_very_many(cropped, tmp_path):
    _, _, done = cropped
    sheet = read_image(contact_sheet(done.written * 300, tmp_path / "sheet.jpg", 16)).frame
    assert sheet.shape[1] == 16 * 20 + 4
    assert sheet.shape[0] == 20 * 20 + 4 - 20  # 900 crops, every third: 300 cells in 19 rows


def test_the_command_crops_and_says_what_is_next(cropped, tmp_path):
    root, _, _ = cropped
    done = CliRunner().invoke(commands, ["data", "crop", str(root), str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "3 faces from 5 photos" in done.output
    assert "No face in" in done.output and "grey.png" in done.output and "broken.jpg" in done.output
    assert (tmp_path / "out-contact.jpg").is_file()
    assert "then train: emojimation train --from default --data" in done.output
    flat = CliRunner().invoke(commands, ["data", "crop", str(root / "calm"), str(tmp_path / "flat")])
    assert "then label: emojimation data label" in flat.output


@pytest.fixture
def sheet(cropped, tmp_path):
    _, out, _ = cropped
    return Sheet(out, tmp_path / "labels.csv")


def test_labels_are_written_immediately_and_read_as_a_data_set(cropped, sheet):
    _, out, _ = cropped
    client = TestClient(labelling(sheet, label_set(["bored", "keen"]), lambda path: None))
    for index, word in enumerate(("bored", "keen", "keen")):
        assert client.put(f"/labels/{index}", json={"label": word}).status_code == 204
    assert read_labels(sheet.table) == {"calm/a.png": "bored", "glad/a-2.png": "keen", "glad/a.png": "keen"}
    shutil.copy(sheet.table, out / "labels.csv")
    try:
        dataset = load(out)
    finally:
        (out / "labels.csv").unlink()
    assert dataset.class_names == ("bored", "keen")
    assert dataset.labels.tolist() == [0, 1, 1]


def test_undo_takes_a_label_back_and_a_new_page_continues(sheet):
    client = TestClient(labelling(sheet, label_set(["bored", "keen"]), lambda path: None))
    client.put("/labels/1", json={"label": "keen"})
    client.put("/labels/0", json={"label": "bored"})
    client.put("/labels/1", json={"label": None})
    assert Sheet(sheet.paths[0].parents[1], sheet.table).labels == {"calm/a.png": "bored"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("put", "/labels/0", {"label": "nonsense"}, 422),
        ("put", "/labels/99", {"label": "bored"}, 404),
        ("get", "/images/-1", None, 404),
    ],
)
def test_a_label_that_is_no_class_and_an_image_that_is_not_there_are_refused(sheet, method, path, body, status):
    client = TestClient(labelling(sheet, label_set(["bored", "keen"]), lambda path: None))
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith("Expected")
    assert not sheet.table.exists()


def test_the_page_answers_to_this_machine_only(sheet):
    client = TestClient(labelling(sheet, label_set(["bored", "keen"]), lambda path: None))
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"Host": "evil.test"}).status_code == 400


def test_the_page_shows_guess_and_image(sheet, detect):
    from emojimation.photos import largest_face
    from emojimation.pipeline import make_pipeline

    pipeline = make_pipeline()
    client = TestClient(labelling(sheet, label_set(EMOTIONS), lambda path: largest_face(path, pipeline)))
    guess = client.get("/guesses/0").json()
    assert set(guess) == set(EMOTIONS) and sum(guess.values()) == pytest.approx(1, abs=0.01)
    assert client.get("/images/0").content.startswith(b"\xff\xd8")


def test_own_classes_are_two_or_more_and_different():
    assert own_classes([" bored", "keen "]) == ("bored", "keen")
    for wrong in ([""], ["one"], ["one", "one"]):
        with pytest.raises(InputError, match="two or more different classes"):
            own_classes(wrong)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1), st.sampled_from("abc")))
def test_any_names_survive_the_labels_file(tmp_path_factory, labels):
    table = tmp_path_factory.mktemp("labels") / "labels.csv"
    write_labels(table, labels)
    assert read_labels(table) == labels


def test_an_image_that_is_gone_is_named(tmp_path):
    write_labels(tmp_path / "labels.csv", {"gone.png": "happy"})
    with pytest.raises(InputError, match=r"gone\.png"):
        load(tmp_path)


NAMES = ["anna/happy/1.jpg", "anna/sad/2.jpg", "ben/happy/3.jpg", "train/sad/carl/4.jpg"]


@pytest.mark.parametrize(
    ("how", "names", "expected"),
    [
        ("person", NAMES, [0, 0, 2, 3]),
        ("folder", ["x/1.jpg", "x/2.jpg", "y/1.jpg"], [0, 0, 2]),
        ("video", ["v/clip_001.png", "v/clip_002.png", "v/other_001.png"], [0, 0, 2]),
        (r"^(\w+?)_", ["p1_a.png", "p2_a.png", "p1_b.png", "odd.png"], [0, 1, 0, 3]),
    ],
)
def test_images_are_grouped_by_their_names(how, names, expected):
    assert groups_by(how, names, EMOTIONS).tolist() == expected


@pytest.mark.parametrize(
    ("how", "message"), [("people", "with a group"), ("(", "regular expression"), ("person", "can group")]
)
def test_a_grouping_that_cannot_work_is_refused(how, message):
    with pytest.raises(InputError, match=message):
        groups_by(how, ["1.png"], EMOTIONS)


@pytest.fixture(scope="module")
def people() -> Dataset:
    """Twelve people with ten images each, two classes."""
    rng = np.random.default_rng(3)
    names = [f"p{i // 10}/{'happy' if i % 2 else 'sad'}/{i}.png" for i in range(120)]
    return Dataset.of(
        rng.integers(0, 255, (120, 48, 48), np.uint8), np.arange(120) % 2, "train", names, class_names=("sad", "happy")
    )


def owners(dataset: Dataset, split: str) -> set[str]:
    return {name.split("/")[0] for name in dataset.names[dataset.splits == split]}


def test_nobody_stands_on_both_sides_of_a_split_by_person(people):
    whole, held = with_validation(people, group_by="person")
    assert held and not owners(whole, "train") & owners(whole, "val")
    ungrouped, _ = with_validation(people)
    assert owners(ungrouped, "train") & owners(ungrouped, "val")


def test_folds_hold_out_each_person_once_and_are_of_similar_size(people):
    held = [owners(fold, "val") for fold in folds(people, 4, "person")]
    assert sorted(name for one in held for name in one) == sorted({f"p{i}" for i in range(12)})
    assert {len(one) for one in held} == {3}


def test_more_folds_than_groups_are_refused(people):
    with pytest.raises(InputError, match="12 groups for 13 folds"):
        list(folds(people, 13, "person"))


def photo(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PORTRAIT, path)


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def box_of_the_portrait():
    return max(FaceDetector()(read_image(PORTRAIT).frame), key=lambda face: face.size_px).xyxy


def make_rafdb(root):
    photo(root / "Image" / "original" / "train_00001.jpg")
    photo(root / "Image" / "original" / "test_0001.jpg")
    text(root / "EmoLabel" / "list_patition_label.txt", "train_00001.jpg 5\ntest_0001.jpg 4\n")
    return [("sad", "train"), ("happy", "test")]


def make_affectnet(root):
    x0, y0, x1, y1 = box_of_the_portrait()
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    row = f"1/a.jpg,{x0:.0f},{y0:.0f},{x1 - x0:.0f},{y1 - y0:.0f},1;2,{{}},0.1,0.2\n"
    photo(root / "Manually_Annotated_Images" / "1" / "a.jpg")
    text(root / "validation.csv", head + row.format(1) + row.format(7) + row.format(9))
    return [("happy", "val"), ("contempt", "val")]


def make_ckplus(root):
    for number in ("00000001", "00000009"):
        photo(root / "cohn-kanade-images" / "S005" / "001" / f"S005_001_{number}.png")
    text(root / "Emotion" / "S005" / "001" / "S005_001_00000009_emotion.txt", "   3.0000000e+00\n")
    return [("disgust", "test"), ("neutral", "test")]


def make_jaffe(root):
    for name in ("KA.AN1.39.tiff", "KA.NE2.27.tiff"):
        photo(root / name)
    return [("angry", "test"), ("neutral", "test")]


def make_expw(root):
    x0, y0, x1, y1 = box_of_the_portrait()
    photo(root / "image" / "origin" / "a.jpg")
    text(root / "label" / "label.lst", f"a.jpg 0 {y0:.0f} {x0:.0f} {x1:.0f} {y1:.0f} 57.3 3\n")
    return [("happy", "test")]


MADE = {"rafdb": make_rafdb, "affectnet": make_affectnet, "ckplus": make_ckplus, "jaffe": make_jaffe, "expw": make_expw}


def test_each_layout_has_a_made_up_set():
    assert set(MADE) == set(LAYOUTS)


@pytest.mark.parametrize("layout", MADE)
def test_a_data_set_is_read_as_its_owners_ship_it(layout, tmp_path, detect):
    expected = MADE[layout](tmp_path)
    photos = photos_of(tmp_path, layout)
    assert [(one.label, one.split) for one in photos] == expected
    template = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.76], [0.65, 0.76]], np.float32)
    dataset, missed = read_photos(photos, detect, 48, template, FERPLUS_LABELS.names, "made up")
    assert missed == 0
    assert [dataset.class_names[i] for i in dataset.labels] == [label for label, _ in expected]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_folder_is_not_taken_for_a_data_set(layout, tmp_path):
    with pytest.raises(InputError, match="Expected"):
        photos_of(tmp_path, layout)


def test_evaluate_scores_a_layout_with_the_detector_in_front(tmp_path):
    make_ckplus(tmp_path)
    cv2.imwrite(str(tmp_path / "cohn-kanade-images" / "S005" / "001" / "S005_001_00000000.png"), np.zeros((99, 99, 3)))
    done = CliRunner().invoke(
        commands,
        ["evaluate", "--data", str(tmp_path), "--layout", "ckplus", "--prior", "uniform", "--json", "-"],
    )
    assert done.exit_code == 0, done.output
    scores = json.loads(done.stdout)
    assert (scores["n"], scores["missed"], scores["layout"], scores["prior"]) == (1, 1, "ckplus", "uniform")
    assert scores["accuracy_all"] == scores["accuracy"] / 2


@pytest.mark.slow
def test_a_strangers_photos_become_a_model_in_six_commands(tmp_path, monkeypatch):
    pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')
    from toy import invoke, write_recipe

    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    rng = np.random.default_rng(1)
    frames = [read_image(path).frame for path in sorted(SAMPLES.glob("*.jpg"))]
    for i in range(24):
        light = rng.uniform(0.6, 1.4)
        frame = np.clip(frames[i % len(frames)].astype(np.float32) * light, 0, 255).astype(np.uint8)
        cv2.imwrite(f"photos/p{i % len(frames)}_{i}.jpg", frame[:, ::-1] if i % 4 < 2 else frame)
    invoke("data", "crop", "photos", "faces")
    sheet = Sheet(Path("faces"), Path("faces/labels.csv"))
    client = TestClient(labelling(sheet, label_set(["left", "right"]), lambda path: None))
    for index, name in enumerate(sheet.names):
        client.put(f"/labels/{index}", json={"label": "left" if int(name.split("_")[1][:-4]) % 4 < 2 else "right"})
    recipe = write_recipe(tmp_path, epochs=1)
    invoke("train", "--data", "faces", "--recipe", recipe, "--group-by", r"^(p\d+)", "--out", "runs/mine")
    scores = json.loads(
        invoke(
            *("evaluate", "--data", "faces", "--group-by", r"^(p\d+)"),
            *("--model", "runs/mine/model.onnx", "--json", "-"),
        )
    )
    assert scores["labels"] == ["left", "right"] and scores["n"] >= 4
    invoke("export", "runs/mine", "--data", "faces", "--group-by", r"^(p\d+)", "--format", "keras")
    rows = invoke("image", SAMPLES / "obama.jpg", "--model", "runs/mine/model.onnx", "--json")
    assert set(json.loads(rows)["faces"][0]["probabilities"]) == {"left", "right"}


@pytest.mark.slow
def test_folds_train_once_each_and_are_summed_up(people, tmp_path):
    pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')
    from toy import invoke, write_recipe

    save(people, tmp_path / "data.parquet")
    recipe = write_recipe(tmp_path, epochs=1)
    invoke(
        "train",
        "--data",
        tmp_path / "data.parquet",
        "--recipe",
        recipe,
        *("--folds", 2, "--group-by", "person", "--out", tmp_path / "run"),
    )
    summary = json.loads((tmp_path / "run" / "folds.json").read_text())
    assert len(summary["folds"]) == 2
    assert summary["accuracy_mean"] == pytest.approx(np.mean([fold["accuracy"] for fold in summary["folds"]]))
    assert (tmp_path / "run" / "fold-2" / "model.onnx").is_file()


def test_photos_are_searched_once_for_several_models(tmp_path, monkeypatch):
    from emojimation.training.data import layouts

    make_jaffe(tmp_path)
    searched, read = [], layouts.media.read_image
    monkeypatch.setattr(layouts.media, "read_image", lambda path: searched.append(path) or read(path))
    done = CliRunner().invoke(
        commands, ["evaluate", "--data", str(tmp_path), "--layout", "jaffe", "--model", "default", "--model", "lite"]
    )
    assert done.exit_code == 0, done.output
    assert len(searched) == 2


ROWS = [{"progress": 0.5, "epoch": 0}, {"epoch": 0, "val_loss": 2.0, "loss": 1.5}, {"epoch": 1, "val_loss": 1.0}]


def test_mlflow_gets_the_figures_of_each_epoch(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is absent: pip install mlflow-skinny")
    from emojimation.training.fit.events import trackers_of

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    (tracker,) = trackers_of(["mlflow"], Path("runs/mine"))
    for row in ROWS:
        tracker(row)
    (run,) = mlflow.MlflowClient().search_runs(["0"])
    assert run.info.run_name == "mine" and run.data.metrics["val_loss"] == 1.0
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "val_loss")
    assert [(one.step, one.value) for one in history] == [(0, 2.0), (1, 1.0)]


def test_a_tracker_that_is_unknown_or_not_installed_is_refused(monkeypatch):
    from emojimation.training.fit import events

    with pytest.raises(InputError, match="tensorboard, mlflow, wandb"):
        events.trackers_of(["clearml"], Path("run"))
    monkeypatch.setitem(events.TRACKERS, "wandb", ("no_such_package_here", events.Wandb))
    with pytest.raises(InputError, match="no_such_package_here"):
        events.trackers_of(["wandb"], Path("run"))
