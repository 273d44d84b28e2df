"""How long it takes to start, and how much memory a run takes.

Run: python benchmarks/startup.py [--runs 15] [--model NAME|PATH] [--out FOLDER]
Each run is a new process. Targets: import 0.6 s, one photo 1.5 s and 250 MB. Sizes: benchmarks/size.py.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import ROOT, keep, summary_ms

SAMPLE = ROOT / "src" / "emojimation" / "assets" / "samples" / "astronaut.jpg"
EVERYTHING = "import emojimation as e; [getattr(e, name) for name in e.__all__]"


def timed(command: list[str], runs: int) -> dict[str, float]:
    """Wall-clock summary of a command; the first of several runs fills the disk cache and is left out."""
    if runs > 1:
        subprocess.run(command, check=True, capture_output=True)
    seconds, cpu_start = [], children_cpu_s()
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return summary_ms(seconds, children_cpu_s() - cpu_start)


def children_cpu_s() -> float:
    """Processor time in seconds that the processes started from here have used and given back."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_mb(command: list[str]) -> float:
    """Largest resident memory of a command in MB (10^6 bytes); Linux counts in KiB."""
    code = f"import resource,subprocess; subprocess.run({command!r}, check=True, capture_output=True); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return round(int(done.stdout) * 1024 / 1e6, 1)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    python, program = [sys.executable, "-c"], [sys.executable, "-m", "emojimation"]
    with tempfile.TemporaryDirectory() as folder:
        image = [*program, "image", str(SAMPLE), "--model", args.model]
        figures = {
            "runs": args.runs,
            "python_alone": timed([*python, "pass"], args.runs),
            "import_emojimation": timed([*python, "import emojimation"], args.runs),
            "import_every_public_name": timed([*python, EVERYTHING], args.runs),
            "help": timed([*program, "--help"], args.runs),
            "image_one_jpg": timed(image, args.runs),
            "image_one_jpg_annotated": timed([*image, "--out", folder], args.runs),
            "image_one_jpg_peak_mb": peak_mb(image),
            "image_one_jpg_annotated_peak_mb": peak_mb([*image, "--out", folder]),
        }
    keep("startup", figures, args.out)


if __name__ == "__main__":
    main()
