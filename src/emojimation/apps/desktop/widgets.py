"""Small Tk parts of the window: a place for a picture, tooltips, a passing message, scaling and fonts."""

import sys
import tkinter as tk
from collections.abc import Callable
from contextlib import suppress
from tkinter import font, ttk

FAMILIES = (
    "Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "Helvetica Neue", "Inter", "Cantarell", "Ubuntu", "Noto Sans",
    "DejaVu Sans", "Liberation Sans",
)  # fmt: skip
TIP_MS = 600
TOAST_MS = 5000


def scale_of(root: tk.Misc) -> float:
    """Pixels per pixel of a screen with 96 dots per inch, 1 to 3."""
    return min(max(root.winfo_fpixels("1i") / 96, 1.0), 3.0)


def aware_of_dpi() -> None:
    """Ask Windows for true pixels instead of an enlarged picture; before the first window."""
    if sys.platform == "win32":
        import ctypes

        with suppress(AttributeError, OSError):
            ctypes.windll.shcore.SetProcessDpiAwareness(1)


def scale_fonts(root: tk.Misc, scale: float) -> None:
    """Give the theme's fonts a family that is there, and the screen's size; the theme counts in pixels."""
    there = set(font.families(root))
    family = next((name for name in FAMILIES if name in there), None)
    for name in font.names(root):
        ours = name.startswith("SunValley")
        if ours or name in ("TkDefaultFont", "TkTextFont", "TkMenuFont"):
            named = font.nametofont(name, root)
            px = abs(int(named.cget("size"))) if ours else 13
            strong = any(word in name for word in ("Strong", "Title", "Subtitle", "Display"))
            named.configure(size=-round(px * scale), weight="bold" if strong else "normal")
            if family is not None:
                named.configure(family=family)


class PictureBox(tk.Canvas):
    """Shows the newest picture in its middle. on_size: called with (width, height) after it changed."""

    def __init__(self, parent: tk.Misc, on_size: Callable[[], None]) -> None:
        super().__init__(parent, width=1, height=1, highlightthickness=0, borderwidth=0)
        self._photo = tk.PhotoImage(master=self)
        self._item = self.create_image(0, 0, image=self._photo, anchor="center", state="hidden")
        self._on_size = on_size
        self.bind("<Configure>", self._resized)

    def put(self, pixmap: bytes) -> None:
        """Show a portable pixmap."""
        self._photo.configure(data=pixmap, format="PPM")
        self.itemconfigure(self._item, state="normal")

    def clear(self) -> None:
        """Show nothing."""
        self.itemconfigure(self._item, state="hidden")

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels, at least 1."""
        return max(self.winfo_width(), 1), max(self.winfo_height(), 1)

    def _resized(self, _: object) -> None:
        self.coords(self._item, self.winfo_width() // 2, self.winfo_height() // 2)
        self._on_size()


class Tip:
    """A line of help beside a widget that the pointer rests on or that has the keyboard's focus."""

    def __init__(self, widget: tk.Widget, text: str) -> None:
        self.text = text
        self._widget, self._timer = widget, ""
        self._window: tk.Toplevel | None = None
        widget.bind("<Enter>", self._soon, add="+")
        for event in ("<Leave>", "<ButtonPress>", "<Destroy>", "<FocusOut>"):
            widget.bind(event, self._hide, add="+")

    def _soon(self, _: object) -> None:
        self._hide()
        self._timer = self._widget.after(TIP_MS, self.show)

    def show(self) -> None:
        """Show it now."""
        window = tk.Toplevel(self._widget)
        window.overrideredirect(True)
        ttk.Label(window, text=self.text, padding=(8, 5), wraplength=360, relief="solid").pack()
        window.update_idletasks()
        x = min(self._widget.winfo_rootx(), self._widget.winfo_screenwidth() - window.winfo_reqwidth() - 4)
        y = self._widget.winfo_rooty() + self._widget.winfo_height() + 4
        if y + window.winfo_reqheight() > self._widget.winfo_screenheight():
            y = self._widget.winfo_rooty() - window.winfo_reqheight() - 4
        window.geometry(f"+{max(x, 0)}+{y}")
        self._window = window

    def _hide(self, _: object = None) -> None:
        if self._timer:
            with suppress(tk.TclError):
                self._widget.after_cancel(self._timer)
            self._timer = ""
        if self._window is not None:
            self._window.destroy()
            self._window = None


class Toast(ttk.Frame):
    """A message over the lower edge of its parent that goes by itself; with a button where there is something to show."""

    def __init__(self, parent: tk.Misc) -> None:
        super().__init__(parent, style="Card.TFrame", padding=(12, 6))
        self._label = ttk.Label(self)
        self._label.pack(side="left")
        self._button = ttk.Button(self, text="Show", takefocus=False)
        self._timer = ""

    def tell(self, text: str, show: Callable[[], None] | None = None, keep_ms: int = TOAST_MS) -> None:
        """Say it. show: what the button does; no button without."""
        self._label.configure(text=text, wraplength=max(self.master.winfo_width() - 160, 200))
        self._button.pack_forget()
        if show is not None:
            self._button.configure(command=show)
            self._button.pack(side="left", padx=(12, 0))
        if self._timer:
            self.after_cancel(self._timer)
        self.place(relx=0.5, rely=1.0, y=-14, anchor="s")
        self.lift()
        self._timer = self.after(keep_ms, self.hide)

    @property
    def text(self) -> str:
        """What is said, "" when nothing is."""
        return str(self._label.cget("text")) if self.winfo_ismapped() else ""

    def hide(self) -> None:
        """Take it away."""
        self._timer = ""
        self.place_forget()
