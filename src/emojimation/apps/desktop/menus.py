"""The menu bar, the source picker's menu, and the keys."""

import sys
import tkinter as tk
from collections.abc import Callable
from functools import partial
from typing import Any

from emojimation.apps.desktop.actions import ACTIONS, STYLE_KEYS, STYLE_NAMES
from emojimation.apps.desktop.sources import SAMPLE_NAMES, Choice

MENUS = {
    "File": (
        "open",
        "stream",
        "sample",
        "close_source",
        "-",
        "snapshot",
        "record",
        "log",
        "-",
        "folder",
        "choose_folder",
        "-",
        "quit",
    ),
    "Video": ("pause", "previous", "following", "rewind", "skip"),
    "View": ("styles", "-", "mirror", "anonymise", "theme", "fullscreen"),
    "Person": ("calibrate", "forget", "next"),
    "Help": ("help", "about"),
}
TYPING = ("Entry", "TEntry", "TCombobox", "Text")
# Space belongs to the focused button.
PRESSED = ("TButton", "TCheckbutton", "TMenubutton", "TNotebook")
# Control, and Alt (on X11 and macOS the first modifier, on Windows a bit of its own): the key is not a plain letter.
HELD = 0x4 | (0x20000 if sys.platform == "win32" else 0x8)
Do = Callable[[str], None]


def menu_bar(root: tk.Tk, do: Do, style: tk.StringVar, set_style: Do, open_source: Do) -> tk.Menu:
    """The window's menu. do: an action by name. style: shows the style in use; set_style, open_source: take a name."""

    def styles(menu: tk.Menu) -> None:
        for key, name in STYLE_KEYS.items():
            menu.add_radiobutton(
                label=STYLE_NAMES[name], value=name, variable=style, accelerator=key, command=partial(set_style, name)
            )

    cascades: dict[str, Callable[[tk.Menu], None]] = {
        "styles": styles,
        "sample": lambda menu: _samples(menu, open_source),
    }
    bar = tk.Menu(root, tearoff=False)
    for title, names in MENUS.items():
        menu = tk.Menu(bar, tearoff=False)
        for name in names:
            if name == "-":
                menu.add_separator()
            elif name in cascades:
                cascades[name](menu)
            else:
                action = ACTIONS[name]
                menu.add_command(label=action.label, accelerator=action.key, command=partial(do, name))
        bar.add_cascade(label=title, menu=menu, underline=0)
    root.configure(menu=bar)
    return bar


def _samples(menu: tk.Menu, open_source: Do) -> None:
    for source, label in SAMPLE_NAMES.items():
        menu.add_command(label=label, command=partial(open_source, source))


def fill_picker(menu: tk.Menu, found: list[Choice], do: Do, open_source: Do) -> None:
    """Everything that can be opened. found: the detected cameras."""
    menu.delete(0, "end")
    for choice in found:
        menu.add_command(label=choice.name, command=partial(open_source, choice.source))
    again = "Search for cameras again" if found else "No camera was found: search again"
    menu.add_command(label=again, command=partial(do, "cameras"))
    menu.add_separator()
    for name in ("open", "stream"):
        menu.add_command(label=ACTIONS[name].label, accelerator=ACTIONS[name].key, command=partial(do, name))
    menu.add_separator()
    _samples(menu, open_source)
    menu.add_separator()
    menu.add_command(label=ACTIONS["close_source"].label, command=partial(do, "close_source"))


def bind_keys(root: tk.Tk, do: Do, set_style: Do) -> None:
    """The keys of all actions and styles; Return presses the focused button, as Space does."""
    for name, action in ACTIONS.items():
        for event in action.events:
            root.bind(event, partial(_pressed, root, name, partial(do, name)))
    for key, style in STYLE_KEYS.items():
        root.bind(f"<Key-{key}>", partial(_pressed, root, "style", partial(set_style, style)))
    for kind in ("TButton", "TCheckbutton"):
        root.bind_class(kind, "<Return>", lambda event: event.widget.invoke())


def _pressed(root: tk.Tk, name: str, act: Callable[[], None], event: Any) -> None:
    """Act on a key, unless it was typed into a field, into another window, or with a modifier held."""
    widget = event.widget
    if not isinstance(widget, tk.Misc) or widget.winfo_toplevel() is not root:
        return
    kind, everywhere = widget.winfo_class(), name in ("fullscreen", "escape", "quit")
    if (kind in TYPING and not everywhere) or (kind in PRESSED and name == "pause"):
        return
    if kind == "TNotebook" and name in ("rewind", "skip"):  # arrows turn its pages
        return
    if event.state & HELD and name != "quit":
        return
    act()
