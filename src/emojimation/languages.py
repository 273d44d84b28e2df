"""The emotions' words in the languages of the apps. Results, files and the command line keep the English names.

The words are nouns where adjectives would need a gender. Those marked CLDR are keywords or short names of the matching
emoji in Unicode CLDR 48.2 (annotations of the npm package `cldr-annotations-full`, licence Unicode-3.0), some of them
as the noun to CLDR's adjective; the others are the usual translations of Ekman's emotions.
"""

from collections.abc import Mapping

ENGLISH = "en"
LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "hi": "हिन्दी", "ja": "日本語"}
NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")
# language -> words in the order of `NAMES`
_WORDS = {
    "de": ("Wut", "Ekel", "Angst", "Freude", "Trauer", "Erstaunen", "neutral", "Verachtung"),  # CLDR but Trauer, last
    "es": ("enfado", "asco", "miedo", "alegría", "tristeza", "sorpresa", "neutral", "desprecio"),  # CLDR: 1, 3, 5-7
    "fr": ("colère", "dégoût", "peur", "joie", "tristesse", "surprise", "neutre", "mépris"),  # CLDR but the last
    "hi": ("गुस्सा", "घृणा", "डर", "खुशी", "उदासी", "आश्चर्य", "भावहीन", "तिरस्कार"),  # CLDR: 1, 3-7
    "ja": ("怒り", "嫌悪", "恐怖", "喜び", "悲しみ", "驚き", "無表情", "軽蔑"),  # CLDR: 1, 3, 5-7
}
# language -> between two classes, no answer, a weak guess ("{}" stands for the words)
_PHRASES = {
    "en": ("{} or {}", "not sure", "perhaps {}"),
    "de": ("{} oder {}", "unklar", "vielleicht {}"),
    "es": ("{} o {}", "no está claro", "quizá {}"),
    "fr": ("{} ou {}", "incertain", "peut-être {}"),
    "hi": ("{} या {}", "निश्चित नहीं", "शायद {}"),
    "ja": ("{}または{}", "不明", "{}かもしれない"),
}


def word(name: str, language: str = ENGLISH) -> str:
    """The word for the class `name`; the name itself in English, and for a class that the table lacks."""
    return dict(zip(NAMES, _WORDS.get(language, ()), strict=False)).get(name, name)


def either(names: list[str], language: str = ENGLISH) -> str:
    """The words for one of two classes: "neutral or sad"."""
    return _PHRASES[language][0].format(*(word(name, language) for name in names[:2]))


def not_sure(language: str = ENGLISH) -> str:
    """The words for no answer."""
    return _PHRASES[language][1]


def perhaps(name: str, language: str = ENGLISH) -> str:
    """The words for a weak guess."""
    return _PHRASES[language][2].format(word(name, language))


def language_of(wanted: str | None) -> str:
    """The best of `LANGUAGES` for what a browser or a system asks for: "de-AT,en;q=0.8", "pt_BR.UTF-8"; else English.

    The order counts, not the weights, as browsers send the best first.
    """
    for one in (wanted or "").replace(";", ",").split(","):
        code = one.strip().replace("_", "-").partition("-")[0].lower()
        if code in LANGUAGES:
            return code
    return ENGLISH


def table() -> Mapping[str, dict[str, object]]:
    """Everything as plain values, for the page in the browser: language -> names, or, not_sure, perhaps."""
    return {
        code: {
            "names": {name: word(name, code) for name in NAMES},
            "or": phrases[0],
            "not_sure": phrases[1],
            "perhaps": phrases[2],
        }
        for code, phrases in _PHRASES.items()
    }
