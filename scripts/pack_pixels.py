"""A FER data set as one small file, to carry it to a machine that cannot hold or fetch more, and back.

Run: python scripts/pack_pixels.py fer2013_train_val.parquet fer2013.packed      (any shape that `load` reads)
     python scripts/pack_pixels.py fer2013.packed fer2013.parquet                (any format that `save` writes)

Each pixel is kept as its difference to a guess from its neighbours, the rows' labels, splits, names and FER+ votes
beside it, all in one xz stream. FER2013's 32,298 rows of Training and PublicTest take 58 MB as PNG in Parquet and 51 MB
so. The content's sha256 is compared after unpacking.
"""

import io
import lzma
import sys
from pathlib import Path

import numpy as np

from emojimation.training.data.load import Dataset, load, save

MAGIC = b"\xfd7zXZ\x00"
# Pixels have no text-like contexts: literal context bits off, as xz's manual advises for such data.
FILTERS = [
    {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0, "dict_size": 1 << 27}
]


def guess(left: np.ndarray, up: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """LOCO-I's median edge detector (Weinberger et al., IEEE Trans. Image Processing 2000) of int16 neighbours."""
    low, high = np.minimum(left, up), np.maximum(left, up)
    return np.where(corner >= high, low, np.where(corner <= low, high, left + up - corner))


def differences(images: np.ndarray) -> np.ndarray:
    """Each pixel of (n,h,w) uint8 less its guess, mod 256; beyond the border everything is 0."""
    padded = np.pad(images.astype(np.int16), ((0, 0), (1, 0), (1, 0)))
    return (images - guess(padded[:, 1:, :-1], padded[:, :-1, 1:], padded[:, :-1, :-1])).astype(np.uint8)


def restored(given: np.ndarray) -> np.ndarray:
    """The images (n,h,w) uint8 whose `differences` these are."""
    n, height, width = given.shape
    padded = np.zeros((height + 1, width + 1, n), np.int16)
    for y in range(height):
        for x in range(width):
            expected = guess(padded[y + 1, x], padded[y, x + 1], padded[y, x])
            padded[y + 1, x + 1] = (given[:, y, x] + expected) % 256
    return np.ascontiguousarray(padded[1:, 1:].transpose(2, 0, 1)).astype(np.uint8)


def pack(dataset: Dataset) -> bytes:
    """The data set as bytes; `unpack` reads them."""
    votes = {} if dataset.votes is None else {"votes": dataset.votes}
    buffer = io.BytesIO()
    np.savez(
        buffer,
        differences=differences(dataset.images),
        labels=dataset.labels,
        splits=dataset.splits,
        names=dataset.names.astype("S"),
        classes=np.array(dataset.class_names),
        sha256=dataset.sha256,
        **votes,
    )
    return lzma.compress(buffer.getvalue(), filters=FILTERS)


def unpack(content: bytes) -> Dataset:
    """The data set that `pack` wrote."""
    with np.load(io.BytesIO(lzma.decompress(content))) as parts:
        images = restored(parts["differences"])
        dataset = Dataset.of(
            images,
            parts["labels"],
            parts["splits"],
            parts["names"].astype(str),
            parts.get("votes"),
            parts["classes"].tolist(),
            "packed",
        )
        if dataset.sha256 != str(parts["sha256"]):
            raise SystemExit("Expected the pixels that were packed, got others: the file is damaged.")
    return dataset


def main() -> None:
    """Pack or unpack, by what the first file is."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    packed = source.is_file() and source.read_bytes()[: len(MAGIC)] == MAGIC and not source.name.endswith(".csv.xz")
    if packed:
        save(unpack(source.read_bytes()), target)
    else:
        target.write_bytes(pack(load(source)))
    print(f"{source} {source.stat().st_size / 1e6:.1f} MB -> {target} {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
