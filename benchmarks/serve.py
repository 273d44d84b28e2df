"""The service under load on this machine's loopback: requests a second, latencies, errors, memory; then malformed
requests.

Run: python benchmarks/serve.py [--requests 20000] [--concurrency 1 8 64] [--malformed 10000] [--workers N]
[--micro-batch] [--out FOLDER] The client runs on the same cores as the service. Images: JPEG with one face, 640 x 480,
one in eight of them 1280 x 960. Targets, on 2 cores: one client 60 requests/s and p50 under 20 ms, eight clients 80
requests/s and p99 under 300 ms, no error, memory growth under 50 MB, no 5xx from 10,000 malformed requests.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import ROOT, keep
from photo import frame_640x480

sys.path.insert(0, str(ROOT / "tests"))
WARM_UP = 100
FACE = b'"emotion":'


def request(jpeg: bytes) -> bytes:
    """POST /v1/analyze with a raw image, over a connection that is kept."""
    fields = ("host: localhost", "content-type: image/jpeg", f"content-length: {len(jpeg)}")
    head = "\r\n".join(["POST /v1/analyze HTTP/1.1", *fields, "", ""])
    return head.encode() + jpeg


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


async def client(port: int, mix: list[bytes], left: list[int], seconds: list[float], statuses: Counter) -> None:
    """One of the clients: asks again as soon as it is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while left[0] > 0:
        left[0] -= 1
        began = time.perf_counter()
        writer.write(mix[left[0] % len(mix)])
        status, body = await answered(reader)
        seconds.append(time.perf_counter() - began)
        statuses[status if status != 200 or FACE in body else "no face"] += 1
    writer.close()


async def load(port: int, mix: list[bytes], count: int, concurrency: int) -> dict[str, Any]:
    """Rate and latencies of `count` requests."""
    left, seconds, statuses = [count], [], Counter()
    began = time.perf_counter()
    await asyncio.gather(*(client(port, mix, left, seconds, statuses) for _ in range(concurrency)))
    took = time.perf_counter() - began
    p50, p95, p99 = np.percentile(np.array(seconds) * 1000, [50, 95, 99])
    return {
        "requests": count,
        "concurrency": concurrency,
        "per_s": round(count / took, 1),
        "p50_ms": round(float(p50), 1),
        "p95_ms": round(float(p95), 1),
        "p99_ms": round(float(p99), 1),
        "max_ms": round(max(seconds) * 1000, 1),
        "statuses": {str(status): number for status, number in statuses.items()},
    }


def mixed() -> list[bytes]:
    """Eight requests, the last one with an image twice as wide and high."""
    frame = frame_640x480()
    frames = [frame] * 7 + [cv2.resize(frame, None, fx=2, fy=2)]
    return [request(cv2.imencode(".jpg", each, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()) for each in frames]


def malformed(port: int, count: int) -> dict[str, int]:
    """Statuses of malformed requests; "0" where the connection was closed without an answer."""
    import test_api_fuzz as fuzz

    chance = random.Random(fuzz.SEED + 1)
    statuses = Counter(fuzz.status(port, fuzz.malformed(chance)) for _ in range(count))
    return {str(status): number for status, number in sorted(statuses.items())}


def memory_mb(pid: int, row: str = "VmRSS") -> float:
    """Resident memory of a process in MB; row: of /proc/PID/status, "VmHWM" for the largest so far."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith(row))
    return round(int(line.split()[1]) / 1024, 1)


def cpu_s(pid: int) -> float:
    """Processor time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def started(options: list[str], prefix: Sequence[str] = ()) -> Iterator[tuple[int, int]]:
    """A service in a process of its own: process id and port. prefix: a command that runs it."""
    command = [*prefix, sys.executable, "-m", "emojimation", "serve", "--port", "0", *options]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as server:
        port = int(server.stderr.readline().rsplit(":", 1)[1])
        drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
        try:
            yield server.pid, port
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(90)
            drain.wait(10)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--malformed", type=int, default=10_000)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--micro-batch", action="store_true")
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    options = ["--model", args.model, *["--micro-batch"] * args.micro_batch]
    options += ["--workers", str(args.workers)] if args.workers else []
    with started(options) as (pid, port):
        figures = measured(args, pid, port)
    keep("serve", figures, args.out)


def measured(args: argparse.Namespace, pid: int, port: int) -> dict[str, Any]:
    """All figures of one service."""
    mix = mixed()
    asyncio.run(load(port, mix, WARM_UP, max(args.concurrency)))
    before, spent = memory_mb(pid), cpu_s(pid)
    each = args.requests // len(args.concurrency)
    loads = [asyncio.run(load(port, mix, each, concurrency)) for concurrency in args.concurrency]
    return {
        "loads": loads,
        "workers": args.workers,
        "micro_batch": args.micro_batch,
        "request_bytes": [len(data) for data in (mix[0], mix[-1])],
        "cpu_ms_per_request": round((cpu_s(pid) - spent) / (each * len(loads)) * 1000, 2),
        "memory_mb": [before, memory_mb(pid)],
        "malformed": malformed(port, args.malformed),
        "memory_after_malformed_mb": memory_mb(pid),
    }


if __name__ == "__main__":
    main()
