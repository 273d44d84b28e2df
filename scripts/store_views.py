"""Augmented views of the training rows with an ensemble's answers to them, for any number of students.

Run: python scripts/store_views.py RUN [RUN ...] --data fer2013.csv --out views --views 60 [--recipe default] [--mirror]
     emojimation train --data fer2013.csv --recipe lite --teacher views

Each RUN is a folder of `emojimation train`, of which its weights.npz is read. The teacher is the mean of the runs'
probabilities, each calibrated by a temperature on the validation rows whose photo is not in training; with --mirror it
also looks at each view's mirror image. --views counts epochs; one takes height x width bytes a row, 66 MB on FER2013.
"""

import argparse
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.files import usable_processors
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.load import load
from emojimation.training.fit.augment import augment
from emojimation.training.fit.backend import need_training
from emojimation.training.fit.batches import StoredViews
from emojimation.training.fit.recipe import Recipe
from emojimation.training.fit.recipe import load as load_recipe

BATCH = 1024  # images that the teacher is asked about at a time


def main() -> None:
    """Make the views in processes, ask the teacher about them, write both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ferplus", type=Path)
    parser.add_argument("--recipe", default="default", help="whose augmentation and labels: a bundled one or a file")
    parser.add_argument("--views", type=int, default=60, help="epochs of views")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end after this time, with fewer epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mirror", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    need_training()
    from emojimation.training.train import prepared, unseen

    recipe = load_recipe(args.recipe).changed(seed=args.seed)
    rows = prepared(load(args.data, ferplus=args.ferplus), recipe)
    train, val = rows.split("train"), rows.split("val")
    teacher = ensemble(args.runs, unseen(val, train), args.mirror)
    scored = answers(teacher, val.images).argmax(1)
    print(f"the teacher is right about {(scored == val.labels).mean():.2%} of the validation rows", flush=True)
    write(train.images, recipe, teacher, args.views, args.out, time.monotonic() + 60 * args.minutes)


def ensemble(runs: list[Path], val: Dataset, mirror: bool) -> Any:
    """One Keras model: images (b,h,w,1) to the mean of the runs' calibrated probabilities (b,classes)."""
    import keras

    from emojimation.training.fit.network import predict_logits, trained
    from emojimation.training.judge.metrics import fit_temperature

    image = keras.Input((val.size_px, val.size_px, 1))
    views = [image, keras.ops.flip(image, axis=2)] if mirror else [image]
    given = []
    for number, run in enumerate(runs):
        model = trained(run, len(val.class_names), val.size_px, f"member_{number}")
        temperature = fit_temperature(predict_logits(model, val.images, BATCH), val.labels)
        print(f"{run}: temperature {temperature:.3f}", flush=True)
        given += [keras.ops.softmax(keras.ops.cast(model(view), "float32") / temperature) for view in views]
    return keras.Model(image, sum(given[1:], given[0]) / len(given))


def answers(teacher: Any, images: np.ndarray) -> np.ndarray:
    """The teacher's probabilities (n,classes) of images (n,h,w) uint8; all batches of one size, the last one padded."""
    out = []
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH, ..., None].astype(np.float32)
        part = np.pad(part, ((0, BATCH - len(part)), *[(0, 0)] * 3))
        out.append(np.asarray(teacher.predict_on_batch(part)))
    return np.concatenate(out)[: len(images)]


def write(images: np.ndarray, recipe: Recipe, teacher: Any, views: int, folder: Path, end: float) -> None:
    """The files of `StoredViews`, an epoch at a time until `end`; the answers last, so that a broken folder is none."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = np.lib.format.open_memmap(folder / StoredViews.VIEWS, "w+", np.uint8, (views, *images.shape))
    given = []
    workers = usable_processors()
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_keep, initargs=(images, recipe)) as pool:
        jobs = [(epoch, start) for epoch in range(views) for start in range(0, len(images), BATCH)]
        ahead: deque[Future[np.ndarray]] = deque()
        waiting = iter(jobs)
        for epoch, start in jobs:
            while len(ahead) < 8 * workers and (job := next(waiting, None)) is not None:
                ahead.append(pool.submit(_augmented, *job))
            stored[epoch, start : start + BATCH] = ahead.popleft().result()
            if start + BATCH >= len(images):
                given.append(answers(teacher, stored[epoch]).astype(np.float16))
                print(f"epoch {epoch + 1} of {views}", flush=True)
                if time.monotonic() > end:
                    pool.shutdown(cancel_futures=True)
                    break
    stored.flush()
    np.save(folder / StoredViews.ANSWERS, np.stack(given))


_kept: list[tuple[np.ndarray, Recipe]] = []


def _keep(images: np.ndarray, recipe: Recipe) -> None:
    _kept[:] = [(images, recipe)]


def _augmented(epoch: int, start: int) -> np.ndarray:
    images, recipe = _kept[0]
    rng = np.random.default_rng((recipe.seed, epoch, start))
    return augment(images[start : start + BATCH], recipe.augmentation, rng)


if __name__ == "__main__":
    main()
