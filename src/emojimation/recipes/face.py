"""dlib's face recognition network, fine-tuned: it knows faces before it sees the first emotion.

Commands:
    python scripts/start_from_dlib.py fer2013_train_val.parquet dlib.npz
    emojimation train --data fer2013_train_val.parquet --recipe face --from dlib.npz --out runs/face
Trained on labels and FER+ votes without a teacher: an independent member of an ensemble. docs/experiments.md has the
results. Without --from the network starts from random weights.
"""

from emojimation.training.fit.augment import Augmentation
from emojimation.training.fit.recipe import Recipe

RECIPE = Recipe(
    model="face_resnet",
    epochs=10,
    batch=64,
    optimizer="adamw",
    learning_rate=0.001,
    weight_decay=0.05,
    ferplus_mix=0.4,
    ferplus_head=0.5,
    best_by="loss",
    seed=41,
    augmentation=Augmentation(
        shift_px=2.5, scale=0.1, rotation_deg=10, light=0.25, camera=0.25, erase=0.25, erase_px=16, crop_px=5
    ),
)
