"""How long the audit of a data set takes, without and with reading it.

Run: python benchmarks/audit_time.py FILE
Prints one JSON object; the target is 180 s on 2 cores for FER2013.
"""

import json
import os
import platform
import resource
import sys
import time

import cv2
import numpy as np

from emojimation.training.audit import audit
from emojimation.training.data import load


def main() -> None:
    """Load, audit, print."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    start = time.perf_counter()
    dataset = load(sys.argv[1])
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
        "near_pairs": found["near"]["near_pairs"],
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
