"""Write the README's tables of figures from the measured results, so that no number is typed by hand.

Run after the benchmarks: python scripts/readme_figures.py
Reads benchmarks/results/*.json and what `evaluate` wrote beside each bundled model.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
from models import facts  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
# How the rows of speed begin that the README has, too.
IN_README = ("| `emojimation image", "| video, 640", "| live page", "| wheel")


def results(name: str) -> dict[str, Any]:
    """One of the stored results."""
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))


def models_table() -> list[str]:
    """Every bundled emotion model: size and scores as they are now, speed as it was last measured."""
    lines = [
        "| model | size | one face | accuracy (95 % interval) | without duplicates | FER+ | calibration error "
        "| corrupted images |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in results("models").items():
        if name == "machine":
            continue
        row |= facts(name)
        low, high = (100 * v for v in row["accuracy_ci95"])
        size = f"{row['bytes'] / 1e6:.1f} MB" if row["bytes"] > 1e6 else f"{row['bytes'] / 1024:.0f} KB"
        lines.append(
            f"| `{name}` | {size} | {row['median_ms']:.1f} ms | {row['accuracy']:.1%} ({low:.1f} to {high:.1f}) "
            f"| {row['accuracy_without_duplicates']:.1%} | {row['ferplus_accuracy']:.1%} | {row['ece']:.1%} | "
            f"{row['corruptions_mean']:.1%} |"
        )
    return lines


def speed_table() -> list[str]:
    """Speed and memory of each program."""
    startup, size, photo, video, live = (
        results("startup"),
        results("size"),
        results("photo"),
        results("video"),
        results("web")["live_1"]["told"],
    )
    window, serve, batch, ray = (
        results("desktop"),
        results("serve"),
        results("batch_local")["local"],
        results("batch_ray")["ray"],
    )
    one, eight = (next(load for load in serve["loads"] if load["concurrency"] == count) for count in (1, 8))
    frames = window["avatar, 1 face, camera of 120/s"]["frames_per_s"]
    rows = {
        "photo, 640 x 480, one face, one thread": f"{photo['pipeline']['median_ms']:.1f} ms",
        "`emojimation image photo.jpg`, the whole process": (
            f"{startup['image_one_jpg']['median_ms'] / 1000:.2f} s, {startup['image_one_jpg_peak_mb']:.0f} MB of memory"
        ),
        "video, 640 x 480, one face: analysis; with boxes, as H.264": (
            f"{video['480p_1_face_analysis']['frames_per_s']:.0f}; {video['480p_1_face_film']['frames_per_s']:.0f} "
            "frames/s"
        ),
        "video, 1280 x 720, five faces: analysis": f"{video['720p_5_faces_analysis']['frames_per_s']:.0f} frames/s",
        "ten minutes of 720p video: peak memory; growth after the first minute": (
            f"{video['memory']['peak_mb']:.0f} MB, {video['memory']['growth_mb']:.1f} MB"
        ),
        "live page with `--live server`: rate; latency, 95th percentile": (
            f"{live['frames_per_second'][0]:.0f} frames/s, {live['p95_ms'][0]:.0f} ms"
        ),
        "desktop window with the avatar": f"{frames:.0f} frames/s",
        "HTTP service, 640 x 480 photos: one client; eight": (
            f"{one['per_s']:.0f} requests/s, median {one['p50_ms']:.0f} ms; {eight['per_s']:.0f} requests/s, "
            f"99th percentile {eight['p99_ms']:.0f} ms"
        ),
        "batch of 20,000 photos: local; Ray with two workers": f"{batch['per_s']:.0f}; {ray['per_s']:.0f} photos/s",
        "wheel; installed without extras, and Python's bytecode for it": (
            f"{size['wheel_mb']:.0f} MB; {size['installed_mb']:.0f} MB and {size['bytecode_mb']:.0f} MB"
        ),
    }
    return ["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows.items())]


def peers_table() -> list[str]:
    """Ours beside other packages, on the same photos: what each answers, and what that takes."""
    lines = ["| | answers | one face, 640 x 480 | five faces, 1280 x 720 |", "|---|---|---|---|"]
    for name, row in results("peers")["peers"].items():
        one, five = row["one_large_640x480"], row["five_1280x720"]
        lines.append(
            f"| {name} | {row['does']} | {one['cpu_ms']:.0f} ms | {five['cpu_ms']:.0f} ms, {five['faces']} found |"
        )
    return lines


def load_table() -> list[str]:
    """What the service and a batch do under load."""
    serve, soak, kills = results("serve"), results("soak"), results("kills")
    rows = {
        f"{load['concurrency']} {'client' if load['concurrency'] == 1 else 'clients'}, {load['requests']:,} requests": (
            f"{load['per_s']:.0f} requests/s; {load['p50_ms']:.0f} ms median, {load['p99_ms']:.0f} ms 99th percentile"
        )
        for load in serve["loads"]
    }
    before, after = soak["memory_mb"]
    moments = ", ".join(f"{kill['answered']:,}" for kill in kills["killed"])
    rows |= {
        f"{sum(serve['malformed'].values()):,} malformed requests": f"{server_errors(serve['malformed'])} answers 5xx",
        f"{soak['minutes']:.0f} minutes of mixed load": (
            f"{soak['calls']:,} calls, {sum(soak['unexpected'].values())} unexpected answers; "
            f"memory {before:.0f} MB, then {after:.0f} MB"
        ),
        f"{kills['files']:,} images, killed after {moments}": (
            f"{kills['once']:,} answered once, {kills['never']} never, {kills['more_than_once']} more than once"
        ),
    }
    busy = [f"{result['machine']['load_1min']:.0f}" for result in (serve, soak, kills)]
    words = f"Two AMD EPYC cores, on which other programs ran besides (load average {', '.join(busy)})."
    return ["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows.items()), "", words]


def server_errors(statuses: dict[str, int]) -> int:
    """How many of the answers are the service's own fault."""
    return sum(count for status, count in statuses.items() if status.startswith("5"))


def table() -> str:
    """The README's figures in Markdown; the other speeds are in docs/performance.md."""
    head, rule, *speeds = speed_table()
    chosen = [line for line in speeds if line.startswith(IN_README)]
    return "\n".join([*models_table(), "", *peers_table(), "", head, rule, *chosen])


def put(page: Path, mark: str, text: str) -> None:
    """Put a table between a page's two comments."""
    marks = re.compile(rf"(<!-- {mark}: .*? -->\n).*?(<!-- end of {mark} -->)", re.DOTALL)
    page.write_text(marks.sub(lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page.read_text("utf-8")), "utf-8")


def main() -> None:
    """Put the tables into the README and the service's page."""
    put(ROOT / "README.md", "figures", table())
    put(ROOT / "docs" / "service.md", "load", "\n".join(load_table()))
    print(table())


if __name__ == "__main__":
    main()
