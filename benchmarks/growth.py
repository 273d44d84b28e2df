"""How cost grows with faces, picture size, a video's length, a batch and Ray's workers, beside one core's limit.

Run: python benchmarks/growth.py [--quick] [--only PART ...] [--files N ...] [--page docs/performance.md] [--out FOLDER]

Processor time on one thread, medians; memory is the process's resident size. The limit is the number of floating-point
operations of the networks divided by what one core reaches in a large matrix product, measured here. Written as
growth.json; --page puts the tables into the page and draws the curves as images/growth.svg beside it. --quick: few
points, for tests. --only: parts to measure, none: draw only; the others stay as growth.json has them. --files: numbers
of small files for the part of that name.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from batch import pss_mb, tree
from machine import ROOT, keep, write_block
from serve import cpu_s

from emojimation.media import decode_image, read_image
from emojimation.pipeline import Pipeline, make_pipeline
from emojimation.weights import resolve

SAMPLE = ROOT / "src" / "emojimation" / "assets" / "samples" / "astronaut.jpg"
FACES = (1, 2, 5, 10, 20, 50, 100)
MEGAPIXELS = (0.3, 1, 3, 12, 25, 50)
SECONDS = (2, 8, 20, 60)
PHOTOS = (100, 300)
FILES = (1_000, 10_000, 100_000)
DISTINCT = 100  # pictures among the small files; the others are hard links to them, which a batch takes for files
RAY_FILES = (100, 1_000)
PARTS = ("limit", "faces", "pixels", "video", "batch", "files", "ray")
BEGIN, END = "<!-- by benchmarks/growth.py --page -->", "<!-- end -->"


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--files", nargs="*", type=int, default=list(FILES))
    parser.add_argument("--page", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    some = slice(0, 1) if args.quick else slice(None)
    runs = 1 if args.quick else 3
    photo = make_pipeline()
    parts: dict[str, Callable[[], Any]] = {
        "limit": lambda: limit(runs),
        "faces": lambda: [by_faces(photo, count, runs) for count in FACES[some]],
        "pixels": lambda: [by_pixels(photo, megapixels, runs) for megapixels in MEGAPIXELS[some]],
        "video": lambda: [by_seconds(seconds) for seconds in SECONDS[some]],
        "batch": lambda: [by_photos(count, 1) for count in PHOTOS[some]] + [by_photos(PHOTOS[0], 2)],
        "files": lambda: [by_files(count) for count in args.files[some]],
        "ray": lambda: [by_ray(*case) for case in ((RAY_FILES[0], 1), (RAY_FILES[1], 1), (RAY_FILES[1], 2))[some]],
    }
    kept = args.out / "growth.json"
    known = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    figures = {name: measure() if name in args.only else known.get(name, []) for name, measure in parts.items()}
    if args.only:
        keep("growth", figures, args.out)
    if args.page is not None:
        write_block(args.page, BEGIN, END, tables(figures))
        draw(figures, args.page.parent / "images" / "growth.svg")


def cpu_ms(call: Callable[[], Any], runs: int) -> float:
    """Processor time of a call, the median of `runs` after a first one."""
    spent = []
    for _ in range(runs + 1):
        began = time.process_time()
        call()
        spent.append(time.process_time() - began)
    return round(float(np.median(spent[1:])) * 1000, 2)


def limit(runs: int) -> dict[str, float]:
    """Operations of the networks for a frame with one face, one core's measured peak, and the time that follows."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import growth; print(growth.peak({runs}))"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    core = float(done.stdout)
    counts = {
        "whole_frame_mflop": operations(resolve("face_detector"), (1, 192, 192, 3)),
        "close_up_mflop": operations(resolve("face_detector"), (1, 96, 96, 3)),
        "emotions_mflop": operations(resolve("default"), (1, 48, 48, 1)),
    }
    photo = counts["whole_frame_mflop"] + counts["emotions_mflop"]
    followed = counts["close_up_mflop"] + counts["emotions_mflop"]
    return counts | {
        "core_gflops": round(core, 1),
        "photo_ms": round(photo / core, 2),
        "followed_frame_ms": round(followed / core, 2),
    }


def peak(runs: int) -> float:
    """Thousand millions of operations a second that one core reaches in a matrix product of float32."""
    left, right = (np.random.default_rng(seed).random((768, 768), np.float32) for seed in (0, 1))
    best = np.inf
    for _ in range(runs * 4):
        began = time.process_time()
        left @ right
        best = min(best, time.process_time() - began)
    return 2 * 768**3 / best / 1e9


def operations(path: Path, shape: tuple[int, ...]) -> float:
    """Millions of multiplications and additions in a network's convolutions and products, for that input shape."""
    import onnx
    from onnx import shape_inference

    model = onnx.load(path)
    for dimension, size in zip(model.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dimension.Clear()
        dimension.dim_value = size
    del model.graph.value_info[:]  # shapes noted at the export have an unknown batch
    inferred = shape_inference.infer_shapes(model, data_prop=True).graph
    sizes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*inferred.value_info, *inferred.output)
    }
    weights = {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    # Weights that are stored in half precision reach their node through a cast.
    casts = [node for node in inferred.node if node.op_type == "Cast" and node.input[0] in weights]
    weights |= {node.output[0]: weights[node.input[0]] for node in casts}
    return round(sum(_products(node, sizes, weights) for node in inferred.node) * 2 / 1e6, 1)


def _products(node: Any, sizes: dict[str, list[int]], weights: dict[str, list[int]]) -> float:
    """Multiplications of one node; only those with weights count."""
    kernel = weights.get(node.input[1]) if len(node.input) > 1 else None
    if node.op_type not in ("Conv", "MatMul", "Gemm") or kernel is None:
        return 0.0
    made = float(np.prod(sizes[node.output[0]]))
    return made * float(np.prod(kernel[1:]) if node.op_type == "Conv" else kernel[0])


def portraits(count: int, width: int, height: int) -> np.ndarray:
    """(height,width,3) BGR uint8 with so many faces, in rows."""
    head = read_image(SAMPLE).frame[:300, 70:370]
    columns = int(np.ceil(np.sqrt(count * width / height)))
    side = min(width // columns, height // int(np.ceil(count / columns)))
    small = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    frame = np.full((height, width, 3), 128, np.uint8)
    for number in range(count):
        y, x = number // columns * side, number % columns * side
        frame[y : y + side, x : x + side] = small
    return frame


def by_faces(pipeline: Pipeline, count: int, runs: int) -> dict[str, Any]:
    """A frame of 1920x1080 with so many people, as a photo."""
    frame = portraits(count, 1920, 1080)
    return {"faces": count, "found": len(pipeline(frame)), "ms": cpu_ms(lambda: pipeline(frame), runs)}


def by_pixels(pipeline: Pipeline, megapixels: float, runs: int) -> dict[str, Any]:
    """A photo with one large face: decoding its JPEG, and the rest."""
    width = int(np.sqrt(megapixels * 1e6 * 4 / 3))
    frame = cv2.resize(read_image(SAMPLE).frame[:384], (width, width * 3 // 4), interpolation=cv2.INTER_LINEAR)
    jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    few = max(1, runs // 2)
    return {
        "megapixels": megapixels,
        "decode_ms": cpu_ms(lambda: decode_image(jpeg), few),
        "ms": cpu_ms(lambda: pipeline(frame), few),
    }


def by_seconds(seconds: int) -> dict[str, Any]:
    """A video of 640x480 at 30 frames a second with one person: rows only, one worker; peak memory of its process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.mp4"
        write_video(path, seconds)
        used = measured("video", str(path), "--jsonl", str(Path(folder) / "out.jsonl"))
    return {
        "seconds": seconds,
        "frames": seconds * 30,
        **used,
        "ms_per_frame": round(used["cpu_s"] / seconds / 0.03, 2),
    }


def write_video(path: Path, seconds: int) -> None:
    """A person in motion."""
    from emojimation.video.scene import crowd
    from emojimation.video.writer import Segment

    film = Segment(path, 30.0)
    for frame, _ in zip(crowd(1, seconds=seconds), range(seconds * 30), strict=False):
        film.write(frame.image, frame.time_s)
    film.close()


def by_photos(count: int, workers: int) -> dict[str, Any]:
    """A batch of JPEGs of 640x480 with one face each."""
    frame = cv2.resize(read_image(SAMPLE).frame[:384], (640, 480))
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        photos.mkdir()
        for number in range(count):
            cv2.imwrite(str(photos / f"{number:05}.jpg"), np.roll(frame, number % 7, axis=1))
        used = measured("batch", str(photos), "--out", str(Path(folder) / "out.jsonl"), "--workers", str(workers))
    return {"files": count, "workers": workers, **used, "ms_per_file": round(used["cpu_s"] / count * 1000, 2)}


def by_files(count: int) -> dict[str, Any]:
    """A batch of so many small files, each the crop of a face, for `lite`: what listing, journal and table cost."""
    with tempfile.TemporaryDirectory() as folder:
        command = crops_batch(Path(folder), count)
        used = measured(*command, "--workers", "1")
    return {"files": count, **used, "ms_per_file": round(used["cpu_s"] / count * 1000, 2)}


def by_ray(count: int, workers: int) -> dict[str, Any]:
    """The same with Ray on this machine. Its processes are no children that could be waited for: they are watched."""
    with tempfile.TemporaryDirectory() as folder:
        command = crops_batch(Path(folder), count)
        began = time.perf_counter()
        cpu_s, peak_mb = watched(*command, "--workers", str(workers), "--engine", "ray")
    wall_s = round(time.perf_counter() - began, 2)
    used = {"cpu_s": round(cpu_s, 2), "wall_s": wall_s, "peak_mb": round(peak_mb)}
    return {"files": count, "workers": workers, **used}


def crops_batch(folder: Path, count: int) -> list[str]:
    """Write `count` crops of 48x48 below a folder, a thousand in each; the command over them."""
    head = cv2.resize(read_image(SAMPLE).frame[40:200, 140:300], (48, 48), interpolation=cv2.INTER_AREA)
    for number in range(count):
        path = folder / "photos" / f"{number // 1000:04}" / f"{number:06}.jpg"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        if number < DISTINCT:
            cv2.imwrite(str(path), np.roll(head, number % 7, axis=1))
        else:
            os.link(folder / "photos" / "0000" / f"{number % DISTINCT:06}.jpg", path)
    return ["batch", str(folder / "photos"), "--out", str(folder / "out.jsonl"), "--model", "lite", "--cropped"]


def watched(*command: str) -> tuple[float, float]:
    """Processor seconds of an `emojimation` command with all processes below it, and their largest memory in MB (PSS).

    Looked at every half second: what a process does after the last look before its end is not seen.
    """
    spent: dict[int, float] = {}
    peak_mb = 0.0
    with subprocess.Popen([sys.executable, "-m", "emojimation", *command], stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            processes = tree(run.pid)
            for pid in processes:
                with suppress(OSError):
                    spent[pid] = cpu_s(pid)
            peak_mb = max(peak_mb, sum(map(pss_mb, processes)))
            time.sleep(0.5)
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, command)
    return sum(spent.values()), peak_mb


def measured(*command: str) -> dict[str, float]:
    """Seconds of processor and clock of an `emojimation` command with its processes, and the largest one's memory."""
    code = (
        "import json, resource, subprocess, sys, time; began = time.perf_counter(); "
        "subprocess.run([sys.executable, '-m', 'emojimation', *sys.argv[1:]], check=True, stdout=2); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(json.dumps([used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    cpu_s, wall_s, peak_mb = json.loads(done.stdout)
    return {"cpu_s": round(cpu_s, 2), "wall_s": round(wall_s, 2), "peak_mb": round(peak_mb)}


def tables(figures: dict[str, Any]) -> str:
    """The figures as tables of the page."""
    titles = {
        "limit": "One core's limit: operations of the networks, and the time they take at the measured peak",
        "faces": "Faces in a photo of 1920x1080",
        "pixels": "Size of a photo with one large face, beside the decoding of its JPEG",
        "video": "Length of a video of 640x480 with one person (`video --jsonl`, start-up included)",
        "batch": "Photos in a batch, 640x480 with one face (`batch`, start-up included)",
        "files": "Files in a batch, crops of 48x48 (`batch --cropped --model lite`, one worker, start-up included)",
        "ray": "The same with Ray on one machine (`--engine ray`; memory of all its processes)",
    }
    parts = []
    for name, title in titles.items():
        rows = figures[name] if isinstance(figures[name], list) else [figures[name]]
        if not rows:
            continue
        lines = ["| " + " | ".join(key.replace("_", " ") for key in rows[0]) + " |", "|---" * len(rows[0]) + "|"]
        lines += ["| " + " | ".join(f"{value:,}" for value in row.values()) + " |" for row in rows]
        parts.append(f"**{title}**\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def draw(figures: dict[str, Any], path: Path) -> None:
    """The curves beside the limit, as an SVG that the same figures always give again."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    limit, video, files = figures["limit"], figures["video"], figures["files"]
    photo, each = limit["photo_ms"], limit["emotions_mflop"] / limit["core_gflops"]
    limits = {
        "faces": [photo + (row["faces"] - 1) * each for row in figures["faces"]],
        "pixels": [photo for _ in figures["pixels"]],
        "video": [limit["followed_frame_ms"] for _ in video],
    }
    decoded = {"ms": "search and emotions", "decode_ms": "decoding the JPEG"}
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 9}):
        sheet = Figure(figsize=(10, 6), layout="constrained")
        axes = list(sheet.subplots(2, 3).flat)
        _curves(axes[0], figures["faces"], "faces", {"ms": "photo"}, limits["faces"])
        _curves(axes[1], figures["pixels"], "megapixels", decoded, limits["pixels"])
        _curves(axes[2], video, "frames", {"ms_per_frame": "video"}, limits["video"])
        _curves(axes[3], files, "files", {"ms_per_file": "batch of crops"})
        _curves(axes[4], video, "frames", {"peak_mb": "video"})
        _curves(axes[5], files, "files", {"peak_mb": "batch of crops"})
        for ax, label in zip(
            axes, ("ms", "ms", "ms a frame", "ms a file", "MB at the peak", "MB at the peak"), strict=True
        ):
            ax.set_ylabel(label)
        for ax in axes[:2]:
            ax.set_yscale("log")
            ax.minorticks_off()
        for ax in axes[2:]:
            ax.set_ylim(0, ax.get_ylim()[1] * 1.2)
        sheet.savefig(path, metadata={"Date": None})


def _curves(
    ax: Any, rows: list[dict[str, Any]], over: str, lines: dict[str, str], limits: Sequence[float] = ()
) -> None:
    """One curve or several of the rows over one of their keys. limits: the physical one at each row."""
    places = [row[over] for row in rows]
    for key, label in lines.items():
        ax.plot(places, [row[key] for row in rows], "o-", label=label)
    if limits:
        ax.plot(places, limits, "--", color="grey", label="limit of one core")
    ax.set(xlabel=over, xscale="log")
    ax.minorticks_off()
    ax.set_xticks(places, [f"{place:,}" for place in places])
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)


if __name__ == "__main__":
    main()
