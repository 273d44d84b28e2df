"""The service under a mixed load for a long time: memory, open files, threads, errors.

Run: python benchmarks/soak.py [--minutes 30] [--share 0.8] [--clients 8] [--core N] [--seed 0] [--out FOLDER]
Images of six sizes and several formats, forms, crops, anonymised images, videos as jobs, streams, the pages of the
service, and requests that are refused, chosen at random. They come at random moments, at a share of the capacity, which
is what the same clients reach without waiting; it is measured anew every few minutes, as other programs may run beside
the service. --core binds the service, with one worker, to one core. Growth is counted between the median of the first
tenth after the warm-up and that of the last tenth. Ends with 1 if an answer is not the expected one, or memory grows by
50 MB.
"""

import argparse
import asyncio
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from machine import ROOT, keep
from photo import frame_640x480
from serve import cpu_s, memory_mb, started
from websockets.asyncio.client import connect

from emojimation.video.writer import Segment

MOST_GROWTH_MB = 50
CAPACITY_S, PACED_S, SAMPLE_S = 20.0, 280.0, 5.0
STREAM_FRAMES, VIDEO_FRAMES, POLL_S = 8, 8, 0.5
WIDTHS = {160: 4, 320: 6, 640: 8, 1280: 3, 2560: 1}  # of images, with how often they come

Call = Callable[[httpx.AsyncClient], Awaitable[bool]]


@dataclass
class Seen:
    """What the clients have seen: seconds of each kind of call, unexpected answers, and how late calls began."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    unexpected: Counter[str] = field(default_factory=Counter)
    late_s: float = 0.0

    def figures(self) -> dict[str, Any]:
        """Calls, and latencies of each kind in milliseconds."""
        return {
            "calls": sum(map(len, self.seconds.values())),
            "unexpected": dict(self.unexpected),
            "most_late_s": round(self.late_s, 2),
            "ms": {name: _latencies(seconds) for name, seconds in sorted(self.seconds.items())},
        }


def _latencies(seconds: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(np.array(seconds) * 1000, [50, 99])
    return {"calls": len(seconds), "p50": round(float(p50), 1), "p99": round(float(p99), 1)}


def sent(wanted: int, method: str, path: str, **request: Any) -> Call:
    """A request that must get this status."""

    async def call(client: httpx.AsyncClient) -> bool:
        answer = await client.request(method, path, **request)
        return answer.status_code == wanted

    return call


def posted(path: str, data: bytes, kind: str = "image/jpeg", wanted: int = 200) -> Call:
    """A raw body."""
    return sent(wanted, "POST", path, content=data, headers={"content-type": kind})


def found(data: bytes, kind: str) -> Call:
    """An image in which there is one face."""

    async def call(client: httpx.AsyncClient) -> bool:
        answer = await client.post("/v1/analyze", content=data, headers={"content-type": kind})
        return answer.status_code == 200 and len(answer.json()["pictures"][0]["faces"]) == 1

    return call


def video(data: bytes) -> Call:
    """A job from submission to deletion."""

    async def call(client: httpx.AsyncClient) -> bool:
        answer = await client.post(
            "/v1/video", params={"files": ["film", "jsonl"]}, content=data, headers={"content-type": "video/mp4"}
        )
        if answer.status_code != 202:
            return False
        path = answer.headers["location"]
        while (job := (await client.get(path)).json())["state"] in ("queued", "running"):
            await asyncio.sleep(POLL_S)
        rows = await client.get(f"{path}/jsonl")
        gone = await client.delete(path)
        return job["state"] == "done" and len(rows.text.splitlines()) == VIDEO_FRAMES and gone.status_code == 200

    return call


def stream(url: str, data: bytes) -> Call:
    """A connection with a few frames."""

    async def call(client: httpx.AsyncClient) -> bool:
        async with connect(f"{url.replace('http', 'ws', 1)}/v1/stream") as socket:
            rows = []
            for number in range(STREAM_FRAMES):
                await socket.send(json.dumps({"time_s": number / 10}))
                await socket.send(data)
                rows.append(json.loads(await socket.recv()))
        return [len(row.get("faces", ())) for row in rows] == [1] * STREAM_FRAMES

    return call


def encoded(width: int, kind: str = "jpg") -> bytes:
    """The portrait, so wide."""
    frame = cv2.resize(frame_640x480(), (width, width * 3 // 4), interpolation=cv2.INTER_AREA)
    return cv2.imencode(f".{kind}", frame)[1].tobytes()


def short_video(folder: Path) -> bytes:
    """An H.264 video of the portrait."""
    film = Segment(folder / "short.mp4", 10.0)
    for number in range(VIDEO_FRAMES):
        film.write(frame_640x480(), number / 10)
    film.close()
    return (folder / "short.mp4").read_bytes()


def calls(url: str, folder: Path) -> dict[str, tuple[int, Call]]:
    """Name of a kind of call -> how often it comes, and the call."""
    usual = encoded(640)
    form = [("pictures", (f"{width}.jpg", encoded(width))) for width in (160, 320, 640)]
    made = {f"analyze {width}": (often, found(encoded(width), "image/jpeg")) for width, often in WIDTHS.items()}
    made |= {f"analyze {kind}": (1, found(encoded(640, kind), f"image/{kind}")) for kind in ("png", "webp")}
    made |= {
        "analyze form": (2, sent(200, "POST", "/v1/analyze?prior=uniform", files=form)),
        "analyze measures": (1, posted("/v1/analyze?measure=pose&measure=mesh", usual)),
        "analyze cropped": (2, posted("/v1/analyze?cropped=true", encoded(64, "png"), "image/png")),
        "anonymise emoji": (1, posted("/v1/anonymise?strength=fast", usual)),
        "anonymise blur": (1, posted("/v1/anonymise?style=blur&format=png", encoded(320))),
        "video": (1, video(short_video(folder))),
        "stream": (1, stream(url, encoded(320))),
        "truncated": (1, posted("/v1/analyze", usual[: len(usual) // 2], wanted=422)),
        "not an image": (1, posted("/v1/anonymise", b"text" * 1000, wanted=422)),
        "not a type": (1, posted("/v1/analyze", usual, "text/plain", wanted=415)),
        "no route": (1, sent(404, "GET", "/v2/faces")),
        "no job": (1, sent(404, "GET", "/v1/video/none")),
    }
    pages = ("/health", "/ready", "/metrics", "/v1/model", "/openapi.json")
    return made | {page: (1, sent(200, "GET", page)) for page in pages} | {"HEAD": (1, sent(200, "HEAD", "/health"))}


async def run_for(
    url: str, kinds: dict[str, tuple[int, Call]], seconds: float, per_s: float | None, clients: int, seed: int
) -> Seen:
    """Calls for so long: `per_s` a second at random moments, or each client's next one at once; one at least."""
    seen, chance = Seen(), random.Random(seed)
    names, weights = list(kinds), [often for often, _ in kinds.values()]
    due = time.perf_counter()
    end = due + seconds

    async def client() -> None:
        nonlocal due
        async with httpx.AsyncClient(base_url=url, timeout=120) as http:
            while True:
                mine, due = due, due + (0.0 if per_s is None else chance.expovariate(per_s))
                await asyncio.sleep(max(0.0, mine - time.perf_counter()))
                seen.late_s = max(seen.late_s, time.perf_counter() - mine)
                await timed(chance.choices(names, weights)[0], http)
                if max(due, time.perf_counter()) >= end:
                    return

    async def timed(name: str, http: httpx.AsyncClient) -> None:
        began = time.perf_counter()
        try:
            fits = await kinds[name][1](http)
        except (httpx.HTTPError, OSError, KeyError, ValueError) as error:
            fits, name = False, f"{name}: {type(error).__name__}"
        seen.seconds.setdefault(name, []).append(time.perf_counter() - began)
        seen.unexpected[name] += not fits

    await asyncio.gather(*(client() for _ in range(clients)))
    seen.unexpected = +seen.unexpected
    return seen


async def watched(pid: int, samples: list[dict[str, float]], began: float) -> None:
    """Memory, open files and threads of a process, every few seconds until cancelled."""
    while True:
        process = Path(f"/proc/{pid}")
        samples.append(
            {
                "s": round(time.perf_counter() - began, 1),
                "memory_mb": memory_mb(pid),
                "files": len(list((process / "fd").iterdir())),
                "threads": len(list((process / "task").iterdir())),
            }
        )
        await asyncio.sleep(SAMPLE_S)


async def soaked(url: str, pid: int, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """All figures of one service."""
    kinds = calls(url, folder)
    total, samples, capacities = Seen(), [], []
    began = time.perf_counter()
    watch = asyncio.create_task(watched(pid, samples, began))
    spent = cpu_s(pid)
    rounds = max(1, math.ceil(args.minutes * 60 / (CAPACITY_S + PACED_S)))
    round_s = args.minutes * 60 / rounds
    full_s = min(CAPACITY_S, round_s / 4)
    for number in range(rounds):
        full = await run_for(url, kinds, full_s, None, args.clients, args.seed + 2 * number)
        capacities.append(full.figures()["calls"] / full_s)
        rate = args.share * capacities[-1]
        paced = await run_for(url, kinds, round_s - full_s, rate, args.clients, args.seed + 2 * number + 1)
        total.unexpected += full.unexpected + paced.unexpected
        total.late_s = max(total.late_s, paced.late_s)
        for name, seconds in paced.seconds.items():
            total.seconds.setdefault(name, []).extend(seconds)
    watch.cancel()
    figures = total.figures()
    figures["cpu_s"] = round(cpu_s(pid) - spent, 1)
    return {"capacity_per_s": [round(rate, 1) for rate in capacities], **figures, **grown(samples)}


def grown(samples: list[dict[str, float]]) -> dict[str, Any]:
    """First and last tenth after the warm-up (a tenth, too), their growth, and some samples in between."""
    tenth = max(1, len(samples) // 10)
    first, last = samples[tenth : 2 * tenth] or samples[:1], samples[-tenth:]

    def median(part: list[dict[str, float]], key: str) -> float:
        return round(statistics.median(one[key] for one in part), 1)

    return {
        **{key: [median(first, key), median(last, key)] for key in ("memory_mb", "files", "threads")},
        "growth_mb": round(median(last, "memory_mb") - median(first, "memory_mb"), 1),
        "peak_mb": max(one["memory_mb"] for one in samples),
        "samples": samples[:: max(1, len(samples) // 30)],
    }


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--core", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    bound = [] if args.core is None else ["taskset", "-c", str(args.core)]
    with (
        tempfile.TemporaryDirectory() as place,
        started(["--model", args.model, *(["--workers", "1"] if bound else [])], bound) as (pid, port),
    ):
        figures = asyncio.run(soaked(f"http://127.0.0.1:{port}", pid, Path(place), args))
    given = {"minutes": args.minutes, "share": args.share, "clients": args.clients, "core": args.core}
    keep("soak", {**given, **figures}, args.out)
    return int(bool(figures["unexpected"]) or figures["growth_mb"] >= MOST_GROWTH_MB)


if __name__ == "__main__":
    sys.exit(main())
