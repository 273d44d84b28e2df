import cv2
import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.labels import EMOJI, EMOTIONS, FERPLUS_COLUMNS
from emojimation.training.data import ferplus
from emojimation.training.data.dataset import Dataset
from emojimation.training.judge import evaluate as scoring
from stripes import stripes

DATA = stripes()
CONTRACT = {
    "n",
    "accuracy",
    "accuracy_ci95",
    "macro_f1",
    "balanced_accuracy",
    "ece",
    "nll",
    "per_class",
    "confusion_matrix",
    "labels",
    "n_without_duplicates",
    "accuracy_without_duplicates",
    "ferplus_n",
    "ferplus_accuracy",
    "tta",
    "data_sha256",
    "commit",
}


def knows(answers: dict[bytes, int]):
    """A classifier that is sure of what it was told and guesses "neutral" otherwise."""

    def predict(images: np.ndarray) -> np.ndarray:
        ids = [answers.get(image.tobytes(), 6) for image in images]
        return np.eye(7, dtype=np.float32)[ids] * 0.93 + 0.01

    return predict


def oracle(dataset: Dataset):
    return knows({image.tobytes(): int(label) for image, label in zip(dataset.images, dataset.labels, strict=True)})


def test_the_contract_is_filled_and_a_perfect_model_is_perfect() -> None:
    scores = scoring.evaluate(oracle(DATA), DATA, "val")
    assert scores.keys() >= CONTRACT
    assert scores["accuracy"] == scores["accuracy_without_duplicates"] == scores["ferplus_accuracy"] == 1.0
    assert scores["ece"] == pytest.approx(0.06, abs=1e-6)
    assert scores["labels"] == list(EMOTIONS) and len(scores["commit"]) >= 5


def test_duplicates_of_training_images_are_counted_apart() -> None:
    train, val = DATA.split("train"), DATA.split("val")
    leaked = val.images.copy()
    leaked[:10] = train.images[:10]
    both = Dataset.of(
        np.concatenate([train.images, leaked]),
        np.concatenate([train.labels, train.labels[:10], val.labels[10:]]),
        ["train"] * len(train) + ["val"] * len(val),
    )
    cheat = knows({image.tobytes(): int(y) for image, y in zip(train.images, train.labels, strict=True)})
    scores = scoring.evaluate(cheat, both, "val")
    honest = (val.labels[10:] == 6).mean()
    assert scores["n_without_duplicates"] == len(val) - 10
    assert scores["accuracy_without_duplicates"] == pytest.approx(honest)
    assert scores["accuracy"] == pytest.approx((10 + (len(val) - 10) * honest) / len(val))
    alone = scoring.evaluate(cheat, both.take(both.splits == "val"), "val")
    assert alone["n_without_duplicates"] is None
    assert (
        scoring.evaluate(cheat, both.take(both.splits == "val"), "val", train)["n_without_duplicates"] == len(val) - 10
    )


def test_ferplus_rule() -> None:
    votes = np.zeros((5, 10), np.uint8)
    votes[0, FERPLUS_COLUMNS.index("happiness")] = 6
    votes[0, FERPLUS_COLUMNS.index("neutral")] = 4
    votes[1, FERPLUS_COLUMNS.index("sadness")] = 5  # no majority
    votes[1, FERPLUS_COLUMNS.index("neutral")] = 5
    votes[2, FERPLUS_COLUMNS.index("contempt")] = 9
    votes[3, FERPLUS_COLUMNS.index("NF")] = 10
    ids = ferplus.clear_majority(votes)
    assert ids.tolist() == [EMOTIONS.index("happy"), -1, -1, -1, -1]


def test_ferplus_published_rule_drops_single_votes_and_keeps_contempt() -> None:
    columns = ("neutral", "happiness", "sadness", "anger", "contempt", "unknown", "NF")
    given = [
        ({"happiness": 5, "neutral": 3, "sadness": 1, "anger": 1}, "happy"),  # 5 of the 8 that stay
        ({"happiness": 5, "neutral": 5}, None),
        ({"contempt": 6, "neutral": 4}, "contempt"),
        ({"unknown": 6, "neutral": 4}, None),
        ({"NF": 10}, None),
        ({}, None),
    ]
    votes = np.zeros((len(given), 10), np.uint8)
    for row, (numbers, _) in zip(votes, given, strict=True):
        for column in columns:
            row[FERPLUS_COLUMNS.index(column)] = numbers.get(column, 0)
    ids = ferplus.published_majority(votes)
    assert [ferplus.EIGHT[i] if i >= 0 else None for i in ids] == [word for _, word in given]
    rows = Dataset.of(DATA.images[:6], [3] * 6, "val", votes=votes)
    scores = scoring.judge(np.eye(7)[[3] * 6] * 0.94 + 0.01, rows, None)
    assert (scores["ferplus8_n"], scores["ferplus8_accuracy"]) == (2, 0.5), "contempt is an error of seven classes"
    assert (scores["ferplus_n"], scores["ferplus_accuracy"]) == (0, None)
    assert "8-class majority" in scores["ferplus8_rule"] and "our own" in scores["ferplus_rule"]


def test_near_copies_of_training_images_are_counted_apart_too() -> None:
    rng = np.random.default_rng(0)
    images = np.stack([cv2.resize(rng.integers(0, 256, (7, 7)).astype(np.uint8), (48, 48)) for _ in range(60)])
    images[40] = images[0]
    images[41] = np.clip(images[1] * 0.8 + 20, 0, 255)
    rows = Dataset.of(images, [0] * 60, ["train"] * 40 + ["val"] * 20)
    scores = scoring.evaluate(knows({}), rows, "val")
    assert scores["n_without_duplicates"] == 19 and scores["n_without_same_photo"] == 18
    assert len(scores["accuracy_without_same_photo_ci95"]) == 2


def test_real_public_test_has_the_published_number_of_ferplus_rows(fer2013: Dataset) -> None:
    val = fer2013.split("val")
    if val.votes is None or not val.votes.any():
        pytest.skip("this copy of FER2013 has no FER+ votes")
    assert (ferplus.published_majority(val.votes) >= 0).sum() == 3199


def test_tta_is_the_mean_with_the_mirror_image() -> None:
    def leaning(images: np.ndarray) -> np.ndarray:
        left = images[:, :, :24].mean((1, 2)) > images[:, :, 24:].mean((1, 2))
        return np.eye(7, dtype=np.float32)[np.where(left, 0, 3)]

    probabilities = scoring.predict_views(leaning, DATA.images[:20], tta=True)
    np.testing.assert_allclose(probabilities[:, [0, 3]], 0.5)


def test_other_classes_are_refused() -> None:
    cats = Dataset.of(DATA.images[:4], [0, 1, 0, 1], "val", class_names=("cat", "dog"))
    with pytest.raises(InputError, match="angry, disgust"):
        scoring.evaluate(oracle(DATA), cats, "val")


def test_from_csv_id_to_emoji(tmp_path) -> None:
    """The seed renamed three of seven answers; here the id in the file, the name, the answer and the emoji agree."""
    from emojimation.training.data.load import load

    pixels = [" ".join([str(30 * k)] * 2304) for k in range(7)]
    lines = [f"{k},{row},Training" for k, row in enumerate(pixels)]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]))
    dataset = load(tmp_path / "fer2013.csv")
    answers = oracle(dataset)(dataset.images)
    faces = [Face(np.zeros(4, np.float32), 1.0, probabilities=p) for p in answers]
    words = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert [dataset.class_names[k] for k in dataset.labels] == words
    assert [face.emotion for face in faces] == words
    assert [face.emoji for face in faces] == [EMOJI[word] for word in words] == list("😠🤢😨😄😢😮😐")
