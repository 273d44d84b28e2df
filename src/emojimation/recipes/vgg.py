"""The seed's own network, trained as the seed describes it but on the official splits: Adam, early stopping, reduced
rate.

Command: emojimation train --data fer2013_train_val.parquet --recipe vgg --out runs/vgg
Not yet run to its end (about two minutes an epoch on two cores with AMX, four without); no accuracy is claimed.
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

RECIPE = Recipe(
    model="vgg",
    epochs=60,
    batch=64,
    optimizer="adam",
    learning_rate=0.001,
    schedule="plateau",
    warmup_epochs=0.5,
    weight_decay=0.0,
    label_smoothing=0.0,
    ema=0.0,
    patience=12,
    augmentation=Augmentation(shift_px=3, scale=0.1, rotation_deg=10, light=0.0),
)
