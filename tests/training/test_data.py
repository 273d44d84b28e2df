"""Every shape of the same rows reads as the same Dataset, and nothing is lost on the way back."""

import gzip
import io
import json
import lzma
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS
from emojimation.training.data.load import Dataset, format_of, load, save
from emojimation.training.data.pictures import encode_png

USAGES = {"train": "Training", "val": "PublicTest", "test": "PrivateTest"}


def csv_text(data: Dataset, header: str = "emotion,pixels,Usage") -> str:
    """The rows in FER2013's csv shape, written without the code under test; columns in the header's order."""
    lines = [header]
    for image, label, split in zip(data.images, data.labels, data.splits, strict=True):
        cells = {"emotion": str(label), "pixels": " ".join(map(str, image.ravel())), "usage": USAGES[split]}
        lines.append(",".join(cells[name.strip().lower()] for name in header.split(",")))
    return "\n".join(lines) + "\n"


def folder_of(data: Dataset, root: Path) -> Path:
    """The rows as Kaggle's image folders: only train/ and test/, the official split in the file names."""
    for i, (image, label, split) in enumerate(zip(data.images, data.labels, data.splits, strict=True)):
        folder = root / ("train" if split == "train" else "test") / EMOTIONS[label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{USAGES[split]}_{i}.png").write_bytes(encode_png(image))
    return root


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def in_shape(shape: str, data: Dataset, tmp: Path) -> Path:
    """Write `data` in one of the shapes that people hold; the path to load."""
    if shape.startswith("folder"):
        return folder_shape(shape, data, tmp)
    text = csv_text(data)
    quoted = "\n".join('"' + line.replace(",", '","') + '"' for line in text.splitlines())
    spaced = csv_text(data, "emotion, Usage, pixels").encode()
    unlabelled = b"pixels\n" + text.splitlines()[1].split(",")[1].encode()
    kaggle = {
        "a/test.csv": unlabelled,
        "icml_face_data.csv": spaced,
        "train.csv": csv_text(data, "emotion,pixels").encode(),
    }
    makers = {
        "fer2013.csv": text.encode,
        "icml_face_data.csv": lambda: spaced,
        "bom.csv": lambda: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        "quoted.csv": quoted.encode,
        "fer2013.csv.gz": lambda: gzip.compress(text.encode(), 1),
        "fer2013.csv.xz": lambda: lzma.compress(text.encode(), preset=0),
        "kaggle.zip": lambda: zipped(kaggle),
        "fer2013.tar.gz": lambda: tarred({"fer2013/README": b"hello", "fer2013/fer2013.csv": text.encode()}),
    }
    (tmp / shape).write_bytes(makers[shape]())
    return tmp / shape


def folder_shape(shape: str, data: Dataset, tmp: Path) -> Path:
    """Kaggle's image folders, or an archive of them with the litter that macOS puts in."""
    root = folder_of(data, tmp / "fer")
    if shape == "folder":
        return root
    pictures = {f.relative_to(tmp).as_posix(): f.read_bytes() for f in sorted(root.rglob("*.png"))}
    pictures["__MACOSX/fer/train/angry/._Training_0.png"] = b"not an image"
    (tmp / shape).write_bytes(zipped(pictures) if shape.endswith("zip") else tarred(pictures))
    return tmp / shape


SHAPES = """
    fer2013.csv icml_face_data.csv bom.csv quoted.csv fer2013.csv.gz fer2013.csv.xz
    kaggle.zip fer2013.tar.gz folder folder.zip folder.tgz
"""


@pytest.mark.parametrize("shape", SHAPES.split())
def test_every_shape_is_the_same_dataset(shape: str, fer_rows: Dataset, tmp_path: Path):
    data = load(in_shape(shape, fer_rows, tmp_path))
    assert data.sha256 == fer_rows.sha256
    assert np.array_equal(data.images, fer_rows.images) and data.images.dtype == np.uint8
    assert np.array_equal(data.labels, fer_rows.labels) and data.labels.dtype == np.int64
    assert data.splits.tolist() == fer_rows.splits.tolist()
    assert data.class_names == EMOTIONS


def test_kaggles_train_csv_is_all_train(fer_rows: Dataset, tmp_path: Path):
    (tmp_path / "train.csv").write_text(csv_text(fer_rows, "emotion,pixels"))
    data = load(tmp_path / "train.csv")
    assert data.sha256 == fer_rows.sha256 and data.splits_present == ("train",)


def test_a_folder_with_csv_files_reads_the_labelled_one(fer_rows: Dataset, tmp_path: Path):
    (tmp_path / "fer2013.csv").write_text(csv_text(fer_rows))
    (tmp_path / "test.csv").write_text("pixels\n1 2 3\n")
    assert load(tmp_path).sha256 == fer_rows.sha256


@pytest.mark.parametrize("target", ["a.csv", "a.csv.gz", "a.csv.xz", "a.parquet", "folder"])
def test_saving_and_loading_loses_nothing(target: str, fer_rows: Dataset, tmp_path: Path):
    save(fer_rows, tmp_path / target)
    data = load(tmp_path / target)
    assert data.sha256 == fer_rows.sha256 and data.splits.tolist() == fer_rows.splits.tolist()
    assert [p.name for p in tmp_path.iterdir()] == [target]  # nothing half-written stays
    if target == "a.parquet":
        assert np.array_equal(data.votes, fer_rows.votes) and data.names.tolist() == fer_rows.names.tolist()


def test_train_rows_alone_are_saved_as_kaggles_train_csv(fer_rows: Dataset, tmp_path: Path):
    save(fer_rows.split("train"), tmp_path / "train.csv")
    assert (tmp_path / "train.csv").read_text().startswith("emotion,pixels\n")
    assert load(tmp_path / "train.csv").sha256 == fer_rows.split("train").sha256


@pytest.mark.parametrize("target", ["own.csv", "own.parquet", "own"])
def test_own_class_names_survive(target: str, fer_rows: Dataset, tmp_path: Path):
    own = Dataset.of(fer_rows.images[:6], [0, 1, 2, 0, 1, 2], class_names=("contempt", "ruhe", "Ärger"))
    save(own, tmp_path / target)
    data = load(tmp_path / target)
    assert (data.sha256, data.class_names) == (own.sha256, own.class_names)


def test_any_folder_per_class_set(tmp_path: Path):
    colour = np.zeros((96, 80, 3), np.uint8)
    colour[..., 2] = 255
    for name in ("train/Anger/a b.jpg", "train/happiness/ü.png", "valid/Fearful/x.bmp", "test/sadness/1.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imencode(Path(name).suffix, colour)[1].tofile(tmp_path / name)
    data = load(tmp_path, size=64)
    found = {(EMOTIONS[label], split) for label, split in zip(data.labels, data.splits, strict=True)}
    assert found == {("angry", "train"), ("happy", "train"), ("fear", "val"), ("sad", "test")}
    assert data.images.shape == (4, 64, 64)
    assert np.abs(data.images.astype(int) - 76).max() <= 2  # pure red is 0.299 of white
    (tmp_path / "train" / "contempt").mkdir()
    (tmp_path / "train/Anger/a b.jpg").rename(tmp_path / "train/contempt/a.jpg")
    assert load(tmp_path).class_names == ("Fearful", "contempt", "happiness", "sadness")


def test_the_split_folder_may_lie_inside_the_class_folder_or_be_the_root(fer_rows: Dataset, tmp_path: Path):
    for name in ("happy/train/1.png", "happy/val/2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encode_png(fer_rows.images[0]))
    assert load(tmp_path).splits.tolist() == ["train", "val"]
    (tmp_path / "happy").rename(tmp_path / "sad")
    (tmp_path / "test" / "angry").mkdir(parents=True)
    (tmp_path / "sad/train/1.png").rename(tmp_path / "test/angry/1.png")
    assert load(tmp_path / "test").splits.tolist() == ["test"]


def test_hugging_face_parquet_takes_the_files_own_class_order(fer_rows: Dataset, tmp_path: Path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is absent: pip install emojimation[train]")
    import pyarrow.parquet as pq

    names = sorted(EMOTIONS)
    cells = [{"bytes": encode_png(image), "path": None} for image in fer_rows.images]
    labels = [names.index(EMOTIONS[label]) for label in fer_rows.labels]
    features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = pa.table({"image": cells, "label": labels}).replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, tmp_path / "test-00000-of-00001.parquet")
    (tmp_path / "test_of_mine.parquet").write_bytes((tmp_path / "test-00000-of-00001.parquet").read_bytes())
    assert load(tmp_path / "test_of_mine.parquet").splits_present == ("train",)
    data = load(tmp_path / "test-00000-of-00001.parquet")
    assert data.sha256 == fer_rows.sha256 and data.splits_present == ("test",)


@pytest.mark.parametrize("kind", ["raw", "text", "list"])
def test_parquet_with_plain_pixels(kind: str, fer_rows: Dataset, tmp_path: Path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is absent: pip install emojimation[train]")
    import pyarrow.parquet as pq

    cells = {
        "raw": [image.tobytes() for image in fer_rows.images],
        "text": [" ".join(map(str, image.ravel())) for image in fer_rows.images],
        "list": [image.ravel().tolist() for image in fer_rows.images],
    }[kind]
    words = [EMOTIONS[label] for label in fer_rows.labels]
    pq.write_table(pa.table({"pixels": cells, "emotion": words, "split": fer_rows.splits}), tmp_path / "a.parquet")
    data = load(tmp_path / "a.parquet")
    assert data.sha256 == fer_rows.sha256 and data.splits.tolist() == fer_rows.splits.tolist()


def ferplus_csv(data: Dataset, path: Path) -> Path:
    lines = ["Usage,Image name," + ",".join(FERPLUS_COLUMNS)]
    for split, name, votes in zip(data.splits, data.names, data.votes, strict=True):
        lines.append(f"{USAGES[split]},{name}," + ",".join(map(str, votes)))
    path.write_text("\n".join(lines))
    return path


def test_ferplus_votes_join_by_row_order(fer_rows: Dataset, tmp_path: Path):
    votes = ferplus_csv(fer_rows, tmp_path / "fer2013new.csv")
    save(fer_rows, tmp_path / "fer2013.csv")
    data = load(tmp_path / "fer2013.csv", votes)
    assert np.array_equal(data.votes, fer_rows.votes) and data.names.tolist() == fer_rows.names.tolist()
    save(fer_rows.split("train"), tmp_path / "train.csv")
    assert np.array_equal(load(tmp_path / "train.csv", votes).votes, fer_rows.split("train").votes)


def test_ferplus_that_does_not_fit_is_refused(fer_rows: Dataset, tmp_path: Path):
    save(fer_rows, tmp_path / "a.csv")
    short = ferplus_csv(fer_rows.take(slice(0, 50)), tmp_path / "short.csv")
    with pytest.raises(InputError, match=r"50 FER\+ rows .* has 60 rows"):
        load(tmp_path / "a.csv", short)
    turned = ferplus_csv(fer_rows.take(np.arange(60)[::-1]), tmp_path / "turned.csv")
    with pytest.raises(InputError, match="row 1 is 'test', but 'train'"):
        load(tmp_path / "a.csv", turned)
    with pytest.raises(InputError, match=r"missing FER\+ columns image name, neutral"):
        load(tmp_path / "a.csv", tmp_path / "a.csv")
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "a.csv", tmp_path / "none.csv")


def test_saving_refuses_what_it_cannot_keep(fer_rows: Dataset, tmp_path: Path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "x.png").write_bytes(b"")
    with pytest.raises(InputError, match="is not empty"):
        save(fer_rows, tmp_path / "old")
    large = Dataset.of(np.zeros((1, 64, 64), np.uint8), [0])
    with pytest.raises(InputError, match="a csv holds 48x48 images, these are 64"):
        save(large, tmp_path / "a.csv")
    numbers = Dataset.of(fer_rows.images[:2], [0, 1], class_names=("1", "2"))
    with pytest.raises(InputError, match="would take the class names 1, 2 for FER2013's ids"):
        save(numbers, tmp_path / "a.csv")
    with pytest.raises(InputError, match="cannot infer the format"):
        format_of("a.txt")
    with pytest.raises(InputError, match="unknown format 'yaml'"):
        save(fer_rows, tmp_path / "a.csv", "yaml")
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


def test_take_split_and_counts(fer_rows: Dataset):
    train = fer_rows.split("train")
    assert len(train) == 30 and set(train.splits.tolist()) == {"train"}
    assert np.array_equal(train.votes, fer_rows.votes[:30]) and train.sha256 != fer_rows.sha256
    assert fer_rows.take(np.arange(60)).sha256 == fer_rows.sha256
    assert fer_rows.take([5, 3]).names.tolist() == ["fer0000005.png", "fer0000003.png"]
    assert sum(sum(row.values()) for row in fer_rows.counts().values()) == 60
    with pytest.raises(InputError, match="no rows in split 'test'; splits present: train"):
        train.split("test")


def test_no_heavy_module_is_loaded_before_it_is_needed():
    heavy = "('pyarrow', 'matplotlib', 'keras', 'sklearn')"
    code = f"import sys, emojimation.cli.data; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_real_fer2013_has_the_official_counts(fer2013: Dataset):
    counts = fer2013.counts()
    assert list(counts["train"].values()) == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert sum(counts["val"].values()) == 3589
    assert fer2013.votes is not None and fer2013.images.shape == (32_298, 48, 48)


def test_real_fer2013_survives_the_csv(fer2013: Dataset, tmp_path: Path):
    rows = fer2013.take(np.r_[:300, 28_609:28_809])
    save(rows, tmp_path / "fer2013.csv")
    assert load(tmp_path / "fer2013.csv").sha256 == rows.sha256
