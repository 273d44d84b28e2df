"""A wide `vgg_se` whose stem halves the image: more weights than `default`, about 2.4 times as fast to train.

Command: emojimation train --data fer2013_train_val.parquet --ferplus fer2013new.csv --recipe strided --out runs/strided
Trained without a teacher, so that it can be an independent member of an ensemble. The result is in docs/experiments.md.
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

RECIPE = Recipe(
    options={"widths": (48, 96, 192, 256), "depths": (2, 3, 3, 2), "stem_stride": 2, "dropout": 0.3},
    epochs=40,
    learning_rate=0.1,
    ferplus_mix=0.3,
    ferplus_head=0.5,
    best_by="loss",
    seed=21,
    augmentation=Augmentation(
        shift_px=3, scale=0.1, rotation_deg=10, shear_deg=3, light=0.2, camera=0.15, erase=0.2, erase_px=14
    ),
)
