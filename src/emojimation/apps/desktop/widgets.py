"""Small Tk widgets: image, slider, scrolling, tooltip, toast; scaling and fonts."""

import sys
import time
import tkinter as tk
from collections.abc import Callable
from contextlib import suppress
from tkinter import font, ttk

FAMILIES = (
    "Segoe UI Variable Text",
    "Segoe UI",
    "SF Pro Text",
    "Helvetica Neue",
    "Inter",
    "Cantarell",
    "Ubuntu",
    "Noto Sans",
    "DejaVu Sans",
    "Liberation Sans",
)
TIP_MS = 600
TOAST_MS = 5000
UNREAD_S = 1.0  # nobody has read a message yet that has been shown for less
SETTLE_MS = 250  # a slider's value is applied after resting for this long


def scale_of(root: tk.Misc) -> float:
    """Pixels per pixel of a screen with 96 dots per inch, 1 to 3."""
    return min(max(root.winfo_fpixels("1i") / 96, 1.0), 3.0)


def aware_of_dpi() -> None:
    """Ask Windows for true pixels instead of an enlarged bitmap; before the first window."""
    if sys.platform == "win32":
        import ctypes

        with suppress(AttributeError, OSError):
            ctypes.windll.shcore.SetProcessDpiAwareness(1)


def scale_fonts(root: tk.Misc, scale: float) -> None:
    """Give the theme's fonts an installed family, and scale them to the screen; the theme uses pixels."""
    there = set(font.families(root))
    family = next((name for name in FAMILIES if name in there), None)
    for name in font.names(root):
        ours = name.startswith("SunValley")
        if ours or name in ("TkDefaultFont", "TkTextFont", "TkMenuFont"):
            named = font.nametofont(name, root)
            px = THEME_PX.setdefault(name, abs(int(named.cget("size")))) if ours else 13
            strong = any(word in name for word in ("Strong", "Title", "Subtitle", "Display"))
            named.configure(size=-round(px * scale), weight="bold" if strong else "normal")
            if family is not None:
                named.configure(family=family)


THEME_PX: dict[str, int] = {}  # the theme's own sizes, because `scale_fonts` may be called again


class PictureBox(tk.Canvas):
    """Shows the newest image, centred. on_size: called after its size changed."""

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
    def filled(self) -> bool:
        """Whether an image is shown."""
        return str(self.itemcget(self._item, "state")) == "normal"

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels, at least 1."""
        return max(self.winfo_width(), 1), max(self.winfo_height(), 1)

    def _resized(self, _: object) -> None:
        self.coords(self._item, self.winfo_width() // 2, self.winfo_height() // 2)
        self._on_size()


class Slider(ttk.Scale):
    """A slider with steps: arrow keys move it by `step`, a click beside the knob moves it to the pointer.

    Tk's own slider moves by 1 in both cases, which jumps to an end of these ranges. moved: called with each value.
    settled: called when it has rested.
    """

    def __init__(
        self,
        parent: tk.Misc,
        limits: tuple[float, float],
        value: float,
        step: float,
        moved: Callable[[float], None],
        settled: Callable[[float], None],
    ) -> None:
        self._value, self._step, self._limits = tk.DoubleVar(parent, value), step, limits
        self._moved, self._settled, self._timer = moved, settled, ""
        super().__init__(parent, from_=limits[0], to=limits[1], variable=self._value, command=self._slid)
        for keys, steps in (("Left Down", -1), ("Right Up", 1), ("Next", -4), ("Prior", 4)):
            for key in keys.split():
                self.bind(f"<{key}>", lambda _, steps=steps: self._by(steps))  # type: ignore[misc]
        for key, end in zip(("<Home>", "<End>"), limits, strict=True):
            self.bind(key, lambda _, end=end: self._to(end))  # type: ignore[misc]
        self.bind("<Button-1>", self._pressed)

    def _by(self, steps: int) -> str:
        return self._to(self._value.get() + steps * self._step)

    def _to(self, value: float) -> str:
        self._value.set(min(max(value, self._limits[0]), self._limits[1]))
        self._slid()
        return "break"

    def _pressed(self, event: "tk.Event[tk.Misc]") -> str | None:
        self.focus_set()
        if "slider" in str(self.identify(event.x, event.y)):
            return None  # Tk drags the knob
        return self._to(float(self.get(event.x, event.y)))

    def _slid(self, _: object = None) -> None:
        value = round(self._value.get(), 2)
        self._moved(value)
        if self._timer:
            self.after_cancel(self._timer)
        self._timer = self.after(SETTLE_MS, lambda: self._settled(value))


class Scrolled(ttk.Frame):
    """A frame that scrolls if it is too tall. inner: where the widgets go."""

    def __init__(self, parent: tk.Misc, padding: int) -> None:
        super().__init__(parent)
        self._canvas = tk.Canvas(self, highlightthickness=0, borderwidth=0, width=1, height=1)
        self._bar = ttk.Scrollbar(self, command=self._canvas.yview)
        self.inner = ttk.Frame(self._canvas, padding=padding)
        self._item = self._canvas.create_window(0, 0, window=self.inner, anchor="nw")
        self._canvas.configure(yscrollcommand=self._scrolled)
        self._canvas.pack(side="left", fill="both", expand=True)
        self._canvas.bind("<Configure>", lambda event: self._canvas.itemconfigure(self._item, width=event.width))
        self.inner.bind("<Configure>", lambda _: self._canvas.configure(scrollregion=self._canvas.bbox("all")))

    def watch(self) -> None:
        """Follow the mouse wheel and the keyboard focus over all widgets inside."""
        for widget in _all(self.inner):
            widget.bind("<FocusIn>", self._show, add="+")
            for event, units in (("<Button-4>", -2), ("<Button-5>", 2)):
                widget.bind(event, lambda _, units=units: self._roll(units))  # type: ignore[misc]
            widget.bind("<MouseWheel>", lambda event: self._roll(-2 if event.delta > 0 else 2))

    def _roll(self, units: int) -> str:
        if self._canvas.yview() != (0.0, 1.0):
            self._canvas.yview_scroll(units, "units")
        return "break"

    def _scrolled(self, first: float, last: float) -> None:
        whole = float(first) <= 0 and float(last) >= 1
        if whole:
            self._bar.pack_forget()
        elif not self._bar.winfo_manager():
            self._bar.pack(side="right", fill="y", before=self._canvas)
        self._bar.set(first, last)

    def _show(self, event: "tk.Event[tk.Misc]") -> None:
        """Scroll to the focused widget."""
        top = event.widget.winfo_rooty() - self.inner.winfo_rooty()
        height, room = max(self.inner.winfo_height(), 1), self._canvas.winfo_height()
        begin = self._canvas.canvasy(0)
        if top < begin or top + event.widget.winfo_height() > begin + room:
            self._canvas.yview_moveto(max(top - room / 3, 0) / height)


def _all(widget: tk.Misc) -> list[tk.Misc]:
    found = [widget]
    for child in widget.winfo_children():
        found += _all(child)
    return found


class Tip:
    """A tooltip for a widget under the pointer or with the keyboard focus."""

    def __init__(self, widget: tk.Widget, text: str) -> None:
        self.text = text
        self._widget, self._timer = widget, ""
        self._window: tk.Toplevel | None = None
        for event in ("<Enter>", "<FocusIn>"):
            widget.bind(event, self._soon, add="+")
        for event in ("<Leave>", "<ButtonPress>", "<KeyPress>", "<Unmap>", "<Destroy>", "<FocusOut>"):
            widget.bind(event, self._hide, add="+")

    def _soon(self, _: object) -> None:
        self._hide()
        self._timer = self._widget.after(TIP_MS, self.show)

    def show(self) -> None:
        """Show it now."""
        self._hide()
        window = tk.Toplevel(self._widget)
        window.overrideredirect(True)
        card = ttk.Frame(window, style="Card.TFrame", padding=(8, 5))
        card.pack()
        ttk.Label(card, text=self.text, wraplength=360).pack()
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
    """A message over the lower edge of its parent that disappears by itself; with a button if there is more to show."""

    def __init__(self, parent: tk.Misc) -> None:
        super().__init__(parent, style="Card.TFrame", padding=(12, 6))
        self._label = ttk.Label(self)
        self._label.pack(side="left")
        self._button = ttk.Button(self, text="Show", takefocus=False)
        self._timer = ""
        self._since_s = 0.0

    def tell(
        self, text: str, show: Callable[[], None] | None = None, keep_ms: int = TOAST_MS, join: bool = False
    ) -> None:
        """Show a message. show: what the button does; without it, no button. join: below one that is still unread."""
        now = time.monotonic()
        if join and self._timer and now - self._since_s < UNREAD_S:
            text = f"{self._label.cget('text')}\n{text}"
        self._since_s = now
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
        """The current message, "" if none."""
        return str(self._label.cget("text")) if self.winfo_ismapped() else ""

    def hide(self) -> None:
        """Hide it."""
        self._timer = ""
        self.place_forget()
