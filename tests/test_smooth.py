"""The low-pass filter is exact for what it assumes, the same at any frame rate, and calms trembling."""

import numpy as np
import pytest

from emojimation.tracking.smooth import LowPass

MEMORY_S = 0.4


def filtered(times, samples, memory_s=MEMORY_S):
    """(k,n): the filter's value at each time; samples (k,n)."""
    lowpass, said = LowPass(samples[0]), [samples[0]]
    for step, sample in zip(np.diff(times), samples[1:], strict=True):
        said.append(lowpass.add(sample, float(step), memory_s))
    return np.array(said)


def exactly(times, a, b, c, start):
    """The solution of y' = (a + b t + c t^2 - y) / memory from `start` at times[0]."""
    m = MEMORY_S

    def settled(t):
        return a - b * m + 2 * c * m * m + (b - 2 * c * m) * t + c * t * t

    return settled(times) + (start - settled(times[0])) * np.exp(-(times - times[0]) / m)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("curve", [(0.3, 0, 0), (0.2, 0.15, 0)])
def test_constant_and_straight_inputs_are_exact_at_any_times(seed, curve):
    a, b, c = curve
    times = np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.5, 20))
    samples = (a + b * times)[:, None]
    assert np.allclose(filtered(times, samples)[:, 0], exactly(times, a, b, c, samples[0, 0]), atol=1e-12)


@pytest.mark.parametrize("fps", [5, 7.3, 30])
def test_bent_inputs_are_exact_but_for_the_first_step(fps):
    """Only in the first step, when two samples are known, a parabola cannot be told from a straight line."""
    times = np.arange(0, 4, 1 / fps)
    samples = (0.9 - 0.1 * times + 0.02 * times**2)[:, None]
    said = filtered(times, samples)[:, 0]
    assert np.allclose(said[2:], exactly(times, 0.9, -0.1, 0.02, 0.9)[2:], atol=1e-12)


@pytest.mark.parametrize("onset_s", [0.4, 0.5, 0.75, 1.0])
def test_5_and_30_samples_a_second_agree_within_2_percent(onset_s):
    """A smile that comes within `onset_s` and goes again, wherever the samples fall."""

    def smile(t, phase):
        up, down = (np.clip((t - at - phase) / onset_s, 0, 1) for at in (1.0, 3.0))
        return 0.9 * (np.cos(np.pi * down) - np.cos(np.pi * up)) / 2

    for phase in np.arange(20) / 100:
        slow, fast = (
            filtered(times, np.stack([smile(times, phase), 1 - smile(times, phase)], 1))
            for times in (np.arange(25) / 5, np.arange(150) / 30)
        )
        assert np.abs(slow - fast[::6]).max() < 0.02
        assert slow.min() >= 0 and np.allclose(slow.sum(axis=1), 1)


def test_a_jump_after_a_gap_is_taken_straight_and_stays_a_probability():
    times = np.array([0, 0.03, 0.06, 1.06, 1.09])
    samples = np.array([[0, 1], [0.05, 0.95], [0, 1], [1, 0], [1, 0]], float)
    said = filtered(times, samples)
    assert said.min() >= 0 and said.max() <= 1 and np.allclose(said.sum(axis=1), 1)
    ratio = 1 / MEMORY_S
    assert said[3, 0] == pytest.approx(1 - (1 - np.exp(-ratio)) / ratio, abs=0.01)


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_noise_is_calmed_as_by_the_plain_filter(fps):
    times = np.arange(0, 400, 1 / fps)
    noise = 5 + np.random.default_rng(1).normal(0, 1, (len(times), 1))
    plain, value = [], noise[0]
    for sample in noise:
        value = value + (1 - np.exp(-1 / fps / MEMORY_S)) * (sample - value)
        plain.append(value)
    assert filtered(times, noise).std() < 1.03 * np.array(plain).std()


def test_no_memory_means_no_filter():
    samples = np.array([[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]])
    assert np.array_equal(filtered(np.array([0, 0.1, 0.2]), samples, 0.0), samples)
