"""Base rates: what they do to answers, where they come from, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.labels import EMOTION_LABELS, EMOTIONS, FERPLUS_LABELS, label_set
from emojimation.photos import analyze, run_images
from emojimation.pipeline import make_pipeline
from emojimation.priors import FLOOR, NAMES, corrected, estimated, prior_of, reweighted, trained_shares
from emojimation.tracking.adapt import AdaptingTracker, StreamRates, tracker_for
from emojimation.tracking.track import Tracker

TRAINED = trained_shares(EMOTION_LABELS)
vectors = st.lists(st.floats(0.001, 1), min_size=7, max_size=7).map(lambda v: np.array(v) / np.sum(v))


def test_fer2013_calls_17_percent_neutral_and_the_world_more():
    assert TRAINED[EMOTIONS.index("neutral")] == pytest.approx(0.173, abs=0.001)
    assert prior_of("everyday", EMOTION_LABELS).shares[EMOTIONS.index("neutral")] == pytest.approx(0.4)


@given(vectors, vectors)
def test_reweighting_is_undone_by_going_back(p, new):
    there = reweighted(p[None], new, TRAINED)
    assert there.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(reweighted(there, TRAINED, new)[0], p, atol=1e-4)


def test_bayes_rule_by_hand():
    p, new, trained = np.array([[0.5, 0.5]]), np.array([0.2, 0.8]), np.array([0.5, 0.5])
    np.testing.assert_allclose(reweighted(p, new, trained), [[0.2, 0.8]], rtol=1e-6)


def test_the_prior_of_the_training_data_changes_no_digit(tiny_model, astronaut):
    plain, everyday = (make_pipeline(tiny_model, prior=name) for name in ("fer2013", "everyday"))
    crops = np.random.default_rng(1).integers(0, 255, (5, 48, 48), np.uint8)
    answers = plain.classifier.predict(crops)
    np.testing.assert_array_equal(corrected(answers, plain.prior, TRAINED), answers)
    assert not np.array_equal(corrected(answers, everyday.prior, TRAINED), answers)


def test_a_calm_face_is_called_neutral_with_everyday_base_rates(tiny_model):
    p = np.array([[0.1, 0.02, 0.1, 0.02, 0.36, 0.05, 0.35]])
    everyday = reweighted(p, prior_of("everyday", EMOTION_LABELS).shares, TRAINED)[0]
    assert EMOTIONS[p.argmax()] == "sad" and EMOTIONS[everyday.argmax()] == "neutral"


@pytest.mark.parametrize("shares", [(0.05, 0.01, 0.04, 0.5, 0.05, 0.05, 0.3), (0.3, 0.02, 0.2, 0.1, 0.2, 0.1, 0.08)])
def test_the_mix_of_a_stream_is_found_from_its_answers(shares):
    """Answers that are calibrated under equal base rates, of a stream with other ones."""
    rng = np.random.default_rng(3)
    truth = rng.choice(7, 4000, p=np.array(shares) / np.sum(shares))
    logits = rng.normal(0, 1, (4000, 7)) + 2.5 * np.eye(7)[truth]
    likelihood = np.exp(2.5 * logits)  # of unit normals whose means are 2.5 apart
    start = np.full(7, 1 / 7)
    answers = likelihood / likelihood.sum(1, keepdims=True)
    found = estimated(answers, start)
    np.testing.assert_allclose(found, np.array(shares) / np.sum(shares), atol=0.025)


def test_rare_emotions_survive_a_stream_without_them():
    answers = np.tile([0.001, 0.001, 0.001, 0.99, 0.001, 0.001, 0.005], (500, 1))
    found = estimated(answers, np.full(7, 1 / 7))
    assert found.min() >= FLOOR / (1 + 7 * FLOOR) and found.sum() == pytest.approx(1)


def test_other_classes_keep_their_own_mix():
    assert prior_of("everyday", label_set(("bored", "engaged"))).shares is None
    assert len(prior_of("everyday", FERPLUS_LABELS).shares) == 8
    assert trained_shares(label_set(("bored", "engaged"))) is None
    np.testing.assert_allclose(trained_shares(label_set(("bored", "engaged")), (30, 10)), [0.75, 0.25])


@pytest.mark.parametrize("wrong", ["everday", (1, 2), (0,) * 7, (-1, 1, 1, 1, 1, 1, 1), [float("nan")] * 7])
def test_other_priors_are_refused_in_one_line(wrong):
    with pytest.raises(InputError, match=r"Expected (the|a) prior") as caught:
        prior_of(wrong, EMOTION_LABELS)
    assert "\n" not in str(caught.value)


def test_every_name_is_known():
    assert all(prior_of(name, EMOTION_LABELS).name == name for name in NAMES)


def test_a_stream_learns_its_own_mix():
    """Of a person who is mostly sad, a leaning answer reads sad after a while; plain fear still shows."""
    start = prior_of("everyday", EMOTION_LABELS).shares
    tracker = AdaptingTracker(StreamRates(start), smooth_s=0.0)
    box = np.array([10, 10, 60, 60], np.float32)

    def seen(time_s: float, **shares: float) -> Face:
        vector = np.array([shares.get(name, 0.01) for name in EMOTIONS], np.float32)
        return tracker.update([Face(box, 0.9, probabilities=vector / vector.sum())], time_s)[0]

    first = seen(0.0, sad=0.45, neutral=0.5)
    for i in range(600):
        seen(i / 30 + 0.1, sad=0.9)
    later = seen(20.5, sad=0.45, neutral=0.5)
    assert first.emotion == "neutral" and later.emotion == "sad"
    assert seen(20.6, fear=0.97).emotion == "fear"
    assert tracker.rates.shares.min() > 0 and tracker.rates.shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("fps", [5, 30])
def test_a_stream_learns_in_seconds_not_in_frames(fps):
    rates = StreamRates(np.full(7, 1 / 7))
    sad = np.full(7, 0.02, np.float32)
    sad[EMOTIONS.index("sad")] = 0.88
    for i in range(10 * fps):
        rates([Face(np.array([10, 10, 60, 60], np.float32), 0.9, probabilities=sad)], i / fps)
    assert rates.shares[EMOTIONS.index("sad")] == pytest.approx(0.635, abs=0.02)


def test_only_a_stream_has_its_own_base_rates(tiny_model, astronaut):
    pipeline = make_pipeline(tiny_model, prior="stream")
    assert isinstance(tracker_for(pipeline.prior), AdaptingTracker)
    assert type(tracker_for(make_pipeline(tiny_model).prior)) is Tracker
    for refused in (lambda: run_images([], pipeline), lambda: analyze(astronaut, model=tiny_model, prior="stream")):
        with pytest.raises(InputError, match="only a video or a live stream"):
            refused()


def test_a_stream_of_other_classes_begins_with_their_own_mix():
    assert prior_of("stream", label_set(("bored", "engaged"))).shares is None
    assert prior_of("stream", EMOTION_LABELS).learns
