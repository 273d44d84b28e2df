"""The network that ships as `seed`: the seed's own, taught by `default`, in the time that two processor cores had for
it.

Commands, with D for fer2013_train_val.parquet:
    emojimation evaluate --data D --split train --tta --model default --probabilities teacher.npy
    emojimation train --data D --recipe seed --teacher teacher.npy --minutes 48 --out runs/seed
The network is the one of `vgg`, weight for weight; dropout, which only trains, is lower, as a few epochs leave nothing
to overfit. `vgg` is the training that the seed describes: it needs five times as long. docs/experiments.md says what it
reached.
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

RECIPE = Recipe(
    model="vgg",
    options={"dropout": 0.1},
    epochs=12,
    learning_rate=0.05,
    ferplus_mix=0.2,
    ferplus_head=0.5,
    ema=0.995,
    augmentation=Augmentation(shift_px=2, scale=0.06, rotation_deg=6, light=0.1, camera=0.1),
)
