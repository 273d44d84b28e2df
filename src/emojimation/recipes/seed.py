"""The network that ships as `seed`: the architecture of the original project (the "seed"), distilled from `default` in
the time that two processor cores allowed.

Commands, with D for fer2013_train_val.parquet:
    emojimation evaluate --data D --split train --tta --model default --probabilities teacher.npy
    emojimation train --data D --recipe seed --teacher teacher.npy --minutes 48 --out runs/seed
The architecture is that of `vgg`, weight for weight; dropout, which matters only in training, is lower, because a few
epochs cannot overfit. `vgg` is the training that the original project describes, and takes five times as long. The
result is in docs/experiments.md.
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
