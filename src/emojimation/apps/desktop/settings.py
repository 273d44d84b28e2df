"""What the window remembers between runs, in the platform's settings folder; and the output folder.

Does not use Tk. Images and predictions are never stored, only settings.
"""

import json
import locale
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from emojimation.detect import DETECTORS
from emojimation.draw.characters import names as character_names
from emojimation.draw.fonts import can_write
from emojimation.draw.styles import HIDING, STYLES
from emojimation.errors import InputError
from emojimation.files import write_whole
from emojimation.languages import ENGLISH, LANGUAGES, NAMES, language_of, word

THEMES = ("dark", "light")
ARTS = {"noto": "Noto", "fluent": "Fluent 3D"}
PRIORS = {"everyday": "everyday", "fer2013": "as trained", "uniform": "all alike", "stream": "learned"}
SIZES = ("640x480", "1280x720", "1920x1080")
# Number -> valid range; anything else in a file is ignored.
LIMITS = {"min_score": (0.3, 0.9), "smooth_s": (0.0, 2.0)}
SEEN_PX = 80  # of a window that must be on screen so that it can be grabbed
CHOICES = {
    "style": tuple(STYLES),
    "theme": THEMES,
    "art": ARTS,
    "size": SIZES,
    "prior": PRIORS,
    "detector": tuple(DETECTORS),
    "character": character_names(),
    "language": ("system", *LANGUAGES),
}


@lru_cache(maxsize=1)
def system_language() -> str:
    """The language that this system is set to, if there are words in it, else English."""
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(next(filter(None, named), None) or locale.getlocale()[0])


@lru_cache(maxsize=8)
def drawable(language: str) -> str:
    """The language, or English where no font of this machine has its letters."""
    return language if all(can_write(word(name, language)) for name in NAMES) else ENGLISH


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """The window's settings.

    character: who avatar and puppet are, one of `draw.characters.names`. size: largest frame requested from a camera or
    taken from a video. prior: base rates, one of `priors.NAMES` or "stream". detector, detector_model: a name of
    `detect.DETECTORS`, and the file it needs, "" for none. min_score: the detector's threshold. smooth_s: time constant
    of the probabilities in seconds. several: draw all faces, not only the main one. mirror: show cameras as in a
    mirror. language: of the emotions' words, a key of `languages.LANGUAGES` or "system". anonymise: never show a face.
    folder: output folder, "" for the default. window: Tk's geometry.
    """

    theme: str = "dark"
    style: str = "boxes"
    art: str = "noto"
    character: str = "emoji"
    size: str = "640x480"
    model: str = "default"
    prior: str = "everyday"
    detector: str = "blazeface"
    detector_model: str = ""
    min_score: float = 0.6
    smooth_s: float = 0.4
    several: bool = True
    mirror: bool = True
    language: str = "system"
    anonymise: bool = False
    folder: str = ""
    window: str = ""

    @property
    def size_wh(self) -> tuple[int, int]:
        """`size` as numbers."""
        width, height = self.size.split("x")
        return int(width), int(height)

    @property
    def drawn_style(self) -> str:
        """The style in use: with `anonymise`, one that hides faces, whatever was chosen."""
        return "emoji" if self.anonymise and self.style not in HIDING else self.style

    @property
    def spoken(self) -> str:
        """The language in use: English if this machine has no font for the chosen one."""
        return drawable(system_language() if self.language == "system" else self.language)

    @property
    def measures(self) -> tuple[str, ...]:
        """What the style in use draws besides the emotion."""
        return STYLES[self.drawn_style].measures

    @property
    def hides(self) -> bool:
        """Whether every face must be covered: by `anonymise`, or because the style covers."""
        return self.drawn_style in HIDING

    @property
    def out(self) -> Path:
        """The folder for snapshots, recordings and tables; may not exist yet."""
        return Path(self.folder).expanduser() if self.folder else default_out()


def parse(values: Mapping[str, Any]) -> WindowSettings:
    """WindowSettings from a file's values: those of valid type and range, the defaults for all others."""
    kinds = {field.name: type(getattr(WindowSettings(), field.name)) for field in fields(WindowSettings)}
    kept = {name: value for name, value in values.items() if name in kinds and _fits(name, value, kinds[name])}
    return replace(WindowSettings(), **kept)


def _fits(name: str, value: object, kind: type) -> bool:
    if kind is float:
        low, high = LIMITS[name]
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    return type(value) is kind and value in CHOICES.get(name, (value,))


def load(path: Path | None = None) -> WindowSettings:
    """The stored settings; the defaults if there are none or the file is damaged."""
    try:
        values = json.loads((path or settings_file()).read_text("utf-8"))
    except (OSError, ValueError):
        return WindowSettings()
    return parse(values) if isinstance(values, dict) else WindowSettings()


def save(settings: WindowSettings, path: Path | None = None) -> bool:
    """Store the settings; False if that is impossible. The file appears complete, even with two windows open."""
    path = path or settings_file()
    try:
        write_whole(path, json.dumps(asdict(settings), indent=1) + "\n")
    except InputError:
        return False
    return True


def settings_file(platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """Where settings are stored: APPDATA, ~/Library/Application Support, or XDG_CONFIG_HOME (~/.config)."""
    if platform == "win32":
        folder = Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        # The specification requires relative paths to be ignored.
        named = environ.get("XDG_CONFIG_HOME", "")
        folder = Path(named) if os.path.isabs(named) else Path.home() / ".config"
    return folder / "emojimation" / "desktop.json"


def default_out() -> Path:
    """`Emojimation` in the person's images folder, or in the home folder if there is none."""
    pictures = Path.home() / "Pictures"
    return (pictures if pictures.is_dir() else Path.home()) / "Emojimation"


def new_file(folder: Path, suffix: str, now: datetime | None = None) -> Path:
    """Create an empty file with an unused name in `folder`, to reserve it. Raises InputError if it cannot."""
    stem = f"emojimation-{now or datetime.now():%Y-%m-%d-%H%M%S}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
            try:
                path.open("x").close()
                return path
            except FileExistsError:
                continue
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {error.strerror}. Choose another folder.") from error
    raise InputError(f"Cannot find a free name in {folder}. Choose another folder.")


def opener(platform: str = sys.platform) -> str | None:
    """The program that opens a folder; "" on Windows, which does it itself; None if there is none."""
    if platform == "win32":
        return ""
    return shutil.which("open" if platform == "darwin" else "xdg-open")


def reveal(folder: Path) -> "subprocess.Popen[bytes] | None":
    """Open a folder in the system's file manager; returns the started program, if any. Raises InputError."""
    program = opener()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if program is None:
            raise InputError(f"No file manager was found. Files are in {folder}")
        if program:
            return subprocess.Popen([program, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.startfile(folder)  # type: ignore[attr-defined]
    except OSError as error:
        raise InputError(f"Cannot open {folder}: {error.strerror}") from error
    return None


def placed(geometry: str, screen_wh: tuple[int, int]) -> str:
    """A stored window geometry ("WxH+X+Y") fitted to the current screen, with its title bar visible; "" if invalid."""
    found = re.fullmatch(r"(\d+)x(\d+)([+-]-?\d+)([+-]-?\d+)", geometry)
    if found is None:
        return ""
    size = [min(int(found[n]), side) for n, side in enumerate(screen_wh, 1)]
    x, y = (int(found[n].replace("+-", "-")) for n in (3, 4))
    seen = -size[0] + SEEN_PX <= x <= screen_wh[0] - SEEN_PX and 0 <= y <= screen_wh[1] - SEEN_PX
    return f"{size[0]}x{size[1]}" + (f"+{x}+{y}" if seen else "")
