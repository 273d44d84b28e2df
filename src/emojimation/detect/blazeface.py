"""BlazeFace full-range: the network of the first detection pass, and its close-up pass.

The network is MediaPipe's (Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs",
2019; its full-range variant). It takes a square image and predicts for each cell of a grid of four pixels: a logit, a
box and six keypoints, all in input pixels relative to the cell's centre. It was trained on 192 x 192 pixels, and as it
is fully convolutional, a single face can be shown in a smaller and cheaper input. Everything around it is ours.
"""

from functools import lru_cache

import numpy as np

from emojimation.detect.base import DetectorOptions
from emojimation.detect.network import Layout, open_network
from emojimation.detect.views import CLOSE_UP_PADDING, View, close_up, draw, letterbox, tile_views
from emojimation.faces import Face, iou
from emojimation.weights import resolve

STRIDE = 4  # input pixels of a cell
# Boxes that overlap by this much are one face (MediaPipe's own value for this network).
SAME_FACE_IOU = 0.3
# In a view with padding only boxes of at least this share of the frame's longer side count.
CLOSE_UP_SHARE = 0.5
# A face smaller than this many input pixels gets a close-up pass, enlarged to the network's best size, because its
# landmarks are coarse (measured: the error falls from 0.18 to 0.05 of the distance between the eyes).
SMALL_PX = 40
# Share of min_score that suffices if a close-up pass decides, or if false positives are rare. All measured:
# docs/decisions.md.
SOFTER = 0.8
# Share of min_score at which a first-pass detection is kept though the close-up pass does not find the face.
SURE = 7 / 6
# Half the mouth's width as a share of the distance between the eyes.
MOUTH_HALF_WIDTH = 0.4
# Share of min_score that a small face needs in the first pass if the close-up alone is sure; at most so many.
FAINT, MOST_SMALL = 1 / 3, 64
BATCH = 16

# Columns of a candidate row: score, box xyxy, six keypoints xy (right eye, left eye, nose, mouth, right ear, left ear),
# longer side of the box in the network's input.
_SCORE, _BOX, _POINTS, _SEEN_PX, _COLUMNS = 0, slice(1, 5), slice(5, 17), 17, 18

_TENSORS: Layout = {"frames": ["h", "w", 3], "boxes": ["cells", 16], "logits": ["cells", 1]}
_LAYOUT = "a face detector of BlazeFace's layout"
_ADVICE = "make one with scripts/convert_blazeface.py or omit the option"


@lru_cache
def grid(cells: int) -> np.ndarray:
    """Centres (cells,2) of the square grid of so many cells, in input pixels."""
    side = np.arange(round(cells**0.5))
    return (np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2) + 0.5) * STRIDE


def decode(boxes: np.ndarray, logits: np.ndarray, min_score: float) -> np.ndarray:
    """Raw output for one image, boxes (cells,16) and logits (cells,1), -> candidates (n,18) in input pixels."""
    keep = logits[:, 0] >= np.log(min_score / (1 - min_score))
    offsets, cells = boxes[keep].astype(np.float64), grid(len(boxes))[keep]
    centre, half = offsets[:, :2] + cells, np.abs(offsets[:, 2:4]) / 2
    seen_px = 2 * half.max(axis=1, keepdims=True)
    points = offsets[:, 4:].reshape(-1, 6, 2) + cells[:, None]
    score = 1 / (1 + np.exp(-logits[keep].astype(np.float64)))
    return np.hstack([score, centre - half, centre + half, points.reshape(-1, 12), seen_px])


def weighted_nms(candidates: np.ndarray, same_iou: float = SAME_FACE_IOU) -> np.ndarray:
    """Candidates (n,18) -> one row per face, best score first.

    The best candidate and all that overlap it are blended, weighted by score, as in the BlazeFace paper (section 4):
    steadier in video than keeping only the best. The best score is kept.
    """
    if len(candidates) < 2:
        return candidates
    rest = candidates[np.argsort(-candidates[:, _SCORE], kind="stable")]
    faces = []
    while len(rest):
        same = iou(rest[:1, _BOX], rest[:, _BOX])[0] >= same_iou
        same[0] = True
        weights = rest[same, _SCORE]
        blended = weights @ rest[same] / weights.sum()
        blended[_SCORE] = rest[0, _SCORE]
        faces.append(blended)
        rest = rest[~same]
    return np.array(faces).reshape(-1, candidates.shape[1])


def five_landmarks(points: np.ndarray) -> np.ndarray:
    """BlazeFace's six keypoints (6,2) -> the five landmarks (5,2) of `faces.TEMPLATE`.

    BlazeFace marks only the centre of the mouth. The corners are set `MOUTH_HALF_WIDTH` eye distances to either side of
    it, along the line through the eyes: they roll with the head, and draw together when it turns away, as the eyes do.
    """
    right_eye, left_eye, nose, mouth = points[:4]
    reach = (left_eye - right_eye) * MOUTH_HALF_WIDTH
    return np.stack([right_eye, left_eye, nose, mouth - reach, mouth + reach])


def faces_of(rows: np.ndarray) -> list[Face]:
    """Candidates (n,18) in frame pixels -> faces with score and landmarks."""
    return [
        Face(
            xyxy=row[_BOX].astype(np.float32),
            score=float(row[_SCORE]),
            landmarks=five_landmarks(row[_POINTS].reshape(6, 2)).astype(np.float32),
        )
        for row in rows
    ]


class BlazeFace:
    """BlazeFace's detection passes on one frame, (H,W,3) BGR uint8; boxes and landmarks in pixels of the frame."""

    def __init__(self, options: DetectorOptions) -> None:
        self.min_score, self.min_size_px, self.refine = options.min_score, options.min_size_px, options.refine
        path = resolve("face_detector" if options.model is None else options.model)
        self._session = open_network(path, options.threads, _TENSORS, _LAYOUT, _ADVICE)

    def find(self, frame: np.ndarray, tiles: bool) -> list[Face]:
        """The faces in the whole frame, and in overlapping tiles if requested; a close-up pass follows small ones, and
        those of more than half the frame."""
        height, width = frame.shape[:2]
        views = [letterbox((0, 0, width, height))] + (tile_views(width, height) if tiles else [])
        found = self._accepted(frame, weighted_nms(self._candidates(frame, views)))
        large = found[_sides(found) > CLOSE_UP_SHARE * max(width, height)]
        if len(large):
            seen = self._candidates_at(frame, large[:, _BOX])
        elif len(found) == 0:
            seen = [self._candidates(frame, [letterbox((0, 0, width, height), CLOSE_UP_PADDING)])]
        else:
            return faces_of(found)
        return faces_of(weighted_nms(np.vstack([found, *(self._filling(frame, rows) for rows in seen)])))

    def detect_at(self, frame: np.ndarray, boxes: np.ndarray) -> list[Face | None]:
        """Faces in enlarged views of the boxes (n,4): for each the face that overlaps it, of any score, or None."""
        answers: list[Face | None] = []
        for box, seen in zip(boxes, self._candidates_at(frame, boxes), strict=True):
            same = faces_of(_same_face(weighted_nms(seen), box))
            answers.append(same[0] if same else None)
        return answers

    def detect_in_crops(self, crops: np.ndarray) -> list[list[Face]]:
        """Faces in each of the crops (n,192,192,3) BGR uint8, in its pixels, of any score; one run of the network."""
        outputs = self._session.run(["boxes", "logits"], {"frames": crops})
        floor = self.min_score * FAINT
        return [faces_of(weighted_nms(decode(boxes, logits, floor))) for boxes, logits in zip(*outputs, strict=True)]

    def _accepted(self, frame: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The candidates that are faces: large ones by their score, small ones by their close-up."""
        small = (rows[:, _SEEN_PX] < SMALL_PX) & self.refine & (_sides(rows) >= self.min_size_px / 2)
        sure = rows[~small & (rows[:, _SCORE] >= self.min_score)]
        closer = self._second_pass(frame, rows[small][:MOST_SMALL])
        return weighted_nms(np.vstack([sure, closer[closer[:, _SCORE] >= self.min_score]]))

    def _second_pass(self, frame: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The faces as found in their close-ups; those not found are dropped, unless they were sure before.

        A candidate counts with the better score of both passes, a faint one with the close-up alone.
        """
        again = [np.zeros((0, _COLUMNS))]
        for row, seen in zip(rows, self._candidates_at(frame, rows[:, _BOX]), strict=True):
            faces = weighted_nms(seen[seen[:, _SCORE] >= self.min_score * SOFTER])
            same = _same_face(faces, row[_BOX])
            if row[_SCORE] >= self.min_score * SOFTER:
                same[:, _SCORE] = np.maximum(same[:, _SCORE], row[_SCORE])
            again.append(row[None] if len(same) == 0 and row[_SCORE] >= self.min_score * SURE else same)
        return np.vstack(again)

    def _filling(self, frame: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Those of the candidates (n,18) of a padded view that fill the frame."""
        rows = rows[rows[:, _SCORE] >= self.min_score * SOFTER]
        return rows[_sides(rows) >= CLOSE_UP_SHARE * max(frame.shape[:2])]

    def _candidates(self, frame: np.ndarray, views: list[View]) -> np.ndarray:
        """Candidates (n,18) in frame pixels of all views, without those cut by a view's inner edge."""
        seen = self._candidates_of(frame, views)
        return np.vstack([_whole_only(rows, view, frame) for rows, view in zip(seen, views, strict=True)])

    def _candidates_at(self, frame: np.ndarray, boxes: np.ndarray) -> list[np.ndarray]:
        """Candidates (n,18) in frame pixels in the close-up of each of the boxes (m,4)."""
        height, width = frame.shape[:2]
        return self._candidates_of(frame, [close_up(box, width, height) for box in boxes])

    def _candidates_of(self, frame: np.ndarray, views: list[View]) -> list[np.ndarray]:
        """Candidates (n,18) in frame pixels for each of the views, whose inputs have the same size."""
        seen = []
        for start in range(0, len(views), BATCH):
            part = views[start : start + BATCH]
            outputs = self._session.run(["boxes", "logits"], {"frames": np.stack([draw(frame, view) for view in part])})
            for view, boxes, logits in zip(part, *outputs, strict=True):
                seen.append(_to_frame(decode(boxes, logits, self.min_score * FAINT), view))
        return seen


def _to_frame(rows: np.ndarray, view: View) -> np.ndarray:
    points = view.to_frame(rows[:, 1:17].reshape(len(rows), 8, 2))
    return np.hstack([rows[:, :1], points.reshape(len(rows), 16), rows[:, 17:]])


def _whole_only(rows: np.ndarray, view: View, frame: np.ndarray) -> np.ndarray:
    """Without the faces cut by a tile's inner edge: the neighbouring or the larger view has them complete."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = view.xyxy
    low = np.where([x0 > 0, y0 > 0], [x0, y0], -np.inf)
    high = np.where([x1 < width, y1 < height], [x1, y1], np.inf)
    return rows[((rows[:, 1:3] >= low) & (rows[:, 3:5] <= high)).all(axis=1)]


def _sides(rows: np.ndarray) -> np.ndarray:
    """Longer sides (n,) of the candidates' boxes."""
    return (rows[:, 3:5] - rows[:, 1:3]).max(axis=1, initial=0)


def _same_face(rows: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Of the candidates, best first, the one row (1,18) that is the face of the box (4,); none if none overlaps."""
    return rows[iou(box[None], rows[:, _BOX])[0] >= SAME_FACE_IOU][:1]
