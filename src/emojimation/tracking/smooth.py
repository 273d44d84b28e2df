"""A low-pass filter over seconds, whose output hardly depends on the frame rate."""

import math

import numpy as np

# The parabola through three samples is used only if their steps are similar; across a gap the path is straight.
LIKE_STEPS = 2.0
SHORTEST = 1e-3  # a step this small, as a share of the memory, is straight as well: its bend would be invisible


class LowPass:
    """The solution of value' = (input - value) / memory_s for an input that is known only at the samples.

    Between two samples the input follows parabolas through three of them; for each piece the equation is solved
    exactly. The usual step value += (1 - exp(-step / memory)) * (sample - value) uses the new sample for the whole
    interval and so runs ahead by half of it: at 5 frames per second by 0.1 s, at 30 by 0.017 s, and the two videos
    would differ. The piece between the last two samples is solved for good once the next sample is known.

    sample: (n,) float64. Sums are preserved and, unless `signed`, nothing becomes negative, as probabilities require.
    """

    def __init__(self, sample: np.ndarray, signed: bool = False) -> None:
        self._finish = np.asarray if signed else _not_negative
        self.value = sample
        self._settled = sample  # the value at the second last sample
        self._samples = [sample]  # the last four at most, and the steps between them
        self._steps: list[float] = []

    def add(self, sample: np.ndarray, step_s: float, memory_s: float) -> np.ndarray:
        """Take the next sample, `step_s` seconds after the last; returns the filtered value (n,)."""
        self._samples, self._steps = [*self._samples[-3:], sample], [*self._steps[-2:], step_s]
        if memory_s <= 0:
            self.value = self._settled = sample
            self._samples, self._steps = [sample], []
            return sample
        x, h, bends = self._samples, self._steps, self._bends()
        if len(h) > 1:
            known = bends[-2:]
            self._settled = _through(self._settled, x[-3], x[-2], np.mean(known, axis=0), h[-2], memory_s)
        last = bends[-1] if bends else np.zeros_like(sample)
        self.value = self._finish(_through(self._settled, x[-2], x[-1], last, h[-1], memory_s))
        return self.value

    def _bends(self) -> list[np.ndarray]:
        """Half the second derivative of the parabola through each three samples, 0 if their steps differ much."""
        bends = []
        for a, b, c, first, second in zip(
            self._samples, self._samples[1:], self._samples[2:], self._steps, self._steps[1:], strict=False
        ):
            alike = first > 0 and second > 0 and max(first, second) <= LIKE_STEPS * min(first, second)
            bends.append(((c - b) / second - (b - a) / first) / (first + second) if alike else np.zeros_like(a))
        return bends


def _not_negative(value: np.ndarray) -> np.ndarray:
    """A bend may dip a little below zero, which no probability may: clipped, with the rest scaled to the same sum."""
    if value.min() >= 0 or value.sum() <= 0:
        return value
    cut = np.maximum(value, 0)
    return cut * (value.sum() / cut.sum())


def _through(
    value: np.ndarray, start: np.ndarray, end: np.ndarray, bend: np.ndarray, step_s: float, memory_s: float
) -> np.ndarray:
    """The filtered value after an input start + (end - start) s / step + bend s (s - step), s from 0 to `step_s`.

    The input's powers s^k are weighted by exp(-(step - s) / memory) / memory; integrated by parts they give m0, m1, m2.
    """
    ratio = step_s / memory_s
    decay = math.exp(-ratio)
    m0 = 1 - decay
    if ratio < SHORTEST:
        return decay * value + m0 * (start + end) / 2
    m1 = step_s - memory_s * m0
    m2 = step_s**2 - 2 * memory_s * m1
    return decay * value + m0 * start + m1 / step_s * (end - start) + (m2 - step_s * m1) * bend
