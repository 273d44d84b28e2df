"""The network that ships as `seed`: the architecture of the original project (the "seed"), distilled from an ensemble.

Command, with `views` stored by scripts/store_views.py as docs/experiments.md says ("On an accelerator"):
    TEACHER=views bash scripts/train_on_accelerator.sh DATA OUT 9 seed.json:404
with seed.json as {"base": "seed", "epochs": 50, "batch": 256, "learning_rate": 0.08, "warmup_epochs": 1, "distil": 0.9,
"label_smoothing": 0, "ferplus_mix": 0.1, "ferplus_head": 0.3, "ema": 0.998, "best_by": "last"}. Fifty epochs took 3.8
minutes beside five other runs on an accelerator: 70.1 % on PublicTest, 70.4 % quantised to eight bits.
The architecture is that of `vgg`, weight for weight; dropout, which matters only in training, is lower. `vgg` is the
training that the original project describes. The result is in docs/experiments.md.
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
