"""What all workers in Python share: pictures from a folder, cases by line, processor time and faces in answer."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def answer(find: Callable[[np.ndarray], int]) -> None:
    """For each name of a picture on standard input, print milliseconds of processor time and how many faces were found.

    find: takes (H,W,3) RGB uint8. The folder with the pictures is the first argument.
    """
    folder = Path(sys.argv[1])
    sizes = json.loads((folder / "pictures.json").read_text())
    pictures = {name: np.fromfile(folder / f"{name}.rgb", np.uint8).reshape(*hw, 3) for name, hw in sizes.items()}
    for line in sys.stdin:
        picture = pictures[line.strip()]
        began = time.process_time()
        faces = find(picture)
        print(json.dumps([(time.process_time() - began) * 1000, faces]), flush=True)
