"""What a network is fed: targets from labels and FER+ votes, and shuffled, augmented batches."""

import keras
import numpy as np

from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS, FERPLUS_TO_EMOTION
from emojimation.training.augment import NONE, augment
from emojimation.training.recipe import Recipe


def votes_distribution(votes: np.ndarray) -> np.ndarray:
    """FER+ votes (n,10) -> distribution over the ten columns (n,10) float32; rows without any vote are "NF"."""
    votes = votes.astype(np.float32)
    votes[votes.sum(1) == 0, FERPLUS_COLUMNS.index("NF")] = 1
    return votes / votes.sum(1, keepdims=True)


def votes_emotions(votes: np.ndarray) -> np.ndarray:
    """FER+ votes (n,10) -> share of each of the seven emotions (n,7) float32; all zero where none of them has a vote."""
    order = [FERPLUS_COLUMNS.index(next(c for c, e in FERPLUS_TO_EMOTION.items() if e == name)) for name in EMOTIONS]
    chosen = votes[:, order].astype(np.float32)
    return chosen / np.maximum(chosen.sum(1, keepdims=True), 1)


def targets(labels: np.ndarray, votes: np.ndarray | None, classes: int, recipe: Recipe) -> dict[str, np.ndarray]:
    """What the heads learn: "logits" (n,classes) smoothed and mixed with FER+, and "votes" (n,10) if that head is on."""
    goal = np.eye(classes, dtype=np.float32)[labels]
    heads = {}
    if votes is not None and recipe.ferplus_mix:
        share = votes_emotions(votes)
        goal = np.where(share.sum(1, keepdims=True) > 0, goal + recipe.ferplus_mix * (share - goal), goal)
    if votes is not None and recipe.ferplus_head:
        heads["votes"] = votes_distribution(votes)
    return {"logits": goal * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes, **heads}


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches; the same for the same seed and epoch, whatever came before."""

    def __init__(self, images: np.ndarray, goals: dict[str, np.ndarray], recipe: Recipe, epoch: int = 0) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self.images, self.goals, self.recipe, self.epoch = images, goals, recipe, epoch
        self.order = self._shuffled()

    def __len__(self) -> int:
        return max(len(self.images) // self.recipe.batch, 1)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        rows = self.order[index * self.recipe.batch : (index + 1) * self.recipe.batch]
        rng = np.random.default_rng((self.recipe.seed, self.epoch, index))
        images = self.images[rows]
        if self.recipe.augmentation != NONE:
            images = augment(images, self.recipe.augmentation, rng)
        return images[..., None].astype(np.float32), {name: goal[rows] for name, goal in self.goals.items()}

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.order = self._shuffled()

    def _shuffled(self) -> np.ndarray:
        return np.random.default_rng((self.recipe.seed, self.epoch)).permutation(len(self.images))
