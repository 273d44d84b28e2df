"""The video that comes out, decoded and looked at frame by frame: in no hiding style is a known face to be seen.

What is asked is whether the face's detail is still there: for each small block of the face, the fine structure (what is
left after a Gaussian blur) of the video before and after hiding is compared. A block that was only encoded again keeps
it, and its brightness: the edge of a coarse square may resemble the detail below it by chance.
"""

import cv2
import numpy as np
import pytest

from emojimation.draw.styles import HIDING
from emojimation.hiding.search import searcher
from emojimation.pipeline import make_pipeline
from emojimation.video.options import Options
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from emojimation.video.scene import hide_and_seek
from emojimation.video.writer import Segment
from videos import images

FPS = 10.0
BLOCK_PX = 12
DETAIL = 1.5  # grey levels, standard deviation of the fine structure: blocks with less tell nothing
KEPT = 0.6  # a block whose fine structure differs by less than this part of itself is seen,
ALIKE = (
    12  # if its levels differ by less than this in the mean: encoding changes them by 2 or 3, a cover by 20 and more
)


@pytest.fixture(scope="module")
def scene():
    return hide_and_seek(fps=FPS)


@pytest.fixture(scope="module")
def shot(scene, tmp_path_factory):
    """The video as a camera would have written it, H.264, and its decoded frames."""
    path = tmp_path_factory.mktemp("shot") / "shot.mp4"
    film = Segment(path, FPS)
    for frame in scene:
        film.write(frame.image, frame.time_s)
    film.close()
    return path, images(path)


@pytest.fixture(scope="module")
def look():
    """What `emojimation video --anonymise` looks with; answers are kept, as every style asks about the same frames."""
    pipeline = make_pipeline(detector=searcher())
    known = {}

    def remembered(image):
        key = hash(image.tobytes())
        if key not in known:
            known[key] = pipeline(image)
        return known[key]

    return remembered


@pytest.fixture(scope="module")
def fine(scene):
    """The fine structure of an image; bars are left out of the average, so that their edges do not count as the
    face's."""
    open_ = np.ones(scene.size_wh[::-1], np.float32)
    for x0, y0, x1, y1 in scene.bars:
        open_[y0:y1, max(x0 - 2, 0) : x1 + 2] = 0
    share = np.maximum(cv2.GaussianBlur(open_, (0, 0), 3), 1e-6)

    def of(image):
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
        return (grey - cv2.GaussianBlur(grey * open_, (0, 0), 3) / share) * open_

    return of


def blocks(mask):
    """Slices of the blocks of a grid that lie whole in the mask."""
    square = np.ones((BLOCK_PX, BLOCK_PX), np.uint8)
    whole = cv2.erode(mask.astype(np.uint8), square, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    for y, x in np.argwhere(whole[:: BLOCK_PX // 2, :: BLOCK_PX // 2]) * (BLOCK_PX // 2):
        yield np.s_[y : y + BLOCK_PX, x : x + BLOCK_PX]


@pytest.fixture(scope="module")
def detail(scene, shot, fine):
    """Frame by frame the blocks of faces that have detail: person, block, its fine structure; and faces looked at."""
    found, faces = [], 0
    for number, image in enumerate(shot[1]):
        whole, here = fine(image), []
        for truth in scene.truth(number / FPS):
            inside = list(blocks(scene.visible(truth)))
            faces += bool(inside)
            here += [(truth.person, block, whole[block]) for block in inside if whole[block].std() > DETAIL]
        found.append(here)
    return found, faces


def seen_in(after, before, detail, fine):
    """Blocks of faces whose detail is still there, as (time, person)."""
    seen = []
    for number, (one, other, here) in enumerate(zip(before, after, detail, strict=True)):
        second = fine(other)
        for person, block, first in here:
            alike = cv2.absdiff(one[block], other[block]).mean() < ALIKE
            if alike and (second[block] - first).std() < KEPT * first.std():
                seen.append((number / FPS, person))
    return seen


@pytest.mark.slow
def test_the_measure_sees_faces_that_are_not_hidden(shot, detail, fine, tmp_path):
    """The video encoded once more, nothing hidden: nearly all blocks keep their detail."""
    path = tmp_path / "again.mp4"
    film = Segment(path, FPS)
    for number, image in enumerate(shot[1]):
        film.write(image, number / FPS)
    film.close()
    seen, count = seen_in(images(path), shot[1], detail[0], fine), sum(map(len, detail[0]))
    assert count > 5000 and len(seen) > 0.95 * count and detail[1] > 180


@pytest.mark.slow
@pytest.mark.parametrize("style", HIDING)
def test_no_frame_of_the_video_shows_a_face(style, shot, look, detail, fine, tmp_path):
    out = tmp_path / "out.mp4"
    result = run_video(shot[0], look, Targets(out), Options(style=style, hide=True, workers=2))
    assert result.frames == len(shot[1]) and "held" in result.hidden
    seen = seen_in(images(out), shot[1], detail[0], fine)
    assert seen == [], f"{len(seen)} of {sum(map(len, detail[0]))} blocks, first at {seen[0][0]:.1f} s"
