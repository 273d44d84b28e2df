import json

import pytest

from emojimation import weights
from emojimation.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """A folder of models with one intact entry "good"."""
    (tmp_path / "good.onnx").write_bytes(b"weights")
    row = {"file": "good.onnx", "sha256": weights.sha256(tmp_path / "good.onnx")}
    (tmp_path / "manifest.json").write_text(json.dumps({"good": row}))
    return tmp_path


def test_sha256_is_the_standard_one(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # the example of FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert weights.sha256(tmp_path / "abc") == expected


def test_a_name_is_resolved(folder):
    assert weights.resolve("good", folder) == folder / "good.onnx"


def test_a_path_is_passed_through(folder):
    (folder / "mine.onnx").write_bytes(b"mine")
    assert weights.resolve(folder / "mine.onnx", folder) == folder / "mine.onnx"
    assert weights.resolve(str(folder / "mine.onnx"), folder) == folder / "mine.onnx"


def test_a_changed_file_is_refused_with_both_sums(folder):
    expected = weights.sha256(folder / "good.onnx")
    (folder / "good.onnx").write_bytes(b"swapped")
    with pytest.raises(InputError) as caught:
        weights.resolve("good", folder)
    for part in (str(folder / "good.onnx"), expected, weights.sha256(folder / "good.onnx")):
        assert part in str(caught.value)


@pytest.mark.parametrize("model", ["nothing", "", "nothing.onnx"])
def test_an_unknown_name_is_refused_with_the_known_ones(folder, model):
    with pytest.raises(InputError, match="good"):
        weights.resolve(model, folder)


def test_a_folder_is_no_model(folder):
    with pytest.raises(InputError, match="folder"):
        weights.resolve(folder, folder)


def test_a_lost_file_is_reported(folder):
    (folder / "good.onnx").unlink()
    with pytest.raises(InputError, match=r"good\.onnx, got no such file"):
        weights.resolve("good", folder)


def test_a_damaged_manifest_is_reported(folder):
    (folder / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json"):
        weights.resolve("good", folder)


def test_every_bundled_model_is_intact_and_listed():
    listed = weights.manifest()
    assert "face_detector" in listed
    assert {weights.resolve(name).name for name in listed} == {
        path.name for path in weights.MODELS.iterdir() if path.suffix != ".json"
    }
