"""How large the wheel is, and an installation without extras.

Run: python benchmarks/size.py [--out FOLDER]
Targets: 60 MB for the wheel, 350 MB installed. Installed are the packages in requirements/run.txt, as they lie in this
environment, and what the wheel unpacks to. Bytecode counts apart: pip writes it, or leaves it to Python.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from machine import ROOT, keep


def built(folder: Path) -> Path:
    """Build the wheel into the folder; its path."""
    asked = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return next(folder.glob("*.whl"))


def required() -> list[str]:
    """The packages of an installation without extras."""
    lines = (ROOT / "requirements" / "run.txt").read_text("utf-8").splitlines()
    return [line.split("==")[0] for line in lines if "==" in line]


def sizes(wheel: Path) -> dict[str, float]:
    """Megabytes of the wheel, of an installation, and of its bytecode."""
    found = [file for name in required() for file in _files(name)]
    unpacked = sum(entry.file_size for entry in zipfile.ZipFile(wheel).infolist())
    bytecode = sum(file.stat().st_size for file in found if file.suffix == ".pyc")
    installed = sum(file.stat().st_size for file in found) - bytecode + unpacked
    counted = {"wheel_mb": wheel.stat().st_size, "installed_mb": installed, "bytecode_mb": bytecode}
    return {name: round(size / 1e6, 1) for name, size in counted.items()}


def _files(name: str) -> list[Path]:
    try:
        package = distribution(name)
    except PackageNotFoundError:
        raise SystemExit(f"Error: Expected {name} to be installed, got nothing: make demo.") from None
    return [path for path in (Path(str(package.locate_file(file))) for file in package.files or []) if path.is_file()]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        keep("size", sizes(built(Path(folder))), args.out)


if __name__ == "__main__":
    main()
