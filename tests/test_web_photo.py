"""The photo page: what it shows for good, bad, many and faceless images, and what it lets people take home."""

import csv
import io
import json
import struct
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

from conftest import FACELESS
from web_pages import AppTest, html, page, sample, upload, use

from emojimation.apps.web import pictures, files as web_files  # isort: skip
from emojimation.errors import InputError  # isort: skip
from emojimation.labels import label_set  # isort: skip


@pytest.fixture(autouse=True)
def _model(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model)


def png_head(width: int, height: int) -> bytes:
    """A PNG that says it is huge and holds nothing."""
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IEND", b"")
    )


def answers(*names: str) -> list[pictures.Answer]:
    return [pictures.answer_of(f"{name}.jpg", lambda name=name: sample(name)[1]) for name in names]


def test_the_empty_page_says_the_limits_before_an_upload():
    test = page("photo")
    assert "60 at a time, 40 MB and 60 megapixels" in test.file_uploader(key="files").label
    assert "Your faces will appear here" in html(test)


def test_a_face_gets_a_card_with_crop_emoji_words_and_bars():
    text = html(upload(page("photo"), sample("astronaut")))
    assert text.count("<article") == 1
    assert "data:image/jpeg;base64," in text and 'class="em-face em-' in text
    for name in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"):
        assert f'<dt dir="auto">{name}</dt>' in text


def test_thirty_files_of_which_three_are_bad():
    good = [(f"{i}.jpg", sample("astronaut")[1]) for i in range(27)]
    bad = [("text.jpg", b"no image"), ("cut.jpg", good[0][1][:3000]), ("huge.png", png_head(20_000, 20_000))]
    test = upload(page("photo"), *good, *bad)
    assert "3 of 30 files could not be read" in test.error[0].value
    assert "at most 60 megapixels, got over" in test.error[0].value
    assert "/tmp" not in test.error[0].value
    assert test.pills(key="picked").label.startswith("27 images, 27 faces")
    assert len(test.pills(key="picked").options) == 27


def test_one_file_more_than_allowed_is_reported_and_left_out(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model, files=2)
    test = upload(page("photo"), sample("astronaut"), sample("obama"), sample("biden"))
    assert "first 2" in test.warning[0].value
    assert len(test.pills(key="picked").options) == 2


def test_no_face_is_no_error_but_a_hint():
    test = upload(page("photo"), ("coffee.jpg", (FACELESS / "coffee.jpg").read_bytes()))
    assert not test.error and "No face found" in html(test) and "More light" in html(test)


def test_names_are_shown_as_text_only():
    test = upload(page("photo"), ("<b>[x](y)*.jpg", b"no image"))
    assert "<b>" not in test.error[0].value.replace("\\<b\\>", "")


def test_snapshot_and_sample():
    test = page("photo")
    test.segmented_control(key="source").set_value("samples").run()
    test.button(key="sample-group").click().run()
    assert html(test).count("<article") == 5
    test.segmented_control(key="source").set_value("camera").run()
    test.camera_input(key="camera").set_value(("shot.jpg", sample("obama")[1], "image/jpeg")).run()
    assert html(test).count("<article") == 1


def test_boxes_have_the_numbers_of_the_cards_where_there_are_several():
    several, alone = answers("group", "astronaut")
    assert [face.track_id for face in pictures.numbered(several, "boxes")] == [1, 2, 3, 4, 5]
    assert [face.track_id for face in pictures.numbered(alone, "boxes")] == [None]
    assert {face.track_id for face in pictures.numbered(several, "emoji")} == {None}


@pytest.mark.slow
def test_a_visit_to_another_page_keeps_the_pictures_and_reads_them_with_the_model_chosen_there(tiny_model, tmp_path):
    source = """
import streamlit as st
from emojimation.apps.web import photo
if st.session_state.get("elsewhere"):
    st.button("other page")
else:
    photo.show()
"""
    test = upload(AppTest.from_string(source, default_timeout=30).run(), sample("group"), sample("obama"))
    test.session_state["elsewhere"] = True
    test.run()
    other = tmp_path / "other.onnx"
    other.write_bytes(tiny_model.read_bytes())
    test.session_state["elsewhere"], test.session_state[pictures.CHOSEN] = False, str(other)
    test.run()
    assert not test.exception and test.session_state["answers-by"] == str(other)
    assert len(test.pills(key="picked").options) == 2 and "<article" in html(test)
    test.segmented_control(key="style").set_value("blur").run()
    assert len(test.pills(key="picked").options) == 2  # later runs keep them too
    test.button(key="photos-clear").click().run()
    assert "Your faces will appear here" in html(test)


def test_an_uploader_emptied_by_the_visitor_empties_the_page():
    test = upload(page("photo"), sample("obama"))
    test.file_uploader(key="files").set_value([]).run()
    assert "Your faces will appear here" in html(test)


def test_the_upload_takes_and_names_the_photos_of_phones():
    uploader = page("photo").file_uploader(key="files")
    assert "HEIC" in uploader.label and {".heic", ".jpg", ".png"} <= set(uploader.proto.type)


def test_names_in_the_archive_suit_every_system():
    taken = set()
    assert web_files._free('a:b<c>"d|e?f*g\\h-blur', taken) == "a_b_c__d_e_f_g_h-blur.jpg"
    assert web_files._free("Me-blur", taken) == "Me-blur.jpg"
    assert web_files._free("me-blur", taken) == "me-blur-2.jpg"  # the same name to Windows


def test_the_style_switch_changes_the_image():
    answer = answers("astronaut")[0]
    before = pictures.decoded(answer.preview).astype(int)
    changed = {style: np.abs(pictures.drawn(answer, style) - before).max(axis=2) > 40 for style in pictures.STYLES}
    assert all(mask.sum() > 500 for mask in changed.values())
    assert changed["emoji"].sum() > 2 * changed["boxes"].sum()
    x, y = answer.faces[0].landmarks[2].astype(int)
    assert changed["avatar"][y, x] and not changed["boxes"][y, x]


def test_a_character_is_chosen_where_there_is_one_to_choose():
    test = upload(page("photo"), sample("astronaut"))
    assert "photo-character" not in {one.key for one in test.segmented_control}
    test.segmented_control(key="style").set_value("avatar").run()
    test.segmented_control(key="photo-character").set_value("robot").run()
    assert not test.exception
    answer = answers("astronaut")[0]
    assert (pictures.drawn(answer, "avatar", "robot") != pictures.drawn(answer, "avatar")).any()


def test_the_reason_is_shown_on_request():
    test = upload(page("photo"), sample("astronaut"))
    assert "em-why" not in html(test)
    test.toggle(key="why").set_value(True).run()
    assert html(test).count("em-why") == 1


@pytest.mark.slow
def test_a_session_keeps_no_large_array():
    noise = cv2.imencode(".jpg", cv2.resize(cv2.imread(str(FACELESS / "coffee.jpg")), (3000, 2000)))[1].tobytes()
    answer = pictures.answer_of("noise.jpg", lambda: noise)
    kept = len(answer.preview) + len(answer.thumb) + sum(map(len, answer.crops))
    assert answer.size_wh == (3000, 2000) and kept < 600_000
    test = upload(page("photo"), ("a.jpg", noise), ("b.jpg", noise))
    assert len(test.session_state["answers"]) == 2
    upload(test, ("c.jpg", noise))
    assert [kept.name for kept in test.session_state["answers"].values()] == ["c.jpg"]


@pytest.mark.slow
def test_downloads_hold_what_the_page_shows():
    found = answers("group", "obama")
    rows = list(csv.DictReader(io.StringIO(web_files.as_csv(found))))
    assert [row["source"] for row in rows] == ["group.jpg"] * 5 + ["obama.jpg"]
    assert float(rows[0]["happy"]) == pytest.approx(float(found[0].faces[0].probabilities[3]), abs=1e-4)
    told = json.loads(web_files.as_json([*found, pictures.answer_of("x.jpg", lambda: b"")]))
    assert [len(row.get("faces", [])) for row in told] == [5, 1, 0] and "error" in told[2]
    with zipfile.ZipFile(io.BytesIO(web_files.as_zip([*found, *found], "blur"))) as archive:
        names = archive.namelist()
        picture = cv2.imdecode(np.frombuffer(archive.read("group-blur.jpg"), np.uint8), cv2.IMREAD_COLOR)
    assert "group-blur-2.jpg" in names and "faces.csv" in names
    assert (picture.shape[1], picture.shape[0]) == found[0].size_wh


def test_a_name_is_no_formula_in_a_spreadsheet_and_the_models_own_classes_are_columns():
    answer = pictures.answer_of("=cmd.jpg", lambda: sample("obama")[1])
    assert "'=cmd.jpg" in web_files.as_csv([answer])
    shares = np.array([0.25, 0.75], np.float32)
    other = answer.faces[0].with_(probabilities=shares, labels=label_set(("calm", "bored")))
    (row,) = csv.DictReader(io.StringIO(web_files.as_csv([replace(answer, faces=(other,))])))
    assert (row["calm"], row["bored"], row["emotion"]) == ("0.25", "0.75", "bored") and "happy" not in row


def test_the_full_image_of_a_broken_file_is_refused():
    with pytest.raises(InputError, match=r"Expected an image that could be read, got x\.jpg"):
        pictures.drawn_full(pictures.Answer("x.jpg", error="broken"), "boxes")
