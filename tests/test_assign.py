"""The assignment is the best of all, by trying all."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emojimation.tracking.assign import assign


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6))
def test_assignment_is_the_best_of_all(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, 9, (rows, columns)).astype(float) if seed % 2 else rng.normal(size=(rows, columns))
    wide = cost if rows <= columns else cost.T
    best = min(
        sum(wide[i, j] for i, j in enumerate(p)) for p in itertools.permutations(range(wide.shape[1]), len(wide))
    )
    pairs = assign(cost)
    assert len(pairs) == min(rows, columns) == len({i for i, _ in pairs}) == len({j for _, j in pairs})
    assert sum(cost[i, j] for i, j in pairs) == pytest.approx(best)


def test_assignment_of_nothing_is_empty() -> None:
    assert assign(np.zeros((0, 3))) == [] == assign(np.zeros((3, 0)))
