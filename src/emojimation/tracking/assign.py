"""Which of n goes with which of m at the least total cost."""

import numpy as np


def assign(cost: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (row, column) of the assignment with the least total cost; min(n, m) pairs for a (n,m) matrix.

    The Hungarian method by shortest augmenting paths with potentials (Jonker and Volgenant, "A shortest augmenting
    path algorithm for dense and sparse linear assignment problems", Computing 38, 1987); O(n^2 m).
    """
    if cost.shape == (1, 1):
        return [(0, 0)]  # one person, one face: most frames
    if cost.shape[0] > cost.shape[1]:
        return sorted((i, j) for j, i in assign(cost.T))
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows + 1), np.zeros(columns + 1)
    row_of = np.zeros(columns + 1, int)  # rows and columns count from 1; 0 is "none", and column 0 holds the new row
    for row in range(1, rows + 1):
        row_of[0] = row
        came_from, end = _shortest_path(cost, row_of, row_price, column_price)
        while end:
            row_of[end] = row_of[came_from[end]]
            end = came_from[end]
    return sorted((int(row_of[j]) - 1, j - 1) for j in range(1, columns + 1) if row_of[j])


def _shortest_path(
    cost: np.ndarray, row_of: np.ndarray, row_price: np.ndarray, column_price: np.ndarray
) -> tuple[np.ndarray, int]:
    """The cheapest way from column 0 to a free column, as predecessors and its end; prices are kept up to date."""
    columns = cost.shape[1]
    slack, came_from = np.full(columns + 1, np.inf), np.zeros(columns + 1, int)
    visited = np.zeros(columns + 1, bool)
    here = 0
    while True:
        visited[here] = True
        row = row_of[here]
        reduced = np.append(np.inf, cost[row - 1] - row_price[row] - column_price[1:])
        closer = ~visited & (reduced < slack)
        slack[closer], came_from[closer] = reduced[closer], here
        here = int(np.argmin(np.where(visited, np.inf, slack)))
        step = slack[here]
        row_price[row_of[visited]] += step
        column_price[visited] -= step
        slack[~visited] -= step
        if not row_of[here]:
            return came_from, here
