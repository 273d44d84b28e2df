"""Runs of a tiny network on images that it can learn: it learns, resumes exactly, stops well."""

import itertools
import json
import os
import shutil
import signal
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stripes import TINY, stripes

keras = pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.errors import InputError  # noqa: E402
from emojimation.labels import FERPLUS_COLUMNS  # noqa: E402
from emojimation.training.data.dataset import Dataset  # noqa: E402
from emojimation.training.fit import batches, checkpoint, network  # noqa: E402
from emojimation.training.fit import trainer as fit  # noqa: E402
from emojimation.training.fit.augment import Augmentation  # noqa: E402
from emojimation.training.fit.recipe import Recipe  # noqa: E402
from emojimation.training.train import stored_views, teacher_of  # noqa: E402

LIGHT = Augmentation(flip=False, shift_px=1, scale=0, rotation_deg=0, light=0.1)
RECIPE = Recipe(
    options=TINY,
    epochs=8,
    batch=14,
    learning_rate=0.1,
    ema=0.8,
    precision="float32",
    augmentation=LIGHT,
    ferplus_mix=0.3,
    ferplus_head=0.5,
)
DATA = stripes()
TRAIN, VAL = DATA.split("train"), DATA.split("val")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[fit.Trainer, Path]:
    folder = tmp_path_factory.mktemp("unbroken")
    return fit.fit(TRAIN, VAL, RECIPE, folder), folder


@pytest.mark.slow
def test_it_learns_and_leaves_a_run_folder(unbroken: tuple[fit.Trainer, Path]) -> None:
    trainer, folder = unbroken
    assert trainer.best.accuracy > 0.8
    assert {p.name for p in folder.iterdir()} == {
        "recipe.json",
        "history.json",
        "checkpoint.npz",
        "model.keras",
        "weights.npz",
    }
    assert [row["epoch"] for row in json.loads((folder / "history.json").read_text())] == list(range(1, 9))
    logits = fit.predict_logits(keras.models.load_model(folder / "model.keras"), VAL.images)
    assert (logits.argmax(1) == VAL.labels).mean() == pytest.approx(trainer.best.accuracy)


@pytest.mark.slow
def test_resumed_after_ctrl_c_equals_unbroken(unbroken: tuple[fit.Trainer, Path], tmp_path: Path) -> None:
    """Interrupted in the middle of the fourth epoch; everything that follows is the same, the losses told included."""

    def ctrl_c_once(row: dict[str, float]) -> None:
        if row["epoch"] == 3 and row.get("progress", 0) > 3.45 / 8:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit.fit(TRAIN, VAL, RECIPE, tmp_path, report=ctrl_c_once)
    state, _ = checkpoint.read(tmp_path)
    assert state["epoch"] == 3 and 0 < state["index"] < 10 and len(state["history"]) == 3
    resumed = fit.fit(TRAIN, VAL, RECIPE, tmp_path, resume=True)
    for a, b in zip(resumed.history, unbroken[0].history, strict=True):
        assert [a[k] for k in ("epoch", "rate", "val_accuracy")] == [b[k] for k in ("epoch", "rate", "val_accuracy")]
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-4)
    for a, b in zip(resumed.model.get_weights(), unbroken[0].model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for a, b in zip(resumed.best.weights, unbroken[0].best.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(
    unbroken: tuple[fit.Trainer, Path], tmp_path: Path
) -> None:
    (tmp_path / "checkpoint.npz").write_bytes((unbroken[1] / "checkpoint.npz").read_bytes())
    before = (tmp_path / "checkpoint.npz").read_bytes()
    with pytest.raises(InputError, match="lower the learning rate"):
        fit.fit(TRAIN, VAL, RECIPE.changed(learning_rate=1e30, warmup_epochs=0.0), tmp_path)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_checkpoint(
    unbroken: tuple[fit.Trainer, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(unbroken[1], tmp_path / "run")
    before = (folder / "checkpoint.npz").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left.*is intact"):
        _in_folder(unbroken[0], folder)._save()
    assert (folder / "checkpoint.npz").read_bytes() == before
    assert not list(folder.glob("*.partial"))


def _in_folder(trainer: fit.Trainer, folder: Path) -> fit.Trainer:
    other = fit.Trainer(trainer.model, trainer.recipe, folder, trainer.val, trainer.report, trainer.lessons)
    other.history, other.best = trainer.history, trainer.best
    return other


def test_a_place_where_nothing_can_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match=r"Expected to write the run's files in .*file"):
        fit.fit(TRAIN, VAL, RECIPE, tmp_path / "file" / "run")


@pytest.mark.slow
def test_patience_ends_a_run_that_no_longer_gains(tmp_path: Path) -> None:
    idle = RECIPE.changed(learning_rate=1e-12, patience=2, epochs=9, ema=0.0)
    trainer = fit.fit(TRAIN, VAL, idle, tmp_path)
    assert len(trainer.history) == trainer.best.epoch + 1 + 2


@pytest.mark.slow
@pytest.mark.parametrize(("best_by", "epoch"), [("accuracy", 1), ("loss", 2), ("last", 3)])
def test_the_epoch_that_ships_is_chosen_by_the_score_of_the_recipe(tmp_path, monkeypatch, best_by, epoch) -> None:
    scores = iter(zip((0.5, 0.7, 0.6, 0.6), (1.0, 0.9, 0.7, 0.8), strict=True))
    monkeypatch.setattr(
        fit.Trainer, "_validate", lambda _: dict(zip(("val_accuracy", "val_loss"), next(scores), strict=True))
    )
    trainer = fit.fit(TRAIN, VAL, RECIPE.changed(epochs=4, best_by=best_by), tmp_path)
    assert trainer.best.epoch == epoch
    assert trainer.best.accuracy == trainer.history[epoch]["val_accuracy"]


def test_an_overconfident_epoch_is_judged_as_it_ships_with_its_temperature(tmp_path, monkeypatch) -> None:
    answers = 2 * np.eye(7)[VAL.labels]
    worse = np.where(np.arange(len(VAL))[:, None] % 4, answers, -answers)
    overconfident = 20 * np.where(np.arange(len(VAL))[:, None] % 8, answers, -answers)
    logits = iter((worse, overconfident))
    monkeypatch.setattr(fit, "predict_logits", lambda *_: next(logits))
    tiny = network.compiled(RECIPE, 7, 48, False)
    run = fit.Trainer(tiny, RECIPE.changed(best_by="loss"), tmp_path, VAL, lambda _: None)
    first, second = run._validate(), run._validate()
    assert second["val_loss"] > first["val_loss"]  # by itself it looks worse
    run.history, run.best = [first], fit.Best(first["val_accuracy"], 0, [])
    assert run._better(second)


@pytest.mark.slow
def test_a_time_budget_ends_the_run_at_its_end_of_schedule(tmp_path: Path) -> None:
    trainer = fit.fit(TRAIN, VAL, RECIPE.changed(epochs=500, minutes=0.02), tmp_path)
    assert len(trainer.history) < 500
    assert trainer.history[-1]["rate"] < RECIPE.learning_rate / 4


def test_schedules() -> None:
    rates = [fit.learning_rate(RECIPE.changed(warmup_epochs=0.8), p) for p in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert rates == pytest.approx([0.001, 0.05, 0.1, 0.05, 0.0001], rel=1e-6)
    assert fit.learning_rate(RECIPE.changed(schedule="plateau"), 0.9) == 0.1


def test_targets_mix_labels_smoothing_and_votes() -> None:
    labels = np.array([3, 6])
    votes = np.array([[0, 5, 5, 0, 0, 0, 0, 0, 0, 0], [0] * 10], np.uint8)  # half happy, half surprise; no votes at all
    goal = batches.targets(labels, votes, 7, Recipe(ferplus_mix=0.5, ferplus_head=1.0, label_smoothing=0.0))
    np.testing.assert_allclose(goal["logits"][0], [0, 0, 0, 0.75, 0, 0.25, 0])
    np.testing.assert_allclose(goal["logits"][1], np.eye(7)[6])
    np.testing.assert_allclose(goal["votes"][1], np.eye(10)[9])
    np.testing.assert_allclose(goal["votes"].sum(1), 1)
    smooth = batches.targets(labels, None, 7, Recipe(label_smoothing=0.07))["logits"]
    np.testing.assert_allclose(smooth[0], [0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01], rtol=1e-5)


def batches_of(recipe: Recipe) -> batches.Batches:
    return batches.Batches(TRAIN.images, TRAIN.labels, batches.targets(TRAIN.labels, None, 7, recipe), recipe)


def _epoch(feed: batches.Batches, number: int, workers: int = 1) -> list[batches.Batch]:
    with closing(feed.stream(number, workers)) as stream:
        return list(itertools.islice(stream, feed.steps))


def test_batches_depend_on_seed_epoch_and_index_alone() -> None:
    one, again = _epoch(batches_of(RECIPE), 2), _epoch(batches_of(RECIPE), 2, workers=3)
    assert len(one) == len(again) == len(TRAIN) // 14
    for (x, goals, weights), (x2, goals2, _) in zip(one, again, strict=True):
        assert (x == x2).all() and (goals["logits"] == goals2["logits"]).all() and weights is None
    other = next(batches_of(RECIPE).stream(3))
    assert (one[0][0] != other[0]).any()


def test_rare_classes_are_weighted_or_drawn_more_often() -> None:
    labels = np.repeat([0, 3], [180, 20])
    images = np.zeros((200, 48, 48), np.uint8)
    weights = batches.class_weights(labels, 7)
    assert weights[[0, 3]] == pytest.approx([200 / 360, 200 / 40])
    assert weights[labels].mean() == pytest.approx(1.0)
    for balance in ("weights", "sampling"):
        recipe = RECIPE.changed(balance=balance, batch=100)
        feed = batches.Batches(images, labels, batches.targets(labels, None, 7, recipe), recipe)
        steps = _epoch(feed, 0)
        answers = np.concatenate([goals["logits"].argmax(1) for _, goals, _ in steps])
        if balance == "weights":
            drawn = np.concatenate([w["logits"] for _, _, w in steps])
            assert drawn[answers == 3].sum() == pytest.approx(drawn[answers == 0].sum(), rel=1e-5)
        else:
            assert 0.35 < (answers == 3).mean() < 0.65


def test_mixup_blends_images_and_goals_alike() -> None:
    x = np.repeat(np.arange(4, dtype=np.float32), 48 * 48).reshape(4, 48, 48, 1)
    goals = {"logits": np.eye(4, dtype=np.float32)}
    blended, goal = batches.mixed(x, goals, 1.0, np.random.default_rng(1))
    np.testing.assert_allclose(goal["logits"] @ np.arange(4), blended[:, 0, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(goal["logits"].sum(1), 1, rtol=1e-6)


def test_cutmix_pastes_rectangles_and_mixes_goals_by_their_areas() -> None:
    x = np.repeat(np.arange(8, dtype=np.float32), 48 * 48).reshape(8, 48, 48, 1)
    goals = {"logits": np.eye(8, dtype=np.float32)}
    pasted, goal = batches.pasted(x, goals, 1.0, np.random.default_rng(1))
    np.testing.assert_allclose(goal["logits"] @ np.arange(8), pasted.mean((1, 2, 3)), rtol=1e-4)
    changed = 0
    for number, picture in enumerate(pasted[..., 0]):
        places = np.argwhere(picture != number)
        assert len(np.unique(picture)) <= 2
        if len(places):
            changed += 1
            assert np.prod(np.ptp(places, axis=0) + 1) == len(places), "a whole rectangle"
    assert changed >= 4


def test_with_mixup_and_cutmix_each_batch_has_one_of_them() -> None:
    feed = batches_of(Recipe(mixup=0.4, cutmix=1.0, batch=14))
    rng, kinds = np.random.default_rng(0), set()
    x = np.repeat(np.arange(4, dtype=np.float32), 48 * 48).reshape(4, 48, 48, 1)
    for _ in range(20):
        blended, _ = feed._blended(x, {"logits": np.eye(4, dtype=np.float32)}, rng)
        kinds.add(bool((blended == np.rint(blended)).all()))
    assert kinds == {True, False}
    same, _ = batches_of(Recipe(batch=14))._blended(x, {}, rng)
    assert same is x


def test_a_teacher_is_learned_from() -> None:
    teacher = np.full((2, 7), 1 / 7)
    goal = batches.targets(np.array([0, 1]), None, 7, Recipe(label_smoothing=0.0, distil=0.5), teacher)["logits"]
    assert goal[0] == pytest.approx([0.5 + 0.5 / 7, *[0.5 / 7] * 6])


def test_a_live_teacher_answers_for_the_view_that_the_student_sees() -> None:
    """Its probabilities of the augmented images, not of the rows, are half of the goals."""
    recipe = Recipe(batch=4, label_smoothing=0.0, distil=0.5, augmentation=Augmentation(camera=1.0))
    seen: list[np.ndarray] = []

    def predict(images: np.ndarray) -> np.ndarray:
        seen.append(images)
        bright = (images.mean((1, 2)) / 255).astype(np.float32)
        return np.stack([bright, 1 - bright, *[np.zeros_like(bright)] * 5], 1)

    goals = batches.targets(TRAIN.labels, None, 7, recipe)
    feed = batches.Batches(
        TRAIN.images, TRAIN.labels, goals, recipe, teacher=batches.LiveTeacher(predict, sha256="0" * 64)
    )
    x, taught, _ = feed.batch(np.arange(4), 0, 0)
    np.testing.assert_array_equal(x[..., 0], seen[0])
    assert (x[..., 0] != TRAIN.images[:4]).any()
    np.testing.assert_allclose(taught["logits"], (goals["logits"][:4] + predict(seen[0])) / 2, atol=1e-6)


def test_a_live_teacher_uses_every_processor_and_augmentation_alone_leaves_one_to_the_network() -> None:
    goals = batches.targets(TRAIN.labels, None, 7, Recipe())

    def workers(teacher: batches.Teacher | None, processors: int) -> int:
        return batches.Batches(TRAIN.images, TRAIN.labels, goals, Recipe(), teacher=teacher).workers(processors)

    live = batches.LiveTeacher(lambda images: np.full((len(images), 7), 1 / 7, np.float32), sha256="0" * 64)
    assert [workers(live, n) for n in (1, 2, 16)] == [1, 2, 16]
    assert [workers(None, n) for n in (1, 2, 16)] == [1, 1, 15]


def stored(folder: Path, epochs: int = 2) -> batches.StoredViews:
    """Each row's views are grey: its number, plus 100 in the second epoch; the left half is black."""
    views = np.zeros((epochs, len(TRAIN), 48, 48), np.uint8)
    views[..., 24:] = (np.arange(len(TRAIN)) + 100 * np.arange(epochs)[:, None])[..., None, None]
    answers = np.zeros((epochs, len(TRAIN), 7), np.float16)
    answers[0, :, 1] = answers[1, :, 2] = 1
    np.save(folder / "views.npy", views)
    np.save(folder / "probabilities.npy", answers)
    return stored_views(folder, TRAIN)


def test_stored_views_are_learned_with_their_answers_and_half_of_them_mirrored(tmp_path: Path) -> None:
    recipe = Recipe(batch=14, label_smoothing=0.0, distil=0.5)
    goals = batches.targets(TRAIN.labels, None, 7, recipe)
    feed = batches.Batches(TRAIN.images, TRAIN.labels, goals, recipe, teacher=stored(tmp_path))
    rows = np.arange(14, 28)
    for epoch, (offset, answer) in enumerate([(0, 1), (100, 2), (0, 1)]):
        x, taught, _ = feed.batch(rows, epoch, 0)
        halves = np.stack([x[:, 0, 0, 0], x[:, 0, -1, 0]], 1)
        np.testing.assert_array_equal(halves.max(1), rows + offset)
        np.testing.assert_array_equal(halves.min(1), 0)
        assert 0 < (halves[:, 0] > 0).sum() < len(rows), "some mirrored, some not"
        np.testing.assert_allclose(taught["logits"], (goals["logits"][rows] + np.eye(7)[answer]) / 2, atol=1e-3)


def test_stored_views_of_other_rows_are_refused(tmp_path: Path) -> None:
    stored(tmp_path)
    fewer = TRAIN.take(np.arange(len(TRAIN) - 1))
    with pytest.raises(InputError, match=r"Expected the views and answers of each epoch in .*store_views"):
        teacher_of(tmp_path, fewer)


def test_stored_views_that_are_damaged_are_refused(tmp_path: Path) -> None:
    stored(tmp_path)
    batches._mapped.cache_clear()
    (tmp_path / "views.npy").write_bytes(b"not an array")
    with pytest.raises(InputError, match=r"got files that cannot be read .*store_views"):
        teacher_of(tmp_path, TRAIN)


@pytest.mark.slow
def test_processes_make_the_same_batches_as_threads() -> None:
    recipe = RECIPE.changed(cutmix=0.5)
    feed = batches.Batches(TRAIN.images, TRAIN.labels, batches.targets(TRAIN.labels, None, 7, recipe), recipe)
    with closing(feed.stream(1, 2)) as threads, closing(feed.stream(1, 2, processes=True)) as processes:
        for one, other in itertools.islice(zip(threads, processes, strict=True), feed.steps + 2):
            assert other[0].dtype == np.uint8
            np.testing.assert_array_equal(np.rint(one[0]), other[0])
            np.testing.assert_array_equal(one[1]["logits"], other[1]["logits"])


@pytest.mark.slow
def test_fine_tuning_starts_from_the_given_weights(unbroken: tuple[fit.Trainer, Path], tmp_path: Path) -> None:
    name, options, weights = network.load_start(unbroken[1] / "weights.npz")
    assert (name, options) == ("vgg_se", TINY)
    still = RECIPE.changed(epochs=1, learning_rate=1e-9, ema=0.0)
    assert fit.fit(TRAIN, VAL, still, tmp_path / "a", start=weights).best.accuracy > 0.8
    three = DATA.take(DATA.labels < 3)
    cats = Dataset.of(three.images, three.labels, three.splits, class_names=("cat", "dog", "owl"))
    tuned = RECIPE.changed(epochs=8, learning_rate=0.05, ema=0.0, ferplus_mix=0.0, ferplus_head=0.0)
    trainer = fit.fit(cats.split("train"), cats.split("val"), tuned, tmp_path / "b", start=weights)
    assert trainer.best.accuracy > 0.8
    with pytest.raises(InputError, match=r"weights\.npz"):
        network.load_start(unbroken[1] / "recipe.json")


def test_rows_that_voters_or_a_quick_model_doubt_weigh_less() -> None:
    assert batches.trust(TRAIN, RECIPE) is None
    votes = TRAIN.votes.copy()
    votes[5] = 0
    votes[5, FERPLUS_COLUMNS.index("contempt")] = 10
    rows = replace(TRAIN, votes=votes)
    by_votes = batches.trust(rows, RECIPE.changed(vote_weight=0.5))
    assert by_votes.mean() == pytest.approx(1) and by_votes[5] == pytest.approx(by_votes[6] / 2)
    labels = TRAIN.labels.copy()
    labels[:4] = (labels[:4] + 3) % 7
    by_doubt = batches.trust(replace(TRAIN, labels=labels), RECIPE.changed(doubt_weight=1.0))
    assert by_doubt[:4].mean() < by_doubt[4:].mean()
    feed = batches.Batches(rows.images, rows.labels, batches.targets(rows.labels, None, 7, RECIPE), RECIPE, by_votes)
    order = np.arange(len(rows))
    np.testing.assert_array_equal(feed.batch(order[: RECIPE.batch], 0, 0)[2]["logits"], by_votes[: RECIPE.batch])
    with pytest.raises(InputError, match="FER"):
        batches.trust(replace(TRAIN, votes=None), RECIPE.changed(vote_weight=0.5))
    with pytest.raises(InputError, match="vote_weight from 0 to 1"):
        RECIPE.changed(vote_weight=1.5)
