import numpy as np
import pytest

from emojimation.classify.classifier import BATCH, EmotionClassifier
from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import EMOJI, EMOTIONS
from tiny import card, write_model


@pytest.fixture(scope="module")
def classifier(tiny_model):
    return EmotionClassifier(tiny_model)


def crops(n=5, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 48, 48, 1), np.uint8)


def by_hand(images):
    """What the tiny model is built to answer: softmax of 8 * brightness for happy, 3 for sad, 0 for the rest."""
    logits = np.zeros((len(images), 7))
    logits[:, EMOTIONS.index("happy")] = 8 * images.reshape(len(images), -1).mean(1) / 255
    logits[:, EMOTIONS.index("sad")] = 3
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_answers_are_those_of_the_graph_on_0_to_255(classifier):
    answers = classifier.predict(crops())
    assert answers.shape == (5, 7) and answers.dtype == np.float32
    np.testing.assert_allclose(answers, by_hand(crops()), atol=1e-5)
    np.testing.assert_allclose(answers.sum(1), 1, atol=1e-5)


def test_a_missing_channel_axis_is_the_same(classifier):
    np.testing.assert_array_equal(classifier.predict(crops()), classifier.predict(crops()[..., 0]))


def test_no_crop_gives_no_row(classifier):
    answers = classifier.predict(np.zeros((0, 48, 48), np.uint8))
    assert answers.shape == (0, 7) and answers.dtype == np.float32


def test_many_crops_are_answered_in_order(classifier):
    many = crops(BATCH + 3)
    answers = classifier.predict(many)
    assert answers.shape == (BATCH + 3, 7)
    np.testing.assert_allclose(answers[-1:], classifier.predict(many[-1:]), atol=1e-6)


def test_threads_do_not_change_the_answer(tiny_model, classifier):
    np.testing.assert_allclose(
        EmotionClassifier(tiny_model, threads=2).predict(crops()), classifier.predict(crops()), atol=1e-6
    )


def test_the_card_is_read(classifier, tiny_model):
    assert (classifier.size, classifier.channels, classifier.threshold) == (48, 1, 0.6)
    np.testing.assert_allclose(classifier.template, TEMPLATE, atol=1e-6)
    assert classifier.card["temperature"] == 1.25 and classifier.card["metrics"] == {"accuracy": 0.5}
    assert classifier.card["labels"] == list(EMOTIONS) and classifier.card["path"] == str(tiny_model)
    assert classifier.card["data_sha256"] == "0" * 64 and classifier.card["commit"] == "f" * 40


def test_class_id_of_fer2013_to_emoji():
    """Column i of the answer is FER2013's class id i, and it leads to this word and this emoji."""
    words = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    for class_id, word in enumerate(words):
        face = Face(np.zeros(4, np.float32), 1.0, probabilities=np.eye(7, dtype=np.float32)[class_id])
        assert (face.emotion, face.emoji) == (word, EMOJI[word])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (np.zeros((2, 48, 48), np.float32), "float32"),
        (np.full((2, 48, 48), np.nan), "NaN"),
        (np.zeros((2, 48, 48), np.int64), "int64"),
        (np.zeros((2, 40, 48), np.uint8), r"\(2, 40, 48\)"),
        (np.zeros((48, 48), np.uint8), r"\(48, 48\)"),
        (np.zeros((2, 48, 48, 3), np.uint8), r"\(2, 48, 48, 3\)"),
        ([[1, 2]], "list"),
        (None, "NoneType"),
    ],
)
def test_other_crops_are_refused(classifier, wrong, words):
    with pytest.raises(InputError, match=words):
        classifier.predict(wrong)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ""}, "labels"),
        ({"labels": "happy,sad,happy,fear,angry,disgust,neutral"}, "labels"),
        ({"labels": "happy,sad"}, "Expected 2 probabilities"),
        ({"emojimation": "9"}, "format 9"),
        ({"size": "large"}, "damaged"),
        ({"template": "[1,2]"}, "damaged"),
        ({"template": "{"}, "damaged"),
        ({"channels": "4"}, "damaged"),
    ],
)
def test_other_metadata_are_refused(tmp_path, changes, words):
    path = write_model(tmp_path / "other.onnx", metadata=card(**changes))
    with pytest.raises(InputError, match=words) as caught:
        EmotionClassifier(path)
    assert "other.onnx" in str(caught.value)


@pytest.mark.parametrize("key", ["size", "channels", "template", "temperature", "threshold"])
def test_missing_metadata_are_reported(tmp_path, key):
    metadata = {name: value for name, value in card().items() if name != key}
    with pytest.raises(InputError, match=key):
        EmotionClassifier(write_model(tmp_path / "other.onnx", metadata=metadata))


def test_a_model_of_others_is_refused(tmp_path):
    with pytest.raises(InputError, match="not an Emojimation model"):
        EmotionClassifier(write_model(tmp_path / "foreign.onnx", metadata={}))


def test_the_face_detector_is_no_emotion_model():
    with pytest.raises(InputError, match="not an Emojimation model"):
        EmotionClassifier("face_detector")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x07" * 50])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "text.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"text\.onnx"):
        EmotionClassifier(tmp_path / "text.onnx")


@pytest.mark.parametrize("shape", [("n", 40, 40, 1), ("n", 48, 48, 3), ("n", 48, 48)])
def test_an_input_that_the_metadata_do_not_promise_is_refused(tmp_path, shape):
    with pytest.raises(InputError, match="float32 input"):
        EmotionClassifier(write_model(tmp_path / "shape.onnx", shape=shape))


def test_another_number_of_classes_is_refused(tmp_path):
    with pytest.raises(InputError, match="7 probabilities"):
        EmotionClassifier(write_model(tmp_path / "eight.onnx", classes=8))


@pytest.mark.parametrize("threads", [0, -1])
def test_no_thread_is_refused(tiny_model, threads):
    with pytest.raises(InputError, match="thread"):
        EmotionClassifier(tiny_model, threads=threads)


def test_a_colour_model_takes_colour_crops(tmp_path):
    path = write_model(tmp_path / "colour.onnx", ("n", 48, 48, 3), card(channels="3"))
    answers = EmotionClassifier(path).predict(np.full((2, 48, 48, 3), 255, np.uint8))
    assert answers.argmax(1).tolist() == [EMOTIONS.index("happy")] * 2
    with pytest.raises(InputError):
        EmotionClassifier(path).predict(np.zeros((2, 48, 48), np.uint8))
