"""Every bad data file and row is refused in one line that names the file and the row."""

import gzip
import lzma
import sys
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emojimation.errors import InputError
from emojimation.training.audit.exclude import read_exclude
from emojimation.training.data.csvfile import parse_pixels
from emojimation.training.data.load import Dataset, load, save
from emojimation.training.data.pictures import class_words, encode_png

GOOD = " ".join(["7"] * 2304)
BAD_CSV = {
    "empty": ("", "the file is empty"),
    "header alone": ("emotion,pixels,Usage\n", "no rows"),
    "no pixels column": ("emotion,Usage\n1,Training\n", "missing column 'pixels'.*found emotion, Usage"),
    "kaggle test.csv": (f"pixels\n{GOOD}\n", "missing column 'emotion'.*test.csv has no labels"),
    "short row": (f"emotion,pixels\n1,{GOOD}\n2,{GOOD[:-2]}\n", "row 2: expected 2304 pixels .* found 2303"),
    "long row": (f"emotion,pixels\n1,{GOOD} 7\n", "row 1: expected 2304 pixels .* found 2305"),
    "no pixels": ("emotion,pixels\n1,\n", "row 1: expected 2304 pixels .* found 0"),
    "word among pixels": (f"emotion,pixels\n1,{GOOD[:-1]}x\n", "row 1: expected whole numbers .* found 'x'"),
    "fraction": (f"emotion,pixels\n1,{GOOD[:-1]}7.5\n", "row 1: expected whole numbers .* found '7.5'"),
    "too bright": (f"emotion,pixels\n1,{GOOD[:-1]}256\n", "row 1: expected pixels from 0 to 255, found 256"),
    "negative": (f"emotion,pixels\n1,{GOOD[:-1]}-1\n", "row 1: expected pixels from 0 to 255, found -1"),
    "label 7": (f"emotion,pixels\n0,{GOOD}\n7,{GOOD}\n", "row 2: expected a label 0 to 6, found '7'"),
    "label -1": (f"emotion,pixels\n-1,{GOOD}\n", "row 1: expected a label 0 to 6, found '-1'"),
    "label word": (f"emotion,pixels\n0,{GOOD}\nx,{GOOD}\n", "row 2: expected a label 0 to 6, found 'x'"),
    "no label": (f"emotion,pixels\n0,{GOOD}\n,{GOOD}\n", "row 2: expected a label 0 to 6, found ''"),
    "no first label": (f"emotion,pixels\n,{GOOD}\n", "row 1: expected a label 0 to 6, found nothing"),
    "missing field": (f"emotion,pixels,Usage\n0,{GOOD}\n", "row 1: expected 3 columns, found 2"),
    "unknown usage": (f"emotion,pixels,Usage\n0,{GOOD},Secret\n", "row 1: unknown Usage 'Secret'"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_bad_csv_is_refused_with_its_row(case: str, tmp_path: Path):
    text, message = BAD_CSV[case]
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path / "bad.csv")
    assert str(caught.value).startswith(str(tmp_path / "bad.csv")) and "\n" not in str(caught.value)


def bad_file(case: str, data: Dataset, tmp: Path) -> Path:
    """Write one bad file; its path."""
    path = tmp / case
    (tmp / "good").mkdir()
    save(data, tmp / "good" / "a.parquet")
    save(data, tmp / "good" / "a.csv")
    packed = gzip.compress((tmp / "good" / "a.csv").read_bytes())
    parquet = (tmp / "good" / "a.parquet").read_bytes()
    content = {
        "cut.csv.gz": packed[: len(packed) // 2],
        "cut.csv.xz": lzma.compress((tmp / "good" / "a.csv").read_bytes(), preset=0)[:-40],
        "noise.csv": bytes(range(256)) * 40,
        "cut.zip": b"PK\x03\x04 and then nothing",
        "cut.parquet": parquet[: len(parquet) // 2],
    }
    if case in content:
        path.write_bytes(content[case])
    elif case == "nothing.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", b"hello")
    elif case == "empty folder":
        path.mkdir()
    elif case in ("flat folder", "text.jpg folder"):
        name = "x.png" if case == "flat folder" else "happy/x.jpg"
        (path / name).parent.mkdir(parents=True)
        (path / name).write_bytes(encode_png(data.images[0]) if case == "flat folder" else b"I am text")
    return path


BAD_FILES = {
    "absent.csv": "no such file or folder",
    "cut.csv.gz": "damaged or truncated",
    "cut.csv.xz": "damaged or truncated",
    "noise.csv": "missing column|not readable as csv",
    "cut.zip": "damaged or truncated",
    "cut.parquet": "not readable as Parquet",
    "nothing.zip": "found neither",
    "empty folder": "found neither",
    "flat folder": "x.png is not in a class folder",
    "text.jpg folder": "1 that cannot be read: happy/x.jpg",
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_refused_by_name(case: str, fer_rows: Dataset, tmp_path: Path):
    path = bad_file(case, fer_rows, tmp_path)
    with pytest.raises(InputError, match=BAD_FILES[case]) as caught:
        load(path)
    assert case in str(caught.value) and "\n" not in str(caught.value)


def test_bad_parquet_is_refused(fer_rows: Dataset, tmp_path: Path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is absent: pip install emojimation[train]")
    import pyarrow.parquet as pq

    png = encode_png(fer_rows.images[0])
    tables = {
        "missing column 'emotion'": {"image": [png]},
        "missing column 'image'": {"emotion": [1]},
        "row 2: expected a label 0 to 6, found '9'": {"image": [png, png], "emotion": [1, 9]},
        "row 1: expected a label 0 to 6, found nothing": {"image": [png], "emotion": pa.array([None], pa.int8())},
        "row 2: expected an image file": {"image": [png, b"no"], "emotion": [1, 2]},
        "row 1: expected the bytes of an image, found NoneType": {
            "image": pa.array([None], pa.binary()),
            "emotion": [1],
        },
        "no rows": {"image": pa.array([], pa.binary()), "emotion": pa.array([], pa.int8())},
    }
    for message, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / "a.parquet")
        with pytest.raises(InputError, match=message):
            load(tmp_path / "a.parquet")


def test_parquet_without_pyarrow_says_what_to_install(
    fer_rows: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r'pip install "emojimation\[train\]"'):
        save(fer_rows, tmp_path / "a.parquet")
    assert not list(tmp_path.iterdir())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=40), st.integers(1, 3), st.booleans())
def test_any_pixels_parse_to_themselves(values: list[int], blanks: int, zeros: bool):
    pixels = (values * (2304 // len(values) + 1))[:2304]
    text = (" " * blanks).join(f"{value:03}" if zeros else str(value) for value in pixels) + " " * (blanks - 1)
    assert parse_pixels(text, "x").tolist() == pixels


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=60), st.integers(0, 2303))
def test_any_text_among_pixels_is_refused_or_right(text: str, place: int):
    words = ["7"] * 2304
    words[place] = text
    try:
        parsed = parse_pixels(" ".join(words), "file: row 1").tolist()
    except InputError as error:
        assert "\n" not in str(error) and str(error).startswith("file: row 1")
    else:
        assert parsed == [int(word) for word in " ".join(words).split()]


@settings(deadline=None, max_examples=150)
@given(data=st.binary(max_size=300))
def test_any_bytes_as_csv_are_refused_in_one_line(data: bytes, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("fuzz") / "a.csv"
    path.write_bytes(b"emotion,pixels\n" + data)
    with pytest.raises(InputError) as caught:  # 300 bytes never hold 2304 pixels
        load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing column 'row'"),
        ("number\n1\n", "missing column 'row'; found number"),
        ("row\n1\nx\n", "line 3: expected a row from 0 to 29, found 'x'"),
        ("row,reason\n30,flat\n", "line 2: expected a row from 0 to 29, found '30'"),
        ("row\n-1\n", "line 2: expected a row from 0 to 29"),
    ],
)
def test_bad_exclude_csv_is_refused(text: str, message: str, tmp_path: Path):
    (tmp_path / "exclude.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_exclude(tmp_path / "exclude.csv", np.zeros((30, 4, 4), np.uint8))
    with pytest.raises(InputError, match="no such file"):
        read_exclude(tmp_path / "none.csv", np.zeros((30, 4, 4), np.uint8))


def test_dataset_checks_its_rows(fer_rows: Dataset):
    images = fer_rows.images
    with pytest.raises(InputError, match="row 1: label 7 is out of range 0 to 6"):
        Dataset.of(images[:2], [0, 7])
    with pytest.raises(InputError, match="2 images, 1 labels"):
        Dataset.of(images[:2], [0])
    with pytest.raises(InputError, match="expected splits"):
        Dataset.of(images[:1], [0], ["later"])
    with pytest.raises(InputError, match="uint8"):
        Dataset.of(images[:1].astype(np.float32), [0])
    with pytest.raises(InputError, match=r"votes of shape \(1, 10\)"):
        Dataset.of(images[:1], [0], votes=np.zeros((1, 8), np.uint8))


def test_all_damaged_images_are_named_or_skipped(tmp_path: Path):
    for name in ("a/1", "a/2", "b/1", "b/2", "b/3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.png").write_bytes(encode_png(np.full((48, 48), 9, np.uint8)))
    for name in ("a/2.png", "b/3.png"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:20])
    with pytest.raises(InputError, match=r"2 that cannot be read: a/2.png, b/3.png; .*--skip-bad"):
        load(tmp_path)
    skipped: list[str] = []
    rows = load(tmp_path, skipped=skipped)
    assert skipped == ["a/2.png", "b/3.png"] and rows.names.tolist() == ["a/1.png", "b/1.png", "b/2.png"]


@pytest.mark.parametrize(
    ("paths", "classes"),
    [
        (("bored/person0/session1/x.jpg", "engaged/person0/session0/x.jpg"), ["bored", "engaged"]),
        (("anna/angry/x.jpg", "ben/happy/x.jpg"), ["angry", "happy"]),
        (("set/train/angry/x.jpg", "set/val/happy/x.jpg"), ["angry", "happy"]),
        (("angry/train/x.jpg", "happy/train/x.jpg"), ["angry", "happy"]),
        (("cats/x.jpg", "cats/y.jpg"), ["cats", "cats"]),
        (("zip/cats/x.jpg", "zip/dogs/2024/y.jpg"), ["cats", "dogs"]),
        (("x.jpg", "cats/y.jpg"), [None, "cats"]),
    ],
)
def test_the_class_of_nested_folders(paths: tuple[str, ...], classes: list[str | None]):
    assert class_words([PurePosixPath(path) for path in paths]) == classes
