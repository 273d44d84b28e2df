"""What a benchmark's figures were measured on, and where they are kept."""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "pillow", "typer", "rich")


def facts() -> dict[str, Any]:
    """Machine, versions, commit and time of now; a load above 0 means that other programs were running."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
        "measured": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def summary_ms(seconds: list[float], cpu_s: float) -> dict[str, float]:
    """Median, 5th and 95th percentile of durations, and the processor time of one run, in milliseconds.

    cpu_s: processor time of all runs together. Where other programs run it tells more than the wall clock.
    """
    low, median, high = np.percentile(np.array(seconds) * 1000, [5, 50, 95])
    figures = {"median_ms": median, "p5_ms": low, "p95_ms": high, "cpu_ms": cpu_s / len(seconds) * 1000}
    return {name: round(float(value), 2) for name, value in figures.items()}


def keep(name: str, figures: dict[str, Any], folder: Path | None) -> None:
    """Print the figures and write them as `folder`/NAME.json; no folder writes nothing."""
    text = json.dumps(figures | {"machine": facts()}, indent=1)
    print(text)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(text + "\n", "utf-8")


def write_block(page: Path, begin: str, end: str, block: str) -> None:
    """Replace what the page has between the two marks."""
    text = page.read_text("utf-8")
    page.write_text(f"{text.split(begin)[0]}{begin}\n{block}\n{end}{text.split(end)[1]}", "utf-8")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def run_measure(name: str, about: str, measure: Callable[[int], dict[str, Any]], runs: int) -> None:
    """The whole of a benchmark with the options --out and --runs: on one thread of OpenCV, printed and kept."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--runs", type=int, default=runs)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    keep(name, {"runs": args.runs, **measure(args.runs)}, args.out)
