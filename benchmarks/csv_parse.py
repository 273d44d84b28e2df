"""How long `emojimation.training.data.load.load` takes for a csv of FER2013's full size, and how much memory.

Run: python benchmarks/csv_parse.py [CSV] [--parquet FILE] [--runs 3]
Without CSV one is made from the Training and PublicTest rows of a Parquet file (EMOJIMATION_DATA or --parquet), with
the PublicTest rows once more as "PrivateTest" to have the official number of 35,887 rows; without either, from random
pixels, whose numbers are as long as real ones. Prints one JSON object; the target is 15 s and 1 GB.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from emojimation.training.data.load import Dataset, load, save

MEASURE = """
import json, resource, sys, time
from emojimation.training.data.load import load
start = time.perf_counter()
dataset = load(sys.argv[1])
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(dataset)]))
"""


def full_size(parquet: Path | None) -> Dataset:
    """35,887 rows: the real ones where we have them, random ones otherwise."""
    if parquet is None:
        rng = np.random.default_rng(0)
        return Dataset.of(rng.integers(0, 256, (35_887, 48, 48), np.uint8), rng.integers(0, 7, 35_887))
    real = load(parquet)
    rows = np.r_[: len(real), np.flatnonzero(real.splits == "val")]
    splits = np.r_[real.splits, np.full(len(rows) - len(real), "test")]
    return Dataset.of(real.images[rows], real.labels[rows], splits)


def measure(path: Path) -> list[float]:
    """Seconds, peak MB and rows of one load in a fresh process."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Make the file if need be, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", nargs="?", type=Path)
    folder = os.environ.get("EMOJIMATION_DATA")
    parser.add_argument("--parquet", type=Path, default=Path(folder) / "fer2013_train_val.parquet" if folder else None)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        path, write_s = args.csv, None
        if path is None:
            path = Path(work) / "fer2013.csv"
            dataset = full_size(args.parquet)
            start = time.perf_counter()
            save(dataset, path)
            write_s = round(time.perf_counter() - start, 2)
        runs = [measure(path) for _ in range(args.runs)]
        report = {
            "median_s": round(statistics.median(run[0] for run in runs), 2),
            "peak_mb": round(max(run[1] for run in runs)),
            "rows": int(runs[0][2]),
            "file_mb": round(path.stat().st_size / 1e6, 1),
            "write_s": write_s,
            "runs": args.runs,
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
