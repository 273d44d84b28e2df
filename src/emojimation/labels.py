"""The seven emotions in FER2013's order, and the maps between the names that data sets use for them.

The index of a name in `EMOTIONS` is FER2013's class id, everywhere: in csv files, in model outputs, in
`Face.probabilities`. Nothing else in the package may order emotions in another way.
"""

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

# Okabe and Ito's palette (2008), told apart by colour-blind people: name -> "#rrggbb".
COLOURS = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "surprise": "#E69F00",
    "neutral": "#999999",
}

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

# Every spelling seen in public FER folders and csv files -> our emotion.
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

# FER2013's `Usage` column, Kaggle's folder names and everyday words -> the split's one name here.
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
    """The split's name here for a data set's word ("PublicTest" -> "val"), or None if it is unknown."""
    return SPLIT_ALIASES.get(name.strip().lower().replace("_", "").replace(" ", ""))
