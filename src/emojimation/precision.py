"""Whether a model is run in eight bits: several times as fast where the processor multiplies bytes, slower elsewhere.

A bundled model NAME may have an eight-bit version NAME_int8, quantised with seven-bit weights: the sum of two products
of bytes then fits into sixteen bits, so that instructions which saturate (AVX2's VPMADDUBSW) give the same answers as
those which do not (VNNI, ARM's dot product).
"""

from functools import lru_cache
from pathlib import Path

from emojimation.weights import EIGHT_BITS, manifest

CPU_FLAGS = Path("/proc/cpuinfo")
# Linux's names of the instructions that ONNX Runtime multiplies bytes with, the fastest first.
BYTE_PRODUCTS = ("avx512_vnni", "avx_vnni", "avx2", "asimddp")


def suited(model: str | Path) -> str | Path:
    """The name of the bundled model's eight-bit version where the processor is suited to it; others pass through."""
    name = f"{model}{EIGHT_BITS}"
    return name if isinstance(model, str) and byte_products(CPU_FLAGS) and name in manifest() else model


@lru_cache
def byte_products(cpuinfo: Path) -> str | None:
    """The processor's fastest instructions for products of bytes, of `BYTE_PRODUCTS`; None without, or if unknown."""
    try:
        lines = cpuinfo.read_text("utf-8").splitlines()
    except OSError:  # not Linux
        return None
    words = {word for line in lines if line.lower().startswith(("flags", "features")) for word in line.split()}
    return next((name for name in BYTE_PRODUCTS if name in words), None)
