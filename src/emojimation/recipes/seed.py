"""The network that ships as `seed`: the architecture of the original project (the "seed"), distilled in
the time that two processor cores allowed.

Command, with D for fer2013_train_val.parquet and pair.onnx as in the recipe `lite`:
    emojimation train --data D --recipe seed2.json --teacher pair.onnx --minutes 80 --out runs/seed
with seed2.json as {"base": "seed", "epochs": 50, "batch": 256, "learning_rate": 0.08, "distil": 0.8, "best_by": "loss",
"seed": 9, "augmentation": {"camera": 0.2}}. It did 15 epochs: 67.0 % on PublicTest, 66.6 % quantised to eight bits.
The architecture is that of `vgg`, weight for weight; dropout, which matters only in training, is lower, because a few
epochs cannot overfit. `vgg` is the training that the original project describes, and takes three times as long. The
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
