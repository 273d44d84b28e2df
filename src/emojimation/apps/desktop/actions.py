"""What a person can do in the window: the words of menus, tips and keys, in one table. Knows no Tk."""

from dataclasses import dataclass

from emojimation.draw.styles import STYLES

CONSENT = (
    "Everything stays on this computer: no picture is sent anywhere, and nothing is written unless you ask for it. "
    "Analyse only people who have agreed to it. An expression is not a feeling: the answers are guesses about faces, "
    "not about minds, and must not decide over anybody."
)
STYLE_NAMES = {name: style.words for name, style in STYLES.items()}


@dataclass(frozen=True, slots=True)
class Action:
    """label: in menus. key: as a person reads it, "" for none. events: Tk's names of the keys. tip: a sentence."""

    label: str
    key: str = ""
    events: tuple[str, ...] = ()
    tip: str = ""


def _letter(letter: str) -> tuple[str, ...]:
    return f"<Key-{letter}>", f"<Key-{letter.upper()}>"


ACTIONS = {
    "open": Action("Open photo or film ...", "O", _letter("o"), "Look at a photo or a film from a file."),
    "stream": Action("Open address ...", "U", _letter("u"), "Look at a network camera or a film behind an address."),
    "close_source": Action("Close source", "", (), "Free the camera or file and go back to the start."),
    "pause": Action("Pause / go on", "Space", ("<space>",), "Stop at this picture; begin an ended film again."),
    "snapshot": Action("Snapshot", "S", _letter("s"), "Write what is shown as a PNG."),
    "record": Action("Record", "R", _letter("r"), "Begin or end a film (MP4) of what is shown."),
    "log": Action("Log answers", "L", _letter("l"), "Begin or end a table (CSV) with a row per face and frame."),
    "calibrate": Action("Calibrate", "C", _letter("c"), "Learn the main person's neutral face: two seconds."),
    "forget": Action("Forget calibrations", "", (), "Take the answers as they are again."),
    "next": Action("Next person", "N", _letter("n"), "Show the next person large; a click on a face does it too."),
    "anonymise": Action("Hide faces", "A", _letter("a"), "Show and write no face: each is covered, in doubt as well."),
    "mirror": Action("Mirror", "M", _letter("m"), "Show the picture as a mirror does."),
    "theme": Action("Light / dark", "T", _letter("t"), "Change between light and dark."),
    "folder": Action("Open folder", "F", _letter("f"), "Open the folder where files go."),
    "choose_folder": Action("Choose folder ...", "", (), "Choose where files go."),
    "fullscreen": Action("Full screen", "F11", ("<F11>",), "Only the picture and the face."),
    "escape": Action("Leave full screen", "Esc", ("<Escape>",), "Leave full screen, end a calibration."),
    "help": Action("Keys", "?", ("<question>", "<F1>"), "All keys."),
    "about": Action("About", "", (), "Version, the model's card, what to mind."),
    "quit": Action("Quit", "Ctrl+Q", ("<Control-q>", "<Control-w>"), "Close the window."),
}
STYLE_KEYS = {str(number): style for number, style in enumerate(STYLES, 1)}


def tip(name: str) -> str:
    """The action's sentence with its key."""
    action = ACTIONS[name]
    return f"{action.tip} ({action.key})" if action.key else action.tip


def keys() -> list[tuple[str, str]]:
    """All keys with what they do, for the help."""
    rows = [(action.key, action.tip) for action in ACTIONS.values() if action.key]
    return [*rows, (f"1-{len(STYLES)}", "Style: " + ", ".join(STYLE_NAMES.values()).lower() + ".")]
