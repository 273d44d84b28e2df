"""Fonts for words on images: the bundled one for Latin letters, the system's own for other scripts."""

from functools import lru_cache
from importlib.resources import files
from io import BytesIO

from PIL import ImageFont, features

LATIN_END = 0x250  # first code point after Latin Extended-B
# Range of a script's code points, whether its letters must be joined by a shaping engine, files of usual fonts.
_SCRIPTS = (
    (
        range(0x0900, 0x0980),
        True,
        "NotoSansDevanagari-SemiBold.ttf NotoSansDevanagari-Regular.ttf Lohit-Devanagari.ttf Nirmala.ttc Nirmala.ttf "
        "Kohinoor.ttc DevanagariMT.ttc",
    ),
    (
        range(0x3000, 0xA000),
        False,
        "NotoSansCJK-Bold.ttc NotoSansCJK-Regular.ttc NotoSansJP-Regular.otf YuGothB.ttc meiryob.ttc msgothic.ttc "
        "Hiragino.ttc HiraginoSans-W6.ttc ipag.ttf TakaoGothic.ttf DroidSansFallbackFull.ttf",
    ),
)


@lru_cache(maxsize=64)
def bundled(px: int) -> ImageFont.FreeTypeFont:
    """The font that comes with the package."""
    data = (files("emojimation") / "assets" / "fonts" / "inter-semibold.ttf").read_bytes()
    return ImageFont.truetype(BytesIO(data), px)


def font_for(words: str, px: int) -> ImageFont.FreeTypeFont:
    """A font for the script of the words; the bundled one, which lacks their letters, if the system has none."""
    script = _script_of(words)
    return bundled(px) if script is None else _system(script, px) or bundled(px)


def can_write(words: str) -> bool:
    """Whether the words can be drawn on this machine."""
    script = _script_of(words)
    return script is None or _system(script, 16) is not None


def _script_of(words: str) -> int | None:
    """The number of the script in `_SCRIPTS`, None for Latin letters."""
    foreign = next((ord(letter) for letter in words if ord(letter) >= LATIN_END), None)
    return next((number for number, (points, _, _) in enumerate(_SCRIPTS) if foreign in points), None)


@lru_cache(maxsize=64)
def _system(script: int, px: int) -> ImageFont.FreeTypeFont | None:
    """The first installed font of a script; Pillow knows the folders of each system."""
    _, joined, names = _SCRIPTS[script]
    if joined and not features.check("raqm"):
        return None
    for name in names.split():
        try:
            return ImageFont.truetype(name, px)
        except OSError:
            continue
    return None
