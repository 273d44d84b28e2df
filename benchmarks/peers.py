"""Ours and the peers that can be installed offline from a package index, interleaved in one run, processor and clock.

Run: python benchmarks/peers.py [--rounds 10] [--folder FOLDER] [--only NAME ...] [--page PAGE] [--out FOLDER]

Each peer gets an environment of its own in --folder, which is made on the first run (about 4.6 GB in all, most of it
two copies of TensorFlow) and used again; by default it is temporary. A peer whose environment cannot be made is left
out and named. The pictures are drawn from the package's samples. Every peer is a process on one thread that is asked in
turn, so that whatever else the machine does hits all alike. Figures: medians in milliseconds; kept as peers.json;
--page writes the table.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from against import pictures
from machine import ROOT, keep, write_block

WORKERS = Path(__file__).resolve().parent / "peer_workers"
NODE = ("@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0")
BASE = ("numpy<2", "opencv-python-headless<4.12", "flatbuffers", "packaging", "pillow")
MEDIAPIPE = "absl-py attrs protobuf<5 matplotlib contourpy cycler fonttools kiwisolver pyparsing python-dateutil six"
DEFACE = "onnxruntime onnx protobuf coloredlogs humanfriendly sympy mpmath ml_dtypes typing_extensions"
TENSORFLOW = ("tensorflow-cpu==2.19.1", "opencv-python-headless<4.12")


@dataclass(frozen=True, slots=True)
class Peer:
    """A program of `WORKERS` and its environment. does: what it answers. changed: what it needed in order to run.

    bare: packages that are installed without their dependencies; whole: with them. Of npm both come with them.
    """

    worker: str
    does: str
    changed: str = "nothing"
    bare: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


PEERS = {
    "emojimation": Peer("worker_ours.py", "faces and emotions"),
    "emojimation, stream": Peer("worker_ours_stream.py", "faces and emotions, known faces followed"),
    "human 3.3.6": Peer(
        "worker_human.mjs",
        "faces, mesh and emotions (WebAssembly)",
        "its WebAssembly build is not among the package's exports: loaded by path; models served over HTTP",
        whole=("@vladmandic/human@3.3.6", *NODE),
    ),
    "face-api 1.7.15": Peer(
        "worker_face_api.mjs",
        "faces (small detector), landmarks and expressions (WebAssembly)",
        whole=("@vladmandic/face-api@1.7.15", *NODE),
    ),
    "fer 25.10.3": Peer(
        "worker_fer.py",
        "faces (Haar) and emotions (TFLite)",
        "imported as `fer.fer`, since the README's import fails; setuptools below 81 for `pkg_resources`; TensorFlow "
        "2.19 for processors, OpenCV 4, headless; without PyTorch and its video packages",
        bare=("fer==25.10.3",),
        whole=(*TENSORFLOW, "setuptools<81", "requests", "pillow"),
    ),
    "facex 1.1.0": Peer(
        "worker_facex.py",
        "faces (Haar) and emotions (TFLite)",
        "TensorFlow 2.19 for processors, OpenCV 4, headless",
        bare=("facex==1.1.0",),
        whole=(*TENSORFLOW, "scikit-image"),
    ),
    "mediapipe 0.10.21": Peer(
        "worker_mediapipe.py",
        "faces alone (full range)",
        "installed without jax and sounddevice, which this part does not use",
        bare=("mediapipe==0.10.21", *BASE, *MEDIAPIPE.split()),
    ),
    "deface 1.5.0": Peer(
        "worker_deface.py",
        "faces alone (CenterFace)",
        "installed without its video packages, and with the headless OpenCV",
        bare=("deface==1.5.0", *BASE, *DEFACE.split()),
    ),
}
BEGIN, END = "<!-- by benchmarks/peers.py --page -->", "<!-- end of peers -->"


def main() -> None:
    """Make the environments, measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--page", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        shown = Path(temporary) / "pictures"
        cases = write_pictures(shown)
        commands, left_out = made(args.only, args.folder or Path(temporary))
        workers = {name: Worker([*command[:2], str(shown), *command[2:]]) for name, command in commands.items()}
        figures = table(interleaved(workers, cases, args.rounds))
    keep("peers", {"rounds": args.rounds, "peers": figures, "left_out": left_out}, args.out)
    if args.page is not None:
        write_block(args.page, BEGIN, END, text(figures))


def write_pictures(folder: Path) -> list[str]:
    """Write the pictures as raw RGB, with their sizes; their names."""
    folder.mkdir()
    drawn = {name: frame for name, frame in pictures().items() if name != "one_small_640x480"}
    for name, frame in drawn.items():
        frame[..., ::-1].tofile(folder / f"{name}.rgb")
    sizes = {name: frame.shape[:2] for name, frame in drawn.items()}
    (folder / "pictures.json").write_text(json.dumps(sizes))
    return list(drawn)


def made(names: list[str], folder: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The command of each peer whose environment could be made, and why the others could not."""
    commands, left_out = {}, {}
    for name in names:
        try:
            commands[name] = command_of(name, folder)
        except (subprocess.CalledProcessError, OSError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            left_out[name] = said[-1] if said else type(error).__name__
    return commands, left_out


def command_of(name: str, folder: Path) -> list[str]:
    """Program, worker, and for JavaScript the environment; makes the environment if it is not there."""
    peer = PEERS[name]
    place, script = folder / name.split()[0].rstrip(","), str(WORKERS / peer.worker)
    if not peer.bare and not peer.whole:
        return [sys.executable, script]
    if peer.worker.endswith(".mjs"):
        if not (place / "node_modules").is_dir():
            place.mkdir(parents=True, exist_ok=True)
            npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(place)]
            run([*npm, *peer.bare, *peer.whole])
        return ["node", script, str(place)]
    python = place / "bin" / "python"
    if not python.exists():
        make_python(peer, place)
    return [str(python), script]


def make_python(peer: Peer, place: Path) -> None:
    """An environment with the peer's packages; none is left if one of them cannot be installed."""
    venv.create(place, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "-q"]
    try:
        for packages, how in ((peer.whole, []), (peer.bare, ["--no-deps"])):
            if packages:
                run([*pip, *how, *packages])
    except subprocess.CalledProcessError:
        shutil.rmtree(place, ignore_errors=True)
        raise


def run(command: list[str]) -> None:
    """Run a command that makes an environment."""
    subprocess.run(command, check=True, capture_output=True, text=True)


class Worker:
    """A peer's process: `ask(case)` -> milliseconds of processor, of clock, and the faces found."""

    def __init__(self, command: list[str]) -> None:
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | one,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout

    def ask(self, case: str) -> tuple[float, float, int]:
        began = time.perf_counter()
        self._to.write(f"{case}\n")
        self._to.flush()
        line = self._from.readline()
        while not line.startswith("["):  # what a library prints
            if not line:
                raise RuntimeError(f"Expected an answer of {self._process.args!r}, got an end: run it by itself.")
            line = self._from.readline()
        cpu_ms, faces = json.loads(line)
        return cpu_ms, (time.perf_counter() - began) * 1000, faces

    def close(self) -> None:
        self._to.close()
        self._process.wait()


Asked = dict[str, dict[str, list[tuple[float, float, int]]]]


def interleaved(workers: dict[str, Worker], cases: list[str], rounds: int) -> Asked:
    """Peer -> case -> what each round took; the first two rounds only warm up."""
    asked: Asked = {name: {case: [] for case in cases} for name in workers}
    for number in range(rounds + 2):
        for case in cases:
            for name, worker in workers.items():
                got = worker.ask(case)
                asked[name][case] += [got] if number > 1 else []
    for worker in workers.values():
        worker.close()
    return asked


def table(asked: Asked) -> dict[str, Any]:
    """Medians of each peer and case, with what it does and what was changed."""
    figures: dict[str, Any] = {}
    for name, cases in asked.items():
        figures[name] = {"does": PEERS[name].does, "changed": PEERS[name].changed}
        for case, got in cases.items():
            cpu, wall = (round(median(one[i] for one in got), 1) for i in (0, 1))
            figures[name][case] = {"cpu_ms": cpu, "wall_ms": wall, "faces": got[-1][2]}
    return figures


def text(figures: dict[str, Any]) -> str:
    """The page's table."""
    cases = [case for case, value in next(iter(figures.values())).items() if isinstance(value, dict)]
    heads = "".join(f" {case.replace('_', ' ')}, CPU (clock) ms, faces |" for case in cases)
    lines = [f"| | answers |{heads} changed to run |", "|---|---|" + "---|" * (len(cases) + 1)]
    for name, row in figures.items():
        cells = "".join(f" {row[case]['cpu_ms']} ({row[case]['wall_ms']}), {row[case]['faces']} |" for case in cases)
        lines.append(f"| {name} | {row['does']} |{cells} {row['changed']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
