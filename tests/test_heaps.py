"""The C library's heaps in a process with many threads, counted by the library itself."""

import platform
import subprocess
import sys

import pytest

from emojimation.cli.heaps import HEAPS

COUNT = """
import ctypes, sys, tempfile, threading
from emojimation.cli import heaps
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library has a heap for each thread")
def test_threads_share_two_heaps():
    few, many = (
        int(subprocess.run([sys.executable, "-c", COUNT, kind], capture_output=True, text=True, check=True).stdout)
        for kind in ("few", "many")
    )
    assert few <= HEAPS < many
