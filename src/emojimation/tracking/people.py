"""Who has been seen in a stream before, by appearance: a person who leaves and returns keeps their number."""

from collections.abc import Collection

import numpy as np

# Largest distance between the mean vectors (of length 1) of one person, and how much farther the next person must be.
# Measured: docs/decisions.md.
SAME, CLEARER = 0.32, 0.04


class People:
    """The appearance of everybody with a number; see `appearance` for the vectors."""

    def __init__(self) -> None:
        self._sums: dict[int, np.ndarray] = {}

    def saw(self, number: int, total: np.ndarray) -> None:
        """Add to what the person looks like: the sum (128,) of vectors of length 1."""
        self._sums[number] = total + self._sums.get(number, 0)

    def recognised(self, total: np.ndarray | None, present: Collection[int]) -> int | None:
        """The number of the person whose vectors sum up to `total`; None if nobody, or more than one, resembles them.

        present: numbers of the people who are visible at the same time, and therefore somebody else.
        """
        if total is None:
            return None
        distances = sorted((_apart(total, known), number) for number, known in self._sums.items())
        absent = [(distance, number) for distance, number in distances if number not in present]
        if not absent or absent[0][0] > SAME:
            return None
        rivals = [distance for distance, number in distances if number != absent[0][1]]
        return absent[0][1] if not rivals or rivals[0] >= absent[0][0] + CLEARER else None


def sum_of(known: np.ndarray | None, new: np.ndarray | None) -> np.ndarray | None:
    """Sum of two vectors, either of which may be unknown."""
    return known + new if known is not None and new is not None else new if known is None else known


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of the directions of two vectors, 0 to 2."""
    return float(np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b)))
