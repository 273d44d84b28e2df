"""What a person can do in the window: labels, tips and keys, in one table. Does not use Tk."""

from dataclasses import dataclass

from emojimation.draw.styles import STYLES

CONSENT = (
    "Everything stays on this computer: no image is sent anywhere, and nothing is saved unless you ask for it. "
    "Analyse only people who have consented. An expression is not a feeling: predictions are guesses about faces, "
    "not about minds, and must not decide about anybody."
)
STYLE_NAMES = {name: style.words for name, style in STYLES.items()}


@dataclass(frozen=True, slots=True)
class Action:
    """label: in menus. key: as displayed, "" for none. events: Tk's names of the keys. tip: a sentence."""

    label: str
    key: str = ""
    events: tuple[str, ...] = ()
    tip: str = ""


def _letter(letter: str) -> tuple[str, ...]:
    return f"<Key-{letter}>", f"<Key-{letter.upper()}>"


ACTIONS = {
    "open": Action("Open photo or video ...", "O", _letter("o"), "Open a photo or a video from a file."),
    "stream": Action("Open address ...", "U", _letter("u"), "Open a network camera or a video by its address."),
    "close_source": Action("Close source", "", (), "Release the camera or file and return to the start page."),
    "pause": Action("Pause / resume", "Space", ("<space>",), "Pause at this frame; restart a video that has ended."),
    "previous": Action("Previous frame", ",", ("<comma>",), "Pause a video at its previous frame."),
    "following": Action("Next frame", ".", ("<period>",), "Pause a video at its next frame."),
    "rewind": Action("Back 5 s", "Left", ("<Left>",), "Jump back by five seconds in a video."),
    "skip": Action("Forward 5 s", "Right", ("<Right>",), "Jump forward by five seconds in a video."),
    "snapshot": Action("Snapshot", "S", _letter("s"), "Save what is on screen as a PNG."),
    "record": Action("Record", "R", _letter("r"), "Start or stop recording what is on screen (MP4)."),
    "log": Action("Log predictions", "L", _letter("l"), "Start or stop a table (CSV), one row per face and frame."),
    "calibrate": Action("Calibrate", "C", _letter("c"), "Learn the main person's neutral face; takes two seconds."),
    "forget": Action("Forget calibrations", "", (), "Show uncorrected predictions again."),
    "next": Action("Next person", "N", _letter("n"), "Make the next person the main one; clicking a face does so too."),
    "anonymise": Action(
        "Hide faces", "A", _letter("a"), "Show and save no face: each is covered, also in case of doubt."
    ),
    "mirror": Action("Mirror", "M", _letter("m"), "Show the image as in a mirror."),
    "theme": Action("Light / dark", "T", _letter("t"), "Switch between light and dark."),
    "folder": Action("Open folder", "F", _letter("f"), "Open the output folder."),
    "choose_folder": Action("Choose folder ...", "", (), "Choose the output folder."),
    "fullscreen": Action("Full screen", "F11", ("<F11>",), "Show only the image and the face."),
    "escape": Action("Leave full screen", "Esc", ("<Escape>",), "Leave full screen, cancel a calibration."),
    "help": Action("Keys", "?", ("<question>", "<F1>"), "All keys."),
    "about": Action("About", "", (), "Version, model card, responsible use."),
    "quit": Action("Quit", "Ctrl+Q", ("<Control-q>", "<Control-w>"), "Close the window."),
}
STYLE_KEYS = {str(number): style for number, style in enumerate(STYLES, 1)}


def tip(name: str) -> str:
    """The action's tip with its key."""
    action = ACTIONS[name]
    return f"{action.tip} ({action.key})" if action.key else action.tip


def keys() -> list[tuple[str, str]]:
    """All keys with what they do, for the help."""
    rows = [(action.key, action.tip) for action in ACTIONS.values() if action.key]
    return [*rows, (f"1-{len(STYLES)}", "Style: " + ", ".join(STYLE_NAMES.values()).lower() + ".")]
