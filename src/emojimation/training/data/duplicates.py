"""Byte-identical and near-duplicate images of a data set, in groups."""

from collections.abc import Iterator

import cv2
import numpy as np

SMALL_PX = 16
# A difference hash of the same photo, cropped or re-encoded, differs in at most this many of its 64 bits: true for 98 %
# of the FER2013 pairs that correlate by 0.95 or more.
HASH_BITS = 10
# Chosen by eye on FER2013: at these correlations sampled pairs were the same photo; below, look-alikes begin. Flipped
# copies are rare, so that chance look-alikes weigh more among them and the bar is higher.
SAME_PHOTO = 0.92
SAME_PHOTO_FLIPPED = 0.95
# The same photo in another crop correlates less as it lies. Moved and scaled to fit, it correlates by this much: on
# FER2013 nearly all pairs above are the same photo by eye, nearly all below 0.92 two people, and few lie between.
MAYBE_SAME_PHOTO, SAME_PHOTO_MOVED = 0.8, 0.94
CENTRE_PX, SCALED_PX, WHOLE_PX = 36, (34, 36, 38, 40, 42), 48
BLOCK = 4_000_000


def identical_ids(images: np.ndarray) -> np.ndarray:
    """For each image of (n,s,s) uint8 the position of the first one with identical bytes, (n,) int64."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(image.tobytes(), i) for i, image in enumerate(images)], np.int64)


def near_pairs(images: np.ndarray, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of the same photo among distinct images (n,s,s) uint8, upright or one of them flipped left to right.

    rows: positions of which a pair must hold at least one, by default all. Returns positions (k,2) int64, correlation
    (k,) float32 and flipped (k,) bool. Candidates have difference hashes within `HASH_BITS`; confirmed are those whose
    brightness-normalised 16x16 images correlate by `SAME_PHOTO`.
    """
    smalls = _shrink(images, SMALL_PX, SMALL_PX)
    vectors = _normalise(smalls)
    mirrored = np.ascontiguousarray(vectors.reshape(-1, SMALL_PX, SMALL_PX)[:, :, ::-1]).reshape(len(vectors), -1)
    hashes = difference_hash(images)
    hashes_mirrored = difference_hash(np.ascontiguousarray(images[:, :, ::-1]))
    found = [(np.zeros((0, 2), np.int64), np.zeros(0, np.float32), np.zeros(0, bool))]
    asked = np.arange(len(images)) if rows is None else rows
    for other, right, flipped, bar in (
        (hashes, vectors, False, SAME_PHOTO),
        (hashes_mirrored, mirrored, True, SAME_PHOTO_FLIPPED),
    ):
        for a, b in _candidates(hashes, other, asked):
            score = np.einsum("ij,ij->i", vectors[a], right[b])
            keep = score >= bar
            found.append((np.stack([a[keep], b[keep]], 1), score[keep], np.full(int(keep.sum()), flipped)))
    pairs, scores, flips = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return pairs, scores, flips


def difference_hash(images: np.ndarray) -> np.ndarray:
    """64 bits an image (n,) uint64: is each of 8x8 places brighter than its left neighbour (Krawetz 2013, dHash).

    In numpy over all images at once: imagehash's one-by-one PIL route takes about 100 times as long.
    """
    small = _shrink(images, 9, 8).astype(np.int16)
    bits = (small[:, :, 1:] > small[:, :, :-1]).reshape(len(images), 64)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _shrink(images: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.stack([cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) for image in images])


def _normalise(smalls: np.ndarray) -> np.ndarray:
    """Unit vectors without brightness, contrast and what all faces share; flat images become zero vectors.

    The common face is subtracted because it alone makes strangers correlate by 0.9. It is made symmetric, so that
    flipped copies are treated alike, and shrunk in small sets, where it would be mostly the images themselves.
    """
    flat = _unit(smalls.reshape(len(smalls), -1).astype(np.float32))
    mean = flat.mean(axis=0).reshape(smalls.shape[1:])
    common = (mean + mean[:, ::-1]) / 2 * (len(smalls) / (len(smalls) + 100))
    centred = flat - common.ravel()
    centred[np.linalg.norm(flat, axis=1) < 0.5] = 0
    return _unit(centred, centre=False)


def _unit(vectors: np.ndarray, centre: bool = True) -> np.ndarray:
    vectors = vectors - vectors.mean(axis=1, keepdims=True) if centre else vectors
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Below one grey level of spread there is no image to compare.
    floor = SMALL_PX if centre else 1e-6
    return np.where(lengths < floor, 0, vectors / np.maximum(lengths, 1e-6)).astype(np.float32)


def _candidates(hashes: np.ndarray, others: np.ndarray, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of positions a < b, one of them among `rows`, where a's hash and b's other hash are close.

    All pairs are compared: xor and popcount over FER2013's 5e8 pairs take 2 s, and no band of a hash can be unlucky.
    """
    rest = np.setdiff1d(np.arange(len(hashes)), rows)
    step = max(1, BLOCK // max(1, len(hashes)))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        yield from (
            _close(hashes, others, np.arange(block.max()), block),
            _close(hashes, others, block, rest[rest > block.min()]),
        )


def _close(
    hashes: np.ndarray, others: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    distance = np.bitwise_count(hashes[first, None] ^ others[None, second])
    i, j = np.nonzero(distance <= HASH_BITS)
    a, b = first[i], second[j]
    return a[a < b], b[a < b]


def group_ids(n: int, pairs: np.ndarray) -> np.ndarray:
    """Connected groups of `n` things joined by `pairs` (k,2): for each its smallest member, (n,) int64 (union-find)."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in pairs.tolist():
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return np.array([root(i) for i in range(n)], np.int64)


def groups_of(ids: np.ndarray) -> list[np.ndarray]:
    """Positions of each group with two members or more, in order of first member; `ids` (n,) as from `group_ids`."""
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.diff(ids[order], prepend=-1))
    return [rows for rows in np.split(order, starts[1:]) if len(rows) > 1]


def moved_pairs(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Pairs (k,2) int64 of the same photo in two crops: each of `rows` with the image most like it, if they fit.

    images: (n,s,s) uint8, distinct. Fitting moves and scales the centre of one over the other.
    """
    vectors = _normalise(_shrink(images, SMALL_PX, SMALL_PX))
    found = []
    for start in range(0, len(rows), 256):
        block = rows[start : start + 256]
        alike = vectors[block] @ vectors.T
        alike[np.arange(len(block)), block] = -1
        best = alike.argmax(1)
        maybe = alike[np.arange(len(block)), best] >= MAYBE_SAME_PHOTO
        found += [(a, b) for a, b in zip(block[maybe].tolist(), best[maybe].tolist(), strict=True)]
    kept = [pair for pair in found if fit_of(images[pair[0]], images[pair[1]]) >= SAME_PHOTO_MOVED]
    return np.array(kept, np.int64).reshape(-1, 2)


def fit_of(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two grey images where the centre of one, at the best of five scales, fits the other best."""
    a, b = (cv2.resize(image, (WHOLE_PX, WHOLE_PX), interpolation=cv2.INTER_AREA) for image in (a, b))
    edge = (WHOLE_PX - CENTRE_PX) // 2
    scores = [
        cv2.matchTemplate(there, cv2.resize(here, (side, side), interpolation=cv2.INTER_AREA), cv2.TM_CCOEFF_NORMED)
        for here, there in ((a[edge:-edge, edge:-edge], b), (b[edge:-edge, edge:-edge], a))
        for side in SCALED_PX
    ]
    return float(max(score.max() for score in scores))


def near_ids(
    images: np.ndarray, identical: np.ndarray, rows: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, int]]:
    """Group of each image, (n,) int64, with identical and near-duplicate images together, and counts of pairs.

    rows: positions of those whose copies are searched for, by default all.
    """
    distinct = np.flatnonzero(identical == np.arange(len(images)))
    asked = np.arange(len(distinct)) if rows is None else np.flatnonzero(np.isin(distinct, identical[rows]))
    pairs, _, flipped = near_pairs(images[distinct], asked)
    moved = moved_pairs(images[distinct], asked)
    counts = {
        "near_pairs": len(np.unique(np.sort(np.concatenate([pairs, moved]), axis=1), axis=0)),
        "flipped_pairs": int(flipped.sum()),
    }
    pairs = np.concatenate([pairs, moved])
    merged = np.concatenate([distinct[pairs], np.stack([identical, np.arange(len(images))], 1)])
    return group_ids(len(images), merged), counts
