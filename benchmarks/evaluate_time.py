"""How long `emojimation evaluate` takes on PublicTest through ONNX, the whole command on one processor core.

Run: python benchmarks/evaluate_time.py FILE [--model default] [--rounds 3] [--out FOLDER]
The target is 10 s. The command starts anew each round, pinned to one core where the system can do that.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import ROOT, keep


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scores_file = Path(folder) / "scores.json"
        command = [sys.executable, "-m", "emojimation", "evaluate", "--data", str(args.file), "--model", args.model]
        seconds = [_timed([*command, "--json", str(scores_file)]) for _ in range(args.rounds)]
        scores = json.loads(scores_file.read_text("utf-8"))
    figures = {"model": args.model, "n": scores["n"], "accuracy": round(scores["accuracy"], 4)}
    times = {"median_s": round(statistics.median(seconds), 2), "best_s": round(min(seconds), 2), "rounds": args.rounds}
    keep("evaluate", figures | times | {"pinned_to_one_core": hasattr(os, "sched_setaffinity")}, args.out)


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, preexec_fn=_one_core)
    return time.perf_counter() - start


def _one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    main()
