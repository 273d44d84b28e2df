"""HDR frames (PQ and HLG in BT.2020) to ordinary ones (sRGB), by a colour table that FFmpeg's lut3d applies."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

PQ, HLG = 16, 18  # transfer characteristics, ITU-T H.273 table 3
HDR_TRANSFERS = (PQ, HLG)
TABLE = 33
WHITE_NITS = 203.0  # diffuse white in HDR, ITU-R BT.2408
PEAK_NITS = 1000.0
# BT.2020 to BT.709 primaries in linear light, ITU-R BT.2087.
TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def nits(signal: np.ndarray, transfer: int) -> np.ndarray:
    """Linear light in candela per square metre of HDR signal values in [0,1]; `transfer` is `PQ` or `HLG`.

    PQ: SMPTE ST 2084. HLG: ITU-R BT.2100's inverse OETF, shown on a display of 1000 nits (its gamma of 1.2 per
    channel).
    """
    if transfer == PQ:
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        power = signal ** (1 / m2)
        return 10000 * (np.clip(power - c1, 0, None) / (c2 - c3 * power)) ** (1 / m1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return PEAK_NITS * light**1.2


def tone(light: np.ndarray) -> np.ndarray:
    """Linear BT.2020 nits (...,3) -> sRGB values in [0,1]: the brightest channel is compressed, so that hues stay.

    The curve is Reinhard's extended one (2002, equation 4): white stays near white and `PEAK_NITS` becomes 1.
    """
    rgb = np.clip(light @ TO_709.T / WHITE_NITS, 0, None)
    top, peak = rgb.max(axis=-1, keepdims=True), PEAK_NITS / WHITE_NITS
    mapped = top * (1 + top / peak**2) / (1 + top)
    rgb = np.clip(rgb * mapped / np.maximum(top, 1e-9), 0, 1)
    return np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)


def cube(transfer: int) -> str:
    """The text of a .cube file that turns an HDR signal into sRGB."""
    axis = np.linspace(0, 1, TABLE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    signal = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    rows = [f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in tone(nits(signal, transfer))]
    return "\n".join([f"LUT_3D_SIZE {TABLE}", *rows]) + "\n"


class ToneMapper:
    """Call it with a decoded HDR frame: (H,W,3) BGR uint8. The filters are built for the first frame of each kind."""

    def __init__(self, av: Any):
        self._av = av
        self._graphs: dict[tuple, Any] = {}

    def __call__(self, raw: Any) -> np.ndarray:
        kind = raw.width, raw.height, raw.format.name, int(raw.color_trc)
        if kind not in self._graphs:
            self._graphs = {kind: self._graph(raw)}  # one at a time: an 8K graph holds large buffers
        graph = self._graphs[kind]
        rgb = raw.reformat(format="gbrp10le", src_colorspace=9)  # BT.2020 non-constant luminance
        graph.push(rgb)
        return graph.pull().to_ndarray(format="bgr24")

    def _graph(self, raw: Any) -> Any:
        graph = self._av.filter.Graph()
        time_base = raw.time_base or "1/1000"
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "tone.cube"
            table.write_text(cube(int(raw.color_trc)), "ascii")
            source = graph.add(
                "buffer", f"video_size={raw.width}x{raw.height}:pix_fmt=gbrp10le:time_base={time_base}:pixel_aspect=1/1"
            )
            lut = graph.add("lut3d", f"file='{table}'")
            to_8_bits, sink = graph.add("format", "gbrp"), graph.add("buffersink")
            for first, second in ((source, lut), (lut, to_8_bits), (to_8_bits, sink)):
                first.link_to(second)
            graph.configure()
        return graph
