"""Every number that the page shares with Python, as plain values for its numbers.json: none is written twice."""

from types import ModuleType
from typing import Any

from emojimation import languages
from emojimation.certainty import PAIR_THRESHOLD
from emojimation.classify.classifier import EmotionClassifier
from emojimation.detect import blazeface, following, search, views
from emojimation.detect.base import DetectorOptions
from emojimation.draw import avatar, cover, panel, portrait, sprites
from emojimation.draw.characters import character
from emojimation.draw.styles import STYLES
from emojimation.errors import InputError
from emojimation.faces import MOST_ZOOM
from emojimation.hiding.search import STRENGTHS
from emojimation.labels import EMOTIONS, NOT_SURE_EMOJI
from emojimation.priors import NAMES, prior_of
from emojimation.tracking import smooth, track

_DETECT = {
    blazeface: "STRIDE SAME_FACE_IOU CLOSE_UP_SHARE SMALL_PX SOFTER SURE MOUTH_HALF_WIDTH FAINT MOST_SMALL BATCH",
    views: "INPUT_PX CLOSE_UP_PADDING FACE_INPUT_PX FACE_PADDING TILE_OVERLAP",
    search: "PORTRAIT_SHARE SAME_IOU SAME_CENTRE SAME_SIZE",
    following: "FULL_EVERY FULL_EVERY_S",
}
_TRACKING = {
    track: "NOMINAL_STEP_S BOX_MEMORY_S SPREAD SPREAD_PER_S SPREAD_PER_S2 SPREAD_PER_S_NEW SIZE_SPREAD EMOTION_WEIGHT "
    "MAX_COST CROWDED_IOU TENTATIVE_SHARE NEIGHBOURS_S FORESEEN_S",
    smooth: "LIKE_STEPS SHORTEST",
}
_DRAW = {cover: "HEAD_SIDE HEAD_LIFT CELLS", sprites: "DISC PALE"}


def numbers(classifier: EmotionClassifier) -> dict[str, Any]:
    """Detection, crops, base rates, certainty, labels, tracking, styles and the avatar, for a model of seven emotions.

    Raises InputError for a model of other classes or of crops in colour, which the page cannot show.
    """
    if classifier.labels != EMOTIONS or classifier.channels != 1:
        raise InputError(
            f"Expected a model of grey crops and the labels {', '.join(EMOTIONS)}, got {classifier.channels} channels "
            f"and {', '.join(classifier.labels)}: choose another with --model."
        )
    labels, trained = classifier.label_set, classifier.trained_prior
    shares = {name: prior_of(name, labels).shares for name in NAMES}
    options, emoji = DetectorOptions(), character("emoji")
    return {
        "detect": _constants(_DETECT) | {"min_score": options.min_score, "min_size_px": options.min_size_px},
        "classify": {
            "name": classifier.card["name"],
            "labels": list(labels.names),
            "size": classifier.size,
            "template": classifier.template.tolist(),
            "threshold": classifier.threshold,
            "most_zoom": MOST_ZOOM,
            "trained": None if trained is None else trained.tolist(),
        },
        "priors": {name: share.tolist() for name, share in shares.items() if share is not None},
        "pair_threshold": PAIR_THRESHOLD,
        "labels": {
            "emoji": list(labels.emoji),
            "colours": list(labels.colours),
            "not_sure_emoji": NOT_SURE_EMOJI,
            "grey": _hex(panel.GREY),
        },
        "languages": languages.table(),
        "tracking": _constants(_TRACKING) | _tracker(),
        "draw": _constants(_DRAW),
        "styles": [
            {"name": name, "words": style.words, "hides": style.hides}
            for name, style in STYLES.items()
            if not style.measures  # the page has no face mesh
        ],
        "art": list(sprites.ART),
        "avatar": {
            "poses": [portrait.Pose(*pose)._asdict() for pose in emoji.poses.tolist()],
            "blends": [
                {"of": [first, second], "pose": portrait.Pose(*between.tolist())._asdict()}
                for first, second, between in emoji.blends
            ],
            "colours": {name: _hex(colour) for name, colour in emoji.colours._asdict().items()},
            "lid_shade": [part / 255 for part in emoji.colours.lid],
            "eye_x": portrait.EYE_X,
            "sharpness": avatar.SHARPNESS,
        },
    }


def _constants(names: dict[ModuleType, str]) -> dict[str, float]:
    return {name.lower(): getattr(module, name) for module, text in names.items() for name in text.split()}


def _tracker() -> dict[str, float]:
    """A tracker's usual options; a hidden face that is missed stays covered for as long as in `hiding`."""
    usual = track.Tracker()
    return {
        "smooth_s": usual.smooth_s,
        "max_gap_s": usual.max_gap_s,
        "confirm_hits": usual.confirm_hits,
        "hold_s": STRENGTHS["fast"].gap_s,
    }


def _hex(colour: sprites.Colour) -> str:
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"
