"""The low-pass filter is exact for what it assumes, the same at any frame rate, and calms trembling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

    for phase in np.arange(10) / 50:
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
    times = np.arange(0, 150, 1 / fps)
    noise = 5 + np.random.default_rng(1).normal(0, 1, (len(times), 1))
    plain, value = [], noise[0]
    for sample in noise:
        value = value + (1 - np.exp(-1 / fps / MEMORY_S)) * (sample - value)
        plain.append(value)
    assert filtered(times, noise).std() < 1.03 * np.array(plain).std()


def test_no_memory_means_no_filter():
    samples = np.array([[0.2, 0.8], [0.9, 0.1], [0.5, 0.5]])
    assert np.array_equal(filtered(np.array([0, 0.1, 0.2]), samples, 0.0), samples)


memory = st.floats(0.05, 3)
steps = st.lists(st.floats(0.01, 0.6), min_size=2, max_size=12).map(np.array)


def at(steps):
    return np.concatenate([[0.0], np.cumsum(steps)])


@settings(max_examples=40)
@given(steps, memory, st.floats(0, 1))
def test_what_never_changes_stays(steps, memory_s, share):
    samples = np.tile([share, 1 - share], (len(steps) + 1, 1))
    np.testing.assert_allclose(filtered(at(steps), samples, memory_s), samples, atol=1e-12)


@settings(max_examples=40)
@given(memory, st.floats(0.05, 4), st.integers(1, 8))
def test_a_jump_is_forgotten_with_the_memory_however_many_steps_it_takes(memory_s, after_s, parts):
    """Once the jump lies two samples back: 1 - exp(-t / memory)."""
    times = np.concatenate([[0, 1e-6, 2e-6, 3e-6], 3e-6 + after_s * np.arange(1, parts + 1) / parts])
    samples = np.stack([times > 0, times <= 0], axis=1).astype(float)
    said = filtered(times, samples, memory_s)
    np.testing.assert_allclose(said[-1], [1 - np.exp(-after_s / memory_s), np.exp(-after_s / memory_s)], atol=1e-4)


@settings(max_examples=40)
@given(steps, memory, st.integers(0, 99))
def test_two_half_steps_are_one(steps, memory_s, seed):
    """On a straight way, which a sample in the middle says nothing new of; and whatever it was before."""
    times = at(steps)
    a, b = np.random.default_rng(seed).uniform([[2], [-1]], [[4], [1]], (2, 3))
    halves = np.sort(np.concatenate([times, (times[1:] + times[:-1]) / 2]))
    whole, halved = (filtered(t, a + np.outer(t, b), memory_s) for t in (times, halves))
    np.testing.assert_allclose(halved[::2], whole, atol=1e-9)


@settings(max_examples=30)
@given(steps, memory, st.floats(0.2, 5), st.integers(0, 99))
def test_only_the_share_of_the_memory_matters(steps, memory_s, factor, seed):
    samples = np.random.default_rng(seed).dirichlet(np.ones(3), len(steps) + 1)
    plain = filtered(at(steps), samples, memory_s)
    np.testing.assert_allclose(filtered(at(steps) * factor, samples, memory_s * factor), plain, atol=1e-7)
    assert plain.min() >= 0
    np.testing.assert_allclose(plain.sum(axis=1), 1)


def test_a_longer_memory_is_slower():
    times, samples = np.arange(8) / 10, np.repeat([[0.0], [1.0]], [2, 6], axis=0)
    said = np.array([filtered(times, samples, memory_s)[2:, 0] for memory_s in (0.1, 0.2, 0.4, 0.8)])
    assert (np.diff(said, axis=0) < 0).all() and (np.diff(said, axis=1) > 0).all()


@pytest.mark.parametrize(("ratio", "bent"), [(0.5, True), (2.0, True), (2.4, False), (0.4, False)])
def test_steps_up_to_twice_as_long_bend_the_way(ratio, bent):
    """The step after next is solved with the parabola through three samples, or along the straight line."""
    times = np.array([0, 0.25, 0.25 + 0.25 * ratio])
    samples = (0.9 - 0.1 * times + 0.8 * times**2)[:, None]
    (second,) = filtered(times[:2], samples[:2])[1:]
    (said,) = filtered(times, samples)[2]
    # The first step is solved anew with what the third sample tells of it: so all of the way is the parabola.
    curved = exactly(times, 0.9, -0.1, 0.8, 0.9)[2]
    straight = exactly(
        times[1:] - times[1], samples[1, 0], float(np.diff(samples[1:, 0])[0] / (0.25 * ratio)), 0, second
    )
    assert said == pytest.approx(float(curved if bent else straight[1]), abs=1e-9)


def test_where_the_bend_dips_below_zero_the_rest_is_scaled():
    """Three samples in a line apart from the jump: the parabola through them falls under zero before the last."""
    lowpass = LowPass(np.array([1.0, 0, 0]))
    lowpass.add(np.array([0, 0.6, 0.4]), 0.2, 0.05)
    said = lowpass.add(np.array([0, 0.6, 0.4]), 0.2, 0.05)
    assert said[0] == 0 and said.sum() == pytest.approx(1)
    assert said[1] / said[2] == pytest.approx(1.5)


def test_a_long_video_leaves_no_more_than_four_samples():
    lowpass = LowPass(np.zeros(1))
    for _ in range(50):
        lowpass.add(np.ones(1), 0.1, 1.0)
    assert (len(lowpass._samples), len(lowpass._steps)) == (4, 3)


def test_without_memory_the_filter_starts_anew_from_the_last_sample():
    lowpass = LowPass(np.zeros(1))
    lowpass.add(np.ones(1), 0.1, 0.0)
    lowpass.add(np.ones(1), 0.1, 0.5)
    assert lowpass.add(np.ones(1), 0.1, 0.5) == pytest.approx(1.0)


def test_steps_far_below_the_memory_add_up():
    """A tenth of a millisecond each: what is constant stays, and a jump is forgotten in its time."""
    lowpass, steady = LowPass(np.array([1.0, 0.0])), LowPass(np.array([0.5, 0.5]))
    for _ in range(2000):
        said, stayed = lowpass.add(np.array([0.0, 1.0]), 1e-4, 0.2), steady.add(np.array([0.5, 0.5]), 1e-4, 0.2)
    np.testing.assert_allclose(said, [np.exp(-1), 1 - np.exp(-1)], atol=1e-3)
    np.testing.assert_allclose(stayed, 0.5)
