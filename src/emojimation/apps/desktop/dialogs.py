"""The dialogs: about, keys, address."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any

import emojimation
from emojimation.apps.desktop.actions import CONSENT, keys
from emojimation.apps.desktop.card import Card, card_rows
from emojimation.apps.desktop.widgets import scale_of

LICENCES = "MIT licence. Emoji: Noto (Apache-2.0), Fluent (MIT). Detector: MediaPipe BlazeFace (Apache-2.0)."
WIDE = 600  # maximum width of text, at 96 dots per inch


def dialog(root: tk.Tk, title: str, closes: bool = True) -> tuple[tk.Toplevel, ttk.Frame]:
    """A dialog that Escape closes, and its frame to fill; there is only one of each title.

    closes: with a Close button. Call `show` when it is filled.
    """
    for other in root.winfo_children():
        if isinstance(other, tk.Toplevel) and other.title() == title:
            other.destroy()
    window = tk.Toplevel(root)
    window.withdraw()
    window.title(title)
    window.transient(root)
    window.resizable(False, False)
    if root.tk.call("tk", "windowingsystem") == "x11":
        window.attributes("-type", "dialog")
    window.bind("<Escape>", lambda _: window.destroy())
    frame = ttk.Frame(window, padding=24)
    frame.pack(fill="both", expand=True)
    if closes:
        button = ttk.Button(window, text="Close", style="Accent.TButton", command=window.destroy)
        button.pack(side="bottom", anchor="e", padx=24, pady=(0, 24))
        button.focus_set()
    return window, frame


def show(window: tk.Toplevel) -> tk.Toplevel:
    """Centre a filled dialog on the main window, inside the screen."""
    window.update_idletasks()
    root: Any = window.master
    x = root.winfo_rootx() + (root.winfo_width() - window.winfo_reqwidth()) // 2
    y = root.winfo_rooty() + (root.winfo_height() - window.winfo_reqheight()) // 3
    x = min(x, root.winfo_screenwidth() - window.winfo_reqwidth())
    y = min(y, root.winfo_screenheight() - window.winfo_reqheight() - 40)
    window.geometry(f"+{max(x, 0)}+{max(y, 0)}")
    window.deiconify()
    window.lift()
    return window


def show_keys(root: tk.Tk) -> tk.Toplevel:
    """All keys."""
    window, frame = dialog(root, "Keys")
    ttk.Label(frame, text="Keys", font="SunValleySubtitleFont").grid(columnspan=2, sticky="w", pady=(0, 12))
    for row, (key, text) in enumerate(keys(), 1):
        ttk.Label(frame, text=key, font="SunValleyBodyStrongFont").grid(row=row, column=0, sticky="w", padx=(0, 20))
        ttk.Label(frame, text=text).grid(row=row, column=1, sticky="w", pady=3)
    return show(window)


def ask_address(root: tk.Tk, answered: Callable[[str], None]) -> tk.Toplevel:
    """Ask for a stream's address."""
    window, frame = dialog(root, "Open address", closes=False)
    ttk.Label(frame, text="Address of a network camera or video").pack(anchor="w")
    entry = ttk.Entry(frame, width=56)
    entry.pack(fill="x", pady=10)
    wrong = ttk.Label(frame, text="For example rtsp://192.168.1.20/stream or https://example.org/film.mp4")
    wrong.pack(anchor="w")

    def taken(_: object = None) -> None:
        address = entry.get().strip()
        scheme, mark, rest = address.partition("://")
        if not (scheme and mark and rest):
            wrong.configure(text="Expected an address that starts like rtsp:// or https://, got " + (address or "none"))
            return
        window.destroy()
        answered(address)

    ttk.Button(frame, text="Open", style="Accent.TButton", command=taken).pack(side="right", pady=(14, 0))
    ttk.Button(frame, text="Cancel", command=window.destroy).pack(side="right", padx=(0, 8), pady=(14, 0))
    entry.bind("<Return>", taken)
    entry.focus_set()
    return show(window)


def show_about(root: tk.Tk, model: str) -> tk.Toplevel:
    """Version, consent, model card."""
    window, frame = dialog(root, "About Emojimation")
    wide = round(WIDE * scale_of(root))
    version = "" if emojimation.__version__ == "unknown" else f" {emojimation.__version__}"
    ttk.Label(frame, text=f"Emojimation{version}", font="SunValleyTitleFont").pack(anchor="w")
    text = "Faces in photos, videos and live video, with honest probabilities and emoji."
    ttk.Label(frame, text=text, wraplength=wide).pack(anchor="w", pady=(2, 0))
    ttk.Label(frame, text=CONSENT, wraplength=wide, justify="left").pack(anchor="w", pady=(14, 14))
    table = ttk.Frame(frame)
    table.pack(anchor="w", fill="x")
    ttk.Label(table, text="Reading the model card ...").grid()
    ttk.Label(frame, text=LICENCES, wraplength=wide, justify="left").pack(anchor="w", pady=(14, 0))
    _fill(window, table, Card(model), wide)
    return show(window)


def _fill(window: tk.Toplevel, table: ttk.Frame, card: Card, wide: int) -> None:
    """Write the card into the table as soon as it is read."""
    if not window.winfo_exists():
        return
    if card.found is None:
        window.after(50, lambda: _fill(window, table, card, wide))
        return
    for child in table.winfo_children():
        child.destroy()
    for row, (name, value) in enumerate(card_rows(card.found)):
        title = ttk.Label(table, text=name, font="SunValleyBodyStrongFont")
        title.grid(row=row, column=0, sticky="nw", padx=(0, 16), pady=2)
        ttk.Label(table, text=value, wraplength=wide - round(140 * scale_of(window)), justify="left").grid(
            row=row, column=1, sticky="w", pady=2
        )
