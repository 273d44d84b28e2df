"""The smallest network, `lite`, for phones and browsers: learns from the answers of `default` and from the labels.

Commands: emojimation evaluate --data fer2013_train_val.parquet --split train --tta --probabilities teacher.npy
          emojimation train --data fer2013_train_val.parquet --recipe lite --teacher teacher.npy --out runs/lite
          emojimation export runs/lite --data fer2013_train_val.parquet --format int8
What ships took 38 epochs in 70 minutes (`--minutes 70`) on two busy cores without AMX and reaches 64.9 % on PublicTest, FER+
agreement 80.4 %; the curve was still rising, so many more epochs and a better teacher are the next step.
"""

from emojimation.training.augment import Augmentation
from emojimation.training.recipe import Recipe

RECIPE = Recipe(
    options={"widths": (24, 48, 64), "depths": (3, 3, 2), "dropout": 0.1, "stem_stride": 2},
    epochs=120,
    learning_rate=0.2,
    weight_decay=0.001,
    label_smoothing=0.0,
    ferplus_mix=0.2,
    ferplus_head=0.5,
    distil=0.7,
    augmentation=Augmentation(shift_px=3, scale=0.1, rotation_deg=10, light=0.15, camera=0.15),
)
