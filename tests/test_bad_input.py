"""Every kind of odd or broken image through the real command: what is answered, what is refused, and how."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from conftest import SAMPLES
from emojimation import InputError, analyze
from emojimation.labels import EMOTIONS
from test_media import png_header
from tiny import card, write_model


@pytest.fixture(scope="module")
def portrait():
    """A Pillow RGB image with one smiling face."""
    with Image.open(SAMPLES / "astronaut.jpg") as image:
        return image.convert("RGB")


def sixteen_bit(image, path):
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(path)


def rotated(image, path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)


def animated(image, path):
    image.save(path, save_all=True, append_images=[Image.new("RGB", image.size, "red")])


def with_alpha(mode):
    def save(image, path):
        image = image.convert(mode[:-1])
        image.putalpha(255)
        assert image.mode == mode
        image.save(path)

    return save


ODD = {
    "16 bit.png": sixteen_bit,
    "grey.png": lambda image, path: image.convert("L").save(path),
    "grey+alpha.png": with_alpha("LA"),
    "alpha.png": with_alpha("RGBA"),
    "cmyk.jpg": lambda image, path: image.convert("CMYK").save(path, quality=95),
    "palette.png": lambda image, path: image.quantize(256).save(path),
    "moving.gif": animated,
    "moving.webp": animated,
    "turned.jpg": rotated,
    "my photo (1).jpg": lambda image, path: image.save(path),
    "Фото [写真] é.jpg": lambda image, path: image.save(path),
}


@pytest.mark.parametrize("name", ODD)
def test_answered_like_any_other_image(command, model, portrait, tmp_path, name):
    ODD[name](portrait, tmp_path / name)
    code, out, err = command("image", tmp_path / name, "--json", "--model", model)
    row = json.loads(out)
    assert (code, err) == (0, "") and row["source"] == str(tmp_path / name)
    (face,) = row["faces"]
    left, top, right, bottom = face["xyxy"]
    assert left < 224 < right and top < 115 < bottom and face["emotion"] == "happy"
    assert ("moving" in name) == ("first" in " ".join(row.get("notes", [])))


def test_one_pixel_is_answered(command, model, tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    code, out, _ = command("image", tmp_path / "dot.png", "--json", "--model", model)
    assert code == 0 and json.loads(out)["faces"] == []
    code, out, _ = command("image", tmp_path / "dot.png", "--json", "--cropped", "--model", model)
    assert code == 0 and json.loads(out)["faces"][0]["emotion"] in EMOTIONS


def truncated(path):
    path.write_bytes((SAMPLES / "astronaut.jpg").read_bytes()[:20_000])


BAD = {
    "missing.jpg": lambda path: None,
    "empty.jpg": lambda path: path.touch(),
    "text.jpg": lambda path: path.write_text("not an image"),
    "truncated.jpg": truncated,
    "empty folder": lambda path: path.mkdir(),
    "huge.png": lambda path: png_header(path, 30_000, 30_000),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_by_name_in_one_line(command, model, tmp_path, name):
    BAD[name](tmp_path / name)
    code, out, err = command("image", tmp_path / name, "--model", model)
    assert (code, out) == (2, "") and err.startswith("Error: Expected") and err.count("\n") == 1 and name in err


def test_the_good_ones_of_many_are_all_answered(command, model, tmp_path):
    for name, make in BAD.items():
        make(tmp_path / name)
    shutil.copy(SAMPLES / "astronaut.jpg", tmp_path / "a good one.jpg")
    shutil.copy(SAMPLES / "obama.jpg", tmp_path / "z good one.jpg")
    code, out, err = command("image", *(tmp_path / name for name in BAD), tmp_path, "--json", "--model", model)
    rows = [json.loads(line) for line in out.splitlines()]
    good = [row["source"] for row in rows if "faces" in row]
    assert code == 1 and good == [str(tmp_path / "a good one.jpg"), str(tmp_path / "z good one.jpg")]
    assert f"{len(BAD)} of {len(BAD) + 2}" in err and all(name in err for name in BAD)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((8, 8, 3), np.float64), "float64"),
        (np.zeros((8, 8, 3), np.uint16), "uint16"),
        (np.full((8, 8, 3), np.nan, np.float32), "NaN"),
        (np.zeros((8, 8, 2), np.uint8), "shape"),
        (np.zeros((8, 8, 4), np.uint16), "uint16"),
        (np.zeros((0, 0, 3), np.uint8), "shape"),
        (np.zeros(5, np.uint8), "shape"),
    ],
)
@pytest.mark.parametrize("cropped", [False, True])
def test_other_arrays_are_refused(model, array, words, cropped):
    with pytest.raises(InputError, match=words):
        analyze(array, cropped=cropped, model=model)


def foreign(path):
    write_model(path, metadata={})


def reordered(path):
    write_model(path, metadata=card(labels="angry,disgust,fear,happy,sad,surprise,sad"))


MODELS = {"foreign.onnx": foreign, "labels.onnx": reordered, "text.onnx": lambda path: path.write_text("model")}


@pytest.mark.parametrize("name", MODELS)
def test_other_models_are_refused(command, tmp_path, name):
    MODELS[name](tmp_path / name)
    code, out, err = command("image", SAMPLES / "astronaut.jpg", "--model", tmp_path / name)
    assert (code, out) == (2, "") and err.count("\n") == 1 and name in err


def test_a_bundled_model_with_another_sha256_is_refused(command, tmp_path, monkeypatch):
    (tmp_path / "m.onnx").write_bytes(b"swapped")
    (tmp_path / "manifest.json").write_text(json.dumps({"mine": {"file": "m.onnx", "sha256": "0" * 64}}))
    monkeypatch.setattr("emojimation.weights.MODELS", tmp_path)
    code, out, err = command("image", SAMPLES / "astronaut.jpg", "--model", "mine")
    assert (code, out) == (2, "") and "0" * 64 in err and "m.onnx" in err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("https://example.org/a.jpg", "https://example.org/a.jpg; images are not downloaded"),
        ("data:image/png;base64,AAAA", "data URI"),
        ("iVBORw0KGgo" * 500, "decoded bytes"),
    ],
)
def test_what_is_no_path_is_said_to_be_none(command, model, given, words):
    with pytest.raises(InputError, match=words):
        analyze(given, model=model)
    code, out, err = command("image", given, "--model", model)
    assert (code, out) == (2, "") and words in err and err.count("\n") == 1


def test_batch_fetches_no_addresses_either(command, model, tmp_path):
    code, _, err = command("batch", "https://example.org/a", "--out", tmp_path / "a.csv", "--model", model)
    assert code == 2 and err.startswith("Error: Expected") and err.count("\n") == 1


def test_a_pillow_image_that_is_closed_is_refused(portrait):
    image = portrait.copy()
    image.close()
    with pytest.raises(InputError, match="open"):
        analyze(image)
