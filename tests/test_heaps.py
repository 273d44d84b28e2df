"""The C library's heaps in a process with many threads, counted by the library itself."""

import platform
import subprocess
import sys

import pytest

from emojimation.heaps import HEAPS

COUNT = """
import ctypes, sys, tempfile, threading
from emojimation import heaps
if sys.argv[1] == "few":
    heaps.few_heaps()
kept, all_there = [], threading.Barrier(13)
def work():
    kept.append([bytes(5000) for _ in range(20)])
    all_there.wait()
    all_there.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]
all_there.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as file:
    out = libc.fopen(file.name.encode(), b"w")
    libc.malloc_info(0, ctypes.c_void_p(out))
    libc.fclose(ctypes.c_void_p(out))
    print(file.read().count(b"<heap nr="))
all_there.wait()
"""


FREED = """
from emojimation import heaps
def mb():
    return int(open("/proc/self/statm").read().split()[1]) / 256
kept = [bytes(100_000) for _ in range(1000)]
last = bytes(100_000)
del kept
before = mb()
heaps.give_back()
print(round(before - mb()))
"""
GLIBC = platform.libc_ver()[0] == "glibc"
ONLY = "only the GNU C library has heaps that keep what was freed"


def told(*words: str) -> int:
    done = subprocess.run([sys.executable, "-c", *words], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not GLIBC, reason=ONLY)
def test_threads_share_two_heaps():
    assert told(COUNT, "few") <= HEAPS < told(COUNT, "many")


@pytest.mark.skipif(not GLIBC, reason=ONLY)
def test_what_was_freed_is_given_back():
    assert told(FREED) > 50


SEARCHED = """
import numpy as np
from emojimation.detect.network import release_memory
from emojimation.heaps import give_back
from emojimation.hiding.search import searcher
from emojimation.media import read_image
from emojimation.weights import ASSETS
def mb():
    return int(open("/proc/self/statm").read().split()[1]) / 256
search = searcher()
frame = np.tile(read_image(ASSETS / "samples" / "astronaut.jpg").frame, (2, 3, 1))
def found():
    return [(face.xyxy.tolist(), face.score) for face in search(frame)]
first = found()
before = mb()
release_memory()
give_back()
freed = before - mb()
assert len(first) == 6 and found() == first
print(round(freed))
"""


@pytest.mark.skipif(not GLIBC, reason=ONLY)
def test_networks_return_the_memory_of_a_search_and_still_work():
    assert told(SEARCHED) > 15
