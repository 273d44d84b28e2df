"""The input of a training: targets from labels, votes and teachers, and shuffled, augmented batches."""

import functools
import itertools
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from emojimation.errors import InputError
from emojimation.training.audit.doubt import doubts, out_of_fold
from emojimation.training.data import ferplus
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.duplicates import identical_ids, near_ids
from emojimation.training.fit.augment import NONE, augment
from emojimation.training.fit.recipe import Recipe

Goals = dict[str, np.ndarray]
Batch = tuple[np.ndarray, Goals, dict[str, np.ndarray] | None]


@dataclass(frozen=True, slots=True)
class LiveTeacher:
    """A model that answers for each view that the student sees, after augmentation.

    predict: (n,h,w) uint8 -> probabilities (n,classes) float32; called from several threads. sha256: of its file.
    """

    predict: Callable[[np.ndarray], np.ndarray]
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredViews:
    """Augmented views of the training rows with a teacher's answers to them, made by scripts/store_views.py.

    folder: holds views.npy (e,n,h,w) uint8 and probabilities.npy (e,n,classes) float16 of e epochs of n rows (the views
    may be more); epoch e begins again with the first. sha256: of the answers.
    """

    VIEWS, ANSWERS = "views.npy", "probabilities.npy"

    folder: Path
    sha256: str

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of one epoch's views and answers."""
        return _mapped(self.folder / self.VIEWS).shape[1:], _mapped(self.folder / self.ANSWERS).shape[1:]

    def read(self, epoch: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The views (b,h,w) and the answers (b,classes) of some rows."""
        views, answers = _mapped(self.folder / self.VIEWS), _mapped(self.folder / self.ANSWERS)
        number = epoch % len(answers)
        return views[number, rows], answers[number, rows]


@functools.cache
def _mapped(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


# Probabilities (n,classes) of the unchanged images, who is asked for those of each view, or what it answered.
Teacher = np.ndarray | LiveTeacher | StoredViews


def targets(
    labels: np.ndarray, votes: np.ndarray | None, classes: int, recipe: Recipe, teacher: np.ndarray | None = None
) -> Goals:
    """What the heads learn: "logits" (n,classes) and, if that head is on, "votes" (n,10).

    The label is mixed with the FER+ votes, smoothed, then mixed with the `teacher`'s probabilities (n,classes).
    """
    goal = np.eye(classes, dtype=np.float32)[labels]
    heads = {}
    if votes is not None and recipe.ferplus_mix:
        eight = classes == len(ferplus.EIGHT)
        share = ferplus.shares(ferplus.without_single_votes(votes) if eight else votes, classes)
        goal = np.where(share.sum(1, keepdims=True) > 0, goal + recipe.ferplus_mix * (share - goal), goal)
    if votes is not None and recipe.ferplus_head:
        heads["votes"] = ferplus.distribution(votes)
    goal = goal * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
    if teacher is not None:
        goal = taught(goal, teacher, recipe.distil)
    return {"logits": goal, **heads}


def taught(goal: np.ndarray, teacher: np.ndarray, share: float) -> np.ndarray:
    """Goals (n,classes) of which `share` comes from the teacher's probabilities (n,classes)."""
    return goal + share * (teacher.astype(np.float32) - goal)


def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each class (classes,) float32: inverse to its rows, 1 in the mean over the rows."""
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    return (len(labels) / (np.count_nonzero(np.bincount(labels)) * counts)).astype(np.float32)


def trust(rows: Dataset, recipe: Recipe) -> np.ndarray | None:
    """Weight of each row in the loss (n,) float32, 1 in the mean, by `vote_weight` and `doubt_weight`; None if equal.

    Raises InputError if votes are required and there are none.
    """
    if not recipe.vote_weight and not recipe.doubt_weight:
        return None
    weights = np.ones(len(rows), np.float32)
    classes = len(rows.class_names)
    if recipe.vote_weight:
        votes = ferplus.votes_of(rows)
        if votes is None:
            raise InputError("Expected FER+ votes for vote_weight, got none: add --ferplus, or set it to 0.")
        backing = ferplus.shares(votes, len(ferplus.EIGHT))[np.arange(len(rows)), rows.labels]
        weights *= 1 - recipe.vote_weight * (1 - backing)
    if recipe.doubt_weight:
        groups, _ = near_ids(rows.images, identical_ids(rows.images))
        doubt = doubts(out_of_fold(rows.images, rows.labels, groups, classes), rows.labels)
        weights *= 1 - recipe.doubt_weight * np.clip(doubt, 0, 1)
    return weights / max(float(weights.mean()), 1e-6)


class Batches:
    """Shuffled, augmented batches; determined by seed, epoch and index alone."""

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        goals: Goals,
        recipe: Recipe,
        trusted: np.ndarray | None = None,
        teacher: LiveTeacher | StoredViews | None = None,
    ) -> None:
        self.images, self.goals, self.recipe, self.teacher = images, goals, recipe, teacher
        balanced = class_weights(labels, goals["logits"].shape[1])[labels]
        self.chances = balanced / balanced.sum(dtype=np.float64)  # of each row in `sampling`
        self.weights = trusted
        if recipe.balance == "weights":
            self.weights = balanced if trusted is None else balanced * trusted
        self.steps = max(len(images) // recipe.batch, 1)

    def workers(self, processors: int) -> int:
        """How many threads make batches while the network learns: all but one, or all with a live teacher, whose
        answers take as long as the network's steps."""
        return max(1, processors - (not isinstance(self.teacher, LiveTeacher)))

    def stream(self, epoch: int = 0, workers: int = 1, first: int = 0, processes: bool = False) -> Generator[Batch]:
        """The batches from number `first` of `epoch` on, epoch after epoch without end, made a few ahead by `workers`.

        processes: have processes make them instead of threads, which hold up one another where a step takes
        milliseconds; their images are rounded, as uint8. A teacher that is asked for each view is asked from threads.
        """
        processes = processes and not isinstance(self.teacher, LiveTeacher)
        pool, make = self._workers(workers) if processes else (ThreadPoolExecutor(workers), self.batch)
        ahead: deque[Future[Batch]] = deque()
        try:
            for number in itertools.count(epoch):
                order = self._order(number)
                for index in range(first if number == epoch else 0, self.steps):
                    rows = order[index * self.recipe.batch : (index + 1) * self.recipe.batch]
                    ahead.append(pool.submit(make, rows, number, index))
                    if len(ahead) > 2 * workers + 2:
                        yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _workers(self, number: int) -> tuple[Executor, Callable[..., Batch]]:
        pool = ProcessPoolExecutor(number, get_context("spawn"), initializer=_keep, initargs=(self,))
        return pool, _rounded_batch

    def batch(self, rows: np.ndarray, epoch: int, index: int) -> Batch:
        """Images (b,h,w,1) float32 in [0,255], goals and sample weights (None for equal ones) of one step."""
        rng = np.random.default_rng((self.recipe.seed, epoch, index))
        goals = {name: goal[rows] for name, goal in self.goals.items()}
        if isinstance(self.teacher, StoredViews):
            images, answers = self.teacher.read(epoch, rows)
            mirrored = rng.random(len(rows)) < 0.5
            images = np.where(mirrored[:, None, None], images[:, :, ::-1], images)
            goals["logits"] = taught(goals["logits"], answers, self.recipe.distil)
        else:
            images = self.images[rows]
            if self.recipe.augmentation != NONE:
                images = augment(images, self.recipe.augmentation, rng)
            if self.teacher is not None:
                goals["logits"] = taught(goals["logits"], self.teacher.predict(images), self.recipe.distil)
        x, goals = self._blended(images[..., None].astype(np.float32), goals, rng)
        return x, goals, None if self.weights is None else dict.fromkeys(goals, self.weights[rows])

    def _blended(self, x: np.ndarray, goals: Goals, rng: np.random.Generator) -> tuple[np.ndarray, Goals]:
        """Mixup or cutmix, whichever the recipe has; if both, one at random."""
        alphas = {mixed: self.recipe.mixup, pasted: self.recipe.cutmix}
        ways = [way for way, alpha in alphas.items() if alpha]
        if not ways:
            return x, goals
        way = ways[int(rng.integers(2))] if len(ways) > 1 else ways[0]
        return way(x, goals, alphas[way], rng)

    def _order(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng((self.recipe.seed, epoch))
        if self.recipe.balance == "sampling":
            return rng.choice(len(self.images), len(self.images), p=self.chances)
        return rng.permutation(len(self.images))


_kept: list[Batches] = []  # in a process of `Batches.stream`: whose batches it makes


def _keep(batches: Batches) -> None:
    _kept[:] = [batches]


def _rounded_batch(rows: np.ndarray, epoch: int, index: int) -> Batch:
    x, goals, weights = _kept[0].batch(rows, epoch, index)
    return np.rint(x).astype(np.uint8), goals, weights


def mixed(x: np.ndarray, goals: Goals, alpha: float, rng: np.random.Generator) -> tuple[np.ndarray, Goals]:
    """Each image and its goals blended with another one's (Zhang et al., "mixup", ICLR 2018)."""
    share = rng.beta(alpha, alpha, len(x)).astype(np.float32)
    other = rng.permutation(len(x))
    return _weighted(x, x[other], share), {name: _weighted(goal, goal[other], share) for name, goal in goals.items()}


def pasted(x: np.ndarray, goals: Goals, alpha: float, rng: np.random.Generator) -> tuple[np.ndarray, Goals]:
    """A rectangle of each image from another one, goals by the areas (Yun et al., "CutMix", ICCV 2019)."""
    n, height, width = x.shape[:3]
    other, side = rng.permutation(n), np.sqrt(1 - rng.beta(alpha, alpha, n))
    inside = _spans(height, side, rng)[:, :, None] & _spans(width, side, rng)[:, None, :]
    kept = 1 - inside.mean((1, 2)).astype(np.float32)
    pictures = np.where(inside[..., None], x[other], x)
    return pictures, {name: _weighted(goal, goal[other], kept) for name, goal in goals.items()}


def _spans(length: int, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,length) bool: a span of `share` (n,) of the length about a random centre, cut off at the ends."""
    half, centre = share * length / 2, rng.uniform(0, length, len(share))
    place = np.arange(length) + 0.5
    return np.abs(place - centre[:, None]) < half[:, None]


def _weighted(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    s = share.reshape(-1, *[1] * (a.ndim - 1))
    return s * a + (1 - s) * b
