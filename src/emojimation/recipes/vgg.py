"""The original project's network, trained as described there but on the official splits: Adam, early stopping, and a
learning rate reduced on plateaus.

Command: emojimation train --data fer2013_train_val.parquet --recipe vgg --out runs/vgg
Not yet trained to the end (an epoch takes about two minutes on two cores with AMX, four without); no accuracy is
claimed.
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
