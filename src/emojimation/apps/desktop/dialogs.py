"""Menus and the small windows: keys, about, an address to type."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from typing import Any

import emojimation
from emojimation.apps.desktop.actions import ACTIONS, CONSENT, keys

MENUS = {
    "File": ("open", "stream", "sample", "close_source", "-", "snapshot", "record", "log", "-", "folder",
             "choose_folder", "-", "quit"),
    "View": ("styles", "-", "pause", "mirror", "anonymise", "theme", "fullscreen"),
    "Person": ("calibrate", "forget", "next"),
    "Help": ("help", "about"),
}  # fmt: skip


# Share of the model's metrics -> how the card calls it.
SHARES = {"accuracy": "accuracy", "macro_f1": "macro-F1", "balanced_accuracy": "balanced accuracy", "ece": "ECE"}


def menu_bar(root: tk.Tk, do: Callable[[str], None], cascades: dict[str, Callable[[tk.Menu], None]]) -> tk.Menu:
    """The window's menu. cascades: name in `MENUS` -> fills a submenu."""
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


def dialog(root: tk.Tk, title: str, closes: bool = True) -> tuple[tk.Toplevel, ttk.Frame]:
    """A small window over the main one that Escape closes, and the frame to fill. closes: with a button for it."""
    window = tk.Toplevel(root)
    window.title(title)
    window.transient(root)
    window.resizable(False, False)
    window.bind("<Escape>", lambda _: window.destroy())
    frame = ttk.Frame(window, padding=20)
    frame.pack(fill="both", expand=True)
    if closes:
        button = ttk.Button(window, text="Close", command=window.destroy)
        button.pack(side="bottom", anchor="e", padx=20, pady=(0, 20))
    window.geometry(f"+{root.winfo_rootx() + 60}+{root.winfo_rooty() + 60}")
    window.focus_set()
    return window, frame


def show_keys(root: tk.Tk) -> tk.Toplevel:
    """All keys."""
    window, frame = dialog(root, "Keys")
    for row, (key, text) in enumerate(keys()):
        ttk.Label(frame, text=key, font="SunValleyBodyStrongFont").grid(row=row, column=0, sticky="e", padx=(0, 16))
        ttk.Label(frame, text=text).grid(row=row, column=1, sticky="w", pady=2)
    return window


def ask_address(root: tk.Tk, answered: Callable[[str], None]) -> tk.Toplevel:
    """Ask for a stream's address."""
    window, frame = dialog(root, "Open address", closes=False)
    ttk.Label(frame, text="Address of a network camera or film (rtsp://, http://, https:// ...)").pack(anchor="w")
    entry = ttk.Entry(frame, width=56)
    entry.pack(fill="x", pady=10)
    wrong = ttk.Label(frame, text="")
    wrong.pack(side="left")

    def taken(_: object = None) -> None:
        address = entry.get().strip()
        if "://" not in address:
            wrong.configure(text="An address begins like rtsp:// or http://")
            return
        window.destroy()
        answered(address)

    ttk.Button(frame, text="Open", style="Accent.TButton", command=taken).pack(side="right")
    entry.bind("<Return>", taken)
    entry.focus_set()
    return window


def _name() -> str:
    version = emojimation.__version__
    return "Emojimation" if version == "unknown" else f"Emojimation {version}"


def card_rows(card: dict[str, Any]) -> list[tuple[str, str]]:
    """The model's card for a person: name and value of each line."""
    if "problem" in card:
        return [("Model", card["problem"])]
    measured = card["metrics"]
    shown = [f"{words} {measured[name]:.1%}" for name, words in SHARES.items() if name in measured]
    shown += [f"on {measured['n']} pictures"] if "n" in measured else []
    kind = "grey" if card["channels"] == 1 else "colour"
    return [
        ("Model", str(card["name"])),
        ("Input", f"{card['size']} x {card['size']} pixels, {kind}"),
        ("Emotions", ", ".join(card["labels"])),
        ("Not sure under", f"{card['threshold']:.0%} (temperature {card['temperature']:.2f})"),
        *([("Measured", ", ".join(shown))] if shown else []),
        ("Made", f"{card['created']}, commit {str(card['commit'])[:12]}"),
        ("Training data", f"sha256 {str(card['data_sha256'])[:16]}"),
    ]


def show_about(root: tk.Tk, card: Callable[[], dict[str, Any] | None]) -> tk.Toplevel:
    """Version, consent, the model's card; `card` gives None until it is read."""
    window, frame = dialog(root, "About Emojimation")
    ttk.Label(frame, text=_name(), font="SunValleyTitleFont").pack(anchor="w")
    text = "Faces in photos, films and live pictures, named with honest probabilities and emoji."
    ttk.Label(frame, text=text).pack(anchor="w")
    ttk.Label(frame, text=CONSENT, wraplength=560, justify="left").pack(anchor="w", pady=(14, 14))
    table = ttk.Frame(frame)
    table.pack(anchor="w", fill="x")
    waiting = ttk.Label(table, text="Reading the model's card ...")
    waiting.grid()

    def fill() -> None:
        if not window.winfo_exists():
            return
        found = card()
        if found is None:
            window.after(50, fill)
            return
        waiting.destroy()
        for row, (name, value) in enumerate(card_rows(found)):
            ttk.Label(table, text=name, font="SunValleyBodyStrongFont").grid(
                row=row, column=0, sticky="nw", padx=(0, 16)
            )
            ttk.Label(table, text=value, wraplength=430, justify="left").grid(row=row, column=1, sticky="w", pady=2)

    fill()
    licence = "MIT licence. Emoji: Noto (Apache-2.0), Fluent (MIT). Detector: MediaPipe BlazeFace (Apache-2.0)."
    ttk.Label(frame, text=licence).pack(anchor="w", pady=(14, 0))
    return window
