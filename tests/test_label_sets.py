"""Models of other classes: contempt as an eighth emotion, and bored against engaged, through every stage."""

import csv
import json
import time

import cv2
import numpy as np
import pytest

from emojimation.attributes import ATTRIBUTES, Attribute
from emojimation.batch import tables
from emojimation.batch.output import Output
from emojimation.batch.run import BatchOptions, local, run_batch
from emojimation.classify.affect import COORDINATES, affect
from emojimation.draw.avatar import Avatar
from emojimation.draw.styles import STYLES, annotate
from emojimation.faces import Face
from emojimation.labels import COLOURS, DISC, EMOTIONS, FERPLUS_LABELS, label_set
from emojimation.media import write_image
from emojimation.pipeline import make_pipeline
from emojimation.story import rows
from emojimation.story.timeline import of_rows, summary, write_html, write_srt
from emojimation.tracking.track import Tracker
from emojimation.video.options import Options
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from emojimation.video.writer import count_frames
from tiny import card, write_model

BORED = ("bored", "engaged")
EIGHT = (*EMOTIONS, "contempt")


@pytest.fixture(scope="module", params=[BORED, EIGHT], ids=["bored", "contempt"])
def other_model(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("other") / "other.onnx"
    metadata = card(labels=json.dumps(request.param), train_counts=json.dumps([10] * len(request.param)))
    return write_model(path, metadata=metadata, classes=len(request.param)), request.param


@pytest.fixture(scope="module")
def face(other_model, astronaut):
    (found,) = make_pipeline(other_model[0])(astronaut)
    return found


def test_emotions_keep_their_emoji_under_any_spelling_and_others_get_discs():
    assert label_set(("Happiness", "contempt", "bored")).emoji == ("😄", "😏", DISC)
    assert label_set(("Happiness",)).colours == (COLOURS["happy"],)
    assert len(set(label_set(tuple("abcdefg")).colours)) == 7
    assert label_set(("bored", "Neutral")).neutral == 1 and label_set(BORED).neutral is None
    assert label_set(BORED, emoji=("😴", "🤩")).emoji_of("engaged") == "🤩"
    assert FERPLUS_LABELS.names == EIGHT


def test_the_answer_is_in_the_words_of_the_model(face, other_model):
    row = face.to_dict()
    assert tuple(row["probabilities"]) == other_model[1] and row["emotion"] in other_model[1]
    assert face.words and face.emoji and face.probabilities.shape == (len(other_model[1]),)
    assert rows.face_of(row, face.threshold).to_dict() == row


@pytest.mark.parametrize("style", [name for name in STYLES if name != "none"])
def test_every_style_draws_it(face, astronaut, style):
    drawn = annotate(astronaut, [face], style, draw=Avatar().drawer())
    assert not np.array_equal(drawn, astronaut)


def test_the_avatar_takes_what_are_emotions_and_is_neutral_without_any(face, other_model):
    seven = face.seven()
    if other_model[1] == BORED:
        assert seven is None
    else:
        assert seven.sum() == pytest.approx(1, abs=1e-5) and seven.argmax() == EMOTIONS.index(face.emotion)


def film(face: Face, folder, **attributes):
    """A log of 30 frames with that face as person 1."""
    log = rows.Log(folder / "film.log")
    for number in range(30):
        log.write(number, number / 10, [face.with_(track_id=1, **attributes)])
    log.close()
    return log.path


def test_tables_of_a_video_have_a_column_for_each_class(face, other_model, tmp_path):
    log = film(face, tmp_path)
    with rows.export(log, tmp_path / "out.csv", "csv").open() as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == list(rows.columns_of(other_model[1])) and len(table) == 30
    assert float(table[0][face.emotion]) == pytest.approx(face.confidence, abs=1e-4)
    rows.export(log, tmp_path / "out.parquet", "parquet")
    _, parquet = rows.load_parquet()
    assert parquet.read_table(tmp_path / "out.parquet").column_names == list(table[0])


def test_the_timeline_tells_it(face, other_model, tmp_path):
    timeline = of_rows(rows.rows_of(film(face, tmp_path)))
    (person,) = summary(timeline)["people"]
    assert set(person["shares"]) == {*other_model[1], "not sure"}
    assert max(person["shares"], key=person["shares"].get) == person["dominant"]
    assert face.words.split(" ")[0] in write_srt(tmp_path / "film.srt", timeline).read_text()
    page = write_html(tmp_path / "film.html", timeline).read_text()
    assert all(json.dumps(name) in page for name in other_model[1])


def test_the_commands_take_it(command, other_model, tmp_path, astronaut):
    model, classes = other_model
    picture = write_image(tmp_path / "in" / "a.png", astronaut)
    code, out, err = command("image", picture, "--json", "--model", model, "--out", tmp_path / "out")
    assert code == 0, err
    assert tuple(json.loads(out)["faces"][0]["probabilities"]) == classes
    table = tmp_path / "faces.csv"
    run_batch(BatchOptions(str(picture.parent), str(model)), Output(table), local(1))
    (line,) = tables.format_of(table, classes).read(table)
    assert line["emotion"] in classes and float(line[classes[0]]) >= 0


def test_a_video_takes_it(other_model, tmp_path):
    model, classes = other_model
    targets = Targets(film=tmp_path / "out.mp4", csv=tmp_path / "out.csv")
    result = run_video("synthetic:0.2", make_pipeline(model), targets, Options(style="emoji"))
    assert result.frames == 6 and count_frames(targets.film) == 6
    with targets.csv.open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 6 and all(line["emotion"] in classes and line[classes[0]] for line in lines)


def test_the_service_takes_it(other_model, astronaut):
    client = pytest.importorskip("fastapi.testclient", reason="the extra `api` is not installed")
    from emojimation.apps.api import app

    model, classes = other_model
    with client.TestClient(app.service(app.ServiceSettings(model=str(model), workers=1))) as service:
        answer = service.post(
            "/v1/analyze", content=cv2.imencode(".jpg", astronaut)[1].tobytes(), headers={"content-type": "image/jpeg"}
        )
        (row,) = answer.json()["pictures"][0]["faces"]
        assert tuple(row["probabilities"]) == classes and row["emotion"] in classes
        assert service.get("/v1/model").json()["model"]["labels"] == list(classes)


def test_the_web_page_takes_it(other_model, astronaut, monkeypatch):
    pytest.importorskip("streamlit", reason="the extra `web` is not installed")
    from emojimation.apps.web import stream
    from web_pages import use

    model, classes = other_model
    use(monkeypatch, model)
    shown = stream.Stream(str(model))
    try:
        assert shown.look(astronaut).shape[0] == astronaut.shape[0] and shown.error is None
        assert shown.faces[0].labels.names == classes and shown.labels.names == classes
    finally:
        shown.close()


def test_the_window_takes_it(other_model, astronaut, tmp_path):
    from emojimation.apps.desktop.settings import WindowSettings
    from emojimation.apps.desktop.worker import WindowWorker

    model, classes = other_model
    photo = write_image(tmp_path / "a.png", astronaut)
    worker = WindowWorker(WindowSettings(model=str(model), folder=str(tmp_path)))
    try:
        worker.open(str(photo))
        end_s = time.monotonic() + 60
        while worker._screen.result is None and time.monotonic() < end_s:
            assert worker.status.state != "failed", worker.status.message
            time.sleep(0.02)
        assert worker._screen.result.faces[0].labels.names == classes
        assert worker.latest() is not None and worker.notices.empty()
    finally:
        worker.close()


def test_an_attribute_is_declared_once_and_comes_out_everywhere(face, tmp_path, monkeypatch):
    declared = Attribute("pose", ("yaw", "pitch"), unit="deg", memory_s=0.1)
    monkeypatch.setitem(ATTRIBUTES, "pose", declared)
    turned = face.with_(attributes={"pose": np.array([12.5, np.nan], np.float32)})
    assert turned.to_dict()["attributes"] == {"pose": {"yaw": 12.5, "pitch": None}}
    assert rows.face_of(turned.to_dict(), face.threshold) == rows.face_of(turned.to_dict(), face.threshold)
    with rows.export(film(turned, tmp_path), tmp_path / "out.csv", "csv").open() as file:
        line = next(csv.DictReader(file))
    assert (line["pose_yaw"], line["pose_pitch"]) == ("12.5", "")


def test_valence_and_arousal_are_means_over_the_emotions(command, model, tmp_path, astronaut):
    picture = write_image(tmp_path / "in" / "a.png", astronaut)
    code, out, err = command("image", picture, "--json", "--measure", "affect", "--model", model)
    (face,) = json.loads(out)["faces"]
    mean = sum(p * COORDINATES[name][0] for name, p in face["probabilities"].items())
    assert code == 0 and face["attributes"]["affect"]["valence"] == pytest.approx(mean, abs=0.002) and mean > 0.5
    table = tmp_path / "faces.csv"
    settings = BatchOptions(str(picture.parent), model, measures=["affect"])
    assert run_batch(settings, Output(table), local(1)).faces == 1
    (line,) = tables.format_of(table, EMOTIONS, ["affect"]).read(table)
    assert float(line["affect_valence"]) == face["attributes"]["affect"]["valence"]
    code, _, err = command("image", picture, "--measure", "shoes")
    assert code == 2 and "Expected a measure among affect" in err


def test_classes_that_are_no_emotions_have_no_valence(face, other_model):
    (measured,) = affect(np.zeros((1, 1, 3), np.uint8), [face])
    assert np.isnan(measured.attributes["affect"]).all() == (other_model[1] == BORED)


def test_the_tracker_smooths_each_attribute_over_its_own_time(face, monkeypatch):
    for name, memory_s in (("pose", 0.5), ("blink", 0.0)):
        monkeypatch.setitem(ATTRIBUTES, name, Attribute(name, ("value",), memory_s=memory_s))
    tracker = Tracker()
    for number in range(40):
        value = np.array([-10.0 if number < 20 else 10.0], np.float32)
        (seen,) = tracker.update([face.with_(attributes={"pose": value, "blink": value})], number / 20)
        if number == 19:
            assert seen.attributes["pose"][0] == pytest.approx(-10)
        if number == 20:
            assert seen.attributes["blink"][0] == 10 and seen.attributes["pose"][0] < -5
    assert seen.attributes["pose"][0] == pytest.approx(10 - 20 * np.exp(-0.975 / 0.5), abs=0.5)
    unknown = {"pose": np.array([np.nan], np.float32)}
    assert np.isnan(tracker.update([face.with_(attributes=unknown)], 2.0)[0].attributes["pose"][0])
    back = tracker.update([face.with_(attributes={"pose": np.array([3.0], np.float32)})], 2.05)[0]
    assert back.attributes["pose"][0] == 3
