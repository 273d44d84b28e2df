"""The classes of a model, with their emoji and colours, and the maps between the names that data sets use.

The index of a name in `EMOTIONS` is FER2013's class id, everywhere: in CSV files, in the outputs of models of the seven
emotions, in `Face.probabilities`. A model of other classes brings a `LabelSet` of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

EMOJI = {
    "angry": "😠",
    "disgust": "🤢",
    "fear": "😨",
    "happy": "😄",
    "sad": "😢",
    "surprise": "😮",
    "neutral": "😐",
}
NOT_SURE_EMOJI = "🤔"
DISC = "●"  # stands for a class that has no emoji of its own; drawn in the class's colour

# Okabe and Ito's palette (2008), distinguishable for colour-blind people: name -> "#rrggbb".
COLOURS = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "surprise": "#E69F00",
    "neutral": "#999999",
}

CONTEMPT = "contempt"  # FER+'s eighth emotion
MORE_EMOJI = {CONTEMPT: "😏"}  # of classes beyond the seven, with art in the package
_MORE_COLOURS = {CONTEMPT: "#56B4E9"}
# For classes with any other name, in order: the palette's own colours and darker shades of them.
_SPARE_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#8C6D00", "#5E3C99", "#7F7F7F")


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The classes of a model, in the order of its output, with what is drawn for each.

    names: as written in results. emoji: one character each, `DISC` for a class without an emoji. colours:
    "#rrggbb" each.
    neutral: index of the class that means "no expression", or None.
    """

    names: tuple[str, ...]
    emoji: tuple[str, ...]
    colours: tuple[str, ...]
    neutral: int | None = None

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Index of the class `name`; ValueError if there is none."""
        return self.names.index(name)

    def emoji_of(self, name: str) -> str:
        """Emoji of the class `name`."""
        return self.emoji[self.index(name)]

    def colour_of(self, name: str) -> str:
        """Colour of the class `name`, "#rrggbb"."""
        return self.colours[self.index(name)]


def label_set(names: Sequence[str], emoji: Sequence[str] = (), colours: Sequence[str] = ()) -> LabelSet:
    """The label set of classes called `names`: emotions keep their emoji and colours under any spelling.

    emoji, colours: one per class, in place of the usual ones. Other classes get a disc in a colour of their own.
    """
    known = [emotion_of(name) or (CONTEMPT if name.strip().lower() == CONTEMPT else "") for name in names]
    signs, paints = EMOJI | MORE_EMOJI, COLOURS | _MORE_COLOURS
    spare = iter(_SPARE_COLOURS * (1 + len(names) // len(_SPARE_COLOURS)))
    usual_colours = tuple(paints[name] if name else next(spare) for name in known)
    return LabelSet(
        tuple(names),
        tuple(emoji) or tuple(signs.get(name, DISC) for name in known),
        tuple(colours) or usual_colours,
        known.index("neutral") if "neutral" in known else None,
    )


# Columns of FER+ (Barsoum et al. 2016) in the order of fer2013new.csv.
FERPLUS_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
# FER+ column -> our emotion; contempt, unknown and NF ("not a face") have no counterpart.
FERPLUS_TO_EMOTION = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprise",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
}

# Every spelling seen in public FER folders and CSV files -> our emotion.
_ALIASES = {
    "angry": ("angry", "anger", "angery", "an"),
    "disgust": ("disgust", "disgusted", "di"),
    "fear": ("fear", "fearful", "scared", "afraid", "fe"),
    "happy": ("happy", "happiness", "joy", "happily", "ha"),
    "sad": ("sad", "sadness", "sa"),
    "surprise": ("surprise", "surprised", "su"),
    "neutral": ("neutral", "neutrality", "ne"),
}
ALIASES = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}

# FER2013's `Usage` column, Kaggle's folder names and common words -> our name of the split.
SPLITS = ("train", "val", "test")
SPLIT_ALIASES = {
    "training": "train",
    "train": "train",
    "publictest": "val",
    "validation": "val",
    "valid": "val",
    "val": "val",
    "dev": "val",
    "privatetest": "test",
    "test": "test",
    "testing": "test",
}


def emotion_of(name: str) -> str | None:
    """Our name for a data set's spelling of an emotion ("Anger" -> "angry"), or None if it is not one of the seven."""
    return ALIASES.get(name.strip().lower())


def split_of(name: str) -> str | None:
    """Our name for a data set's split ("PublicTest" -> "val"), or None if it is unknown."""
    return SPLIT_ALIASES.get(name.strip().lower().replace("_", "").replace(" ", ""))


EMOTION_LABELS = label_set(EMOTIONS)
FERPLUS_LABELS = label_set((*EMOTIONS, CONTEMPT))
