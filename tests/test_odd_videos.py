"""Odd but right videos through the whole run, to a video again: 8K, odd sizes, ten bits and HDR, transparency, changing
size.
"""

import numpy as np
import pytest

from emojimation.video.options import Options
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from test_run_video import look
from videos import images, write_video

PQ = 16  # SMPTE 2084, ITU-T H.273


CASES = [
    ("8k.mp4", (7680, 4320), {"options": {"preset": "ultrafast", "qp": "30"}}, (7680, 4320)),
    ("odd.mkv", (321, 239), {"pix_fmt": "yuv444p"}, (322, 240)),
    ("tenbit.mkv", (320, 240), {"pix_fmt": "yuv420p10le"}, (320, 240)),
    ("hdr.mkv", (320, 240), {"pix_fmt": "yuv420p10le", "transfer": PQ}, (320, 240)),
    ("alpha.webm", (320, 240), {"codec": "libvpx-vp9", "pix_fmt": "yuva420p"}, (320, 240)),
    ("turned.mp4", (320, 240), {"rotation": 90}, (240, 320)),
]


@pytest.mark.parametrize(
    ("name", "size", "settings", "expected", "style"),
    [pytest.param(*CASES[0], "boxes", marks=pytest.mark.slow)]
    + [(*case, style) for style in ("boxes", "avatar") for case in CASES[1:]],
)
def test_odd_videos_become_videos_that_browsers_play(name, size, settings, expected, style, tmp_path):
    film = write_video(tmp_path / name, 2 if expected[0] > 4000 else 6, 30, size, **settings)
    targets = Targets(tmp_path / "out.mp4", csv=tmp_path / "a.csv")
    result = run_video(film, look, targets, Options(style=style, workers=2))
    assert any("padded to 322 x 240" in note for note in result.notes) == (size == (321, 239))
    frames = images(tmp_path / "out.mp4")
    assert len(frames) == result.frames == (2 if expected[0] > 4000 else 6) and result.people == 1
    height, width = frames[0].shape[:2]
    assert (width, height) == expected
    inside = frames[-1][height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    assert inside.std() > 5, "something is drawn there"


def test_a_size_that_changes_keeps_the_videos_size(tmp_path):
    first, second = (write_video(tmp_path / f"{n}.ts", 6, 30, size) for n, size in enumerate([(320, 240), (160, 160)]))
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    result = run_video(both, look, Targets(tmp_path / "out.mp4"), Options())
    frames = images(tmp_path / "out.mp4")
    assert {frame.shape for frame in frames} == {(240, 320, 3)} and len(frames) == result.frames == 12
    assert any("frame size changes: 160x160, 320x240" in note for note in result.notes)
    assert np.abs(frames[-1][:, :20].astype(int)).mean() < 12, "fitted with black beside it"
