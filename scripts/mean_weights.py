"""The weighted mean of two runs of one network, of which the second began with the first one's weights.

Run: python scripts/mean_weights.py RUN CONTINUATION --share 0.45 --out FOLDER
     emojimation export FOLDER --data fer2013.csv
FOLDER gets model.keras and weights.npz, and the recipe and history of CONTINUATION. --share is the continuation's.
"""

import argparse
import shutil
from pathlib import Path

from emojimation.errors import InputError
from emojimation.training.fit.backend import need_training
from emojimation.training.fit.recipe import read


def main() -> None:
    """Load, average, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("continuation", type=Path)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    need_training()
    from emojimation.training.fit.network import load_start, save_weights
    from emojimation.training.fit.runs import load_keras

    model = load_keras(args.continuation)
    weights = [load_start(folder / "weights.npz")[2] for folder in (args.run, args.continuation)]
    if [w.shape for w in weights[0]] != [w.shape for w in weights[1]]:
        raise InputError(f"Expected two runs of one network, got others in {args.run} and {args.continuation}.")
    model.set_weights([a + args.share * (b - a) for a, b in zip(*weights, strict=True)])
    args.out.mkdir(parents=True)
    for name in ("recipe.json", "history.json"):
        shutil.copy(args.continuation / name, args.out / name)
    save_weights(model, read(args.out / "recipe.json"), args.out / "weights.npz")
    model.save(args.out / "model.keras")


if __name__ == "__main__":
    main()
