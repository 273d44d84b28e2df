"""How long the audit of a data set takes, without and with reading it.

Run: python benchmarks/audit_time.py FILE [--out FOLDER]
The target is 180 s on 2 cores for FER2013.
"""

import argparse
import resource
import time
from pathlib import Path

from machine import ROOT, keep

from emojimation.training.audit.audit import audit
from emojimation.training.data.load import load


def main() -> None:
    """Load, audit, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    start = time.perf_counter()
    dataset = load(args.file)
    loaded = time.perf_counter()
    found = audit(dataset)
    done = time.perf_counter()
    report = {
        "load_s": round(loaded - start, 2),
        "audit_s": round(done - loaded, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "n": len(dataset),
        "identical_groups_inside": found["identical"]["groups_inside"],
        "rows_with_twin_in_train": found["identical"]["rows_with_twin_in_train"],
        "contradictory_groups": found["identical"]["contradictory"],
        "near_pairs": found["near"]["near_pairs"],
        "excluded_rows": found["exclude"]["n"],
    }
    keep("audit", report, args.out)


if __name__ == "__main__":
    main()
