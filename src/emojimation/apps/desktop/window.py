"""The desktop app: a Tk window over the live engine.

    emojimation desktop              the start page
    emojimation desktop FILE|0|URL   begin with that source

Tk is touched in this thread only; all work is done by `engine.Engine`, whose newest pictures the window fetches.
"""

import gc
import signal
import time
import tkinter as tk
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emojimation import weights
from emojimation.apps.desktop import dialogs
from emojimation.apps.desktop.actions import ACTIONS, SAMPLE_NAMES, STYLE_KEYS, STYLE_NAMES
from emojimation.apps.desktop.opening import Cameras, check
from emojimation.apps.desktop.settings import Settings, load, save
from emojimation.apps.desktop.telling import Telling
from emojimation.apps.desktop.view import View
from emojimation.apps.desktop.widgets import aware_of_dpi, scale_fonts, scale_of
from emojimation.errors import InputError

if TYPE_CHECKING:
    from emojimation.apps.desktop.engine import Engine
    from emojimation.apps.desktop.painter import Shown
    from emojimation.apps.desktop.state import Status

POLL_MS = 8
FACTS_S = 0.25
LEAST_WH, FIRST_WH = (640, 480), (1200, 780)
TYPING = ("Entry", "TEntry", "TCombobox", "Text")
# The keyboard's space belongs to the button that has the focus.
PRESSED = ("TButton", "TCheckbutton", "TMenubutton", "TNotebook")


class Window(Telling):
    """The window. source: what to open first, None for the start page. opener: see `Engine`, for tests."""

    def __init__(
        self, settings: Settings, source: str | None = None, keep: bool = True, opener: Callable[..., Any] | None = None
    ) -> None:
        self.settings, self._source, self._keep, self._opener = settings, source, keep, opener
        self.root = _root()
        self.root.withdraw()
        self.scale = scale_of(self.root)
        self._load_theme()
        self.view = View(self.root, settings, self.scale, self.do, self.change, self.open)
        self.view.on_room = self._measure_later
        self.cameras = Cameras()
        self.engine: Engine | None = None
        self._status: Status | None = None
        self._number = self._room_timer = 0
        self._facts_s = 0.0
        self._closed = self.ending = False
        self._build_menus()
        self._bind_keys()
        self._place()
        self.root.protocol("WM_DELETE_WINDOW", self.close)
        self._tell_folder()
        self.root.deiconify()
        self.root.after(1, self._start_engine)

    # --- start and end ---

    def _load_theme(self) -> None:
        import sv_ttk

        sv_ttk.set_theme(self.settings.theme, self.root)
        scale_fonts(self.root, self.scale)

    def _place(self) -> None:
        self.root.title("Emojimation")
        self.root.minsize(*(round(side * self.scale) for side in LEAST_WH))
        room = self.root.winfo_screenwidth() - 40, self.root.winfo_screenheight() - 100
        first = [min(round(side * self.scale), most) for side, most in zip(FIRST_WH, room, strict=True)]
        self.root.geometry(f"{first[0]}x{first[1]}")
        with suppress(tk.TclError):
            if self.settings.window:
                self.root.geometry(self.settings.window)
        self.root.iconphoto(True, tk.PhotoImage(master=self.root, file=str(_icon())))

    def _start_engine(self) -> None:
        """After the window is there: what is heavy is imported now."""
        from emojimation.apps.desktop.engine import Engine

        self.root.update()  # the window stands before the first heavy import
        self.engine = Engine(self.settings, self._opener) if self._opener else Engine(self.settings)
        self._measure()
        self.cameras.look()
        if self._source is not None:
            self.open(self._source)
        self._poll()

    def close(self) -> None:
        """Keep the settings, free the source, end.

        All of Tk is thrown away here, in its own thread: Tcl aborts the process if another thread's garbage collection does it.
        """
        if self._closed:
            return
        self._closed = True
        if self.root.winfo_viewable() and not self.root.attributes("-fullscreen"):
            self.settings = replace(self.settings, window=self.root.geometry())
        self.root.withdraw()
        self.root.update_idletasks()
        if self._keep:
            save(self.settings)
        if self.engine is not None:
            self.engine.close()
        self.root.update_idletasks()
        for timer in self.root.tk.splitlist(self.root.tk.call("after", "info")):
            self.root.tk.call("after", "cancel", timer)
        self.root.destroy()
        self.__dict__ = {"_closed": True}
        gc.collect()

    # --- menus and keys ---

    def _build_menus(self) -> None:
        self.style = tk.StringVar(self.root, self.settings.style)

        def styles(menu: tk.Menu) -> None:
            for key, style in STYLE_KEYS.items():
                menu.add_radiobutton(
                    label=STYLE_NAMES[style], value=style, variable=self.style, accelerator=key,
                    command=partial(self.change, style=style),
                )  # fmt: skip

        def samples(menu: tk.Menu) -> None:
            for source, label in SAMPLE_NAMES.items():
                menu.add_command(label=label, command=partial(self.open, source))

        self.menu = dialogs.menu_bar(self.root, self.do, {"styles": styles, "sample": samples})
        picker: tk.Menu = self.view.source.menu  # type: ignore[attr-defined]
        picker.configure(postcommand=lambda: self._fill_picker(picker, samples))

    def _fill_picker(self, picker: tk.Menu, samples: Callable[[tk.Menu], None]) -> None:
        picker.delete(0, "end")
        for name, source in self.cameras.found:
            picker.add_command(label=name, command=partial(self.open, source))
        if not self.cameras.found:
            picker.add_command(label="No camera was found", state="disabled")
        picker.add_command(label="Look for cameras again", command=lambda: self.do("cameras"))
        picker.add_separator()
        for name in ("open", "stream"):
            picker.add_command(label=ACTIONS[name].label, command=partial(self.do, name))
        picker.add_separator()
        samples(picker)
        picker.add_separator()
        picker.add_command(label=ACTIONS["close_source"].label, command=lambda: self.do("close_source"))

    def _bind_keys(self) -> None:
        for name, action in ACTIONS.items():
            for event in action.events:
                self.root.bind(event, partial(self._key, name=name))
        for key, style in STYLE_KEYS.items():
            self.root.bind(f"<Key-{key}>", partial(self._key, style=style))
        self.view.picture.bind("<Button-1>", self._clicked)

    def _key(self, event: Any, name: str = "", style: str = "") -> None:
        kind = event.widget.winfo_class() if isinstance(event.widget, tk.Misc) else ""
        if kind in TYPING and not name.startswith(("full", "escape", "quit")):
            return
        if event.widget is not self.root and event.widget.winfo_toplevel() is not self.root:
            return
        if (name == "pause" and kind in PRESSED) or (event.state & 0x4 and name != "quit"):
            return
        self.change(style=style) if style else self.do(name)

    def _clicked(self, event: Any) -> None:
        self.view.picture.focus_set()
        if self.engine is not None:
            self.engine.click(event.x, event.y)

    # --- what the engine says ---

    def _measure_later(self) -> None:
        if not self._room_timer and not self._closed:
            self._room_timer = 1
            self.root.after(30, self._measure)

    def _measure(self) -> None:
        self._room_timer = 0
        if self.engine is not None:
            from emojimation.apps.desktop.painter import Room

            view = self.view
            self.engine.show(Room(view.picture.size_wh, view.panel.size_wh, view.strip.size_wh, self.scale))

    def _poll(self) -> None:
        if self.ending:
            self.close()
        if self._closed or self.engine is None:
            return
        shown = self.engine.latest()
        if shown is not None and shown.number != self._number:
            self._number = shown.number
            self._put(shown)
        if self.engine.status != self._status or self.cameras.changed:
            self._show_status(self.engine.status)
        while not self.engine.notices.empty():
            notice = self.engine.notices.get()
            path = notice.path
            self.view.toast.tell(notice.text, partial(self._reveal, path.parent) if path else None)
        self.root.after(POLL_MS, self._poll)

    def _put(self, shown: "Shown") -> None:
        view = self.view
        if shown.view is not None:
            view.picture.put(shown.view)
        if view.panel.winfo_viewable():
            view.panel.put(shown.panel)
        if shown.strip is not None:
            view.strip.put(shown.strip)
        if time.monotonic() - self._facts_s > FACTS_S:
            self._facts_s = time.monotonic()
            view.facts.configure(text=self._facts(shown))

    def _tell_folder(self) -> None:
        out, home = str(self.settings.out), str(Path.home())
        short = "~" + out[len(home) :] if out.startswith(home) else out
        self.view.folder.configure(text=short if len(short) < 42 else "..." + short[-39:])
        self.view.options.folder.configure(text=short)


def _icon() -> Path:
    return Path(weights.__file__).parent / "assets" / "emoji" / "noto" / "happy.png"


def _root() -> tk.Tk:
    aware_of_dpi()
    try:
        return tk.Tk(className="Emojimation")
    except tk.TclError as error:
        raise InputError(
            f"Expected a display for the window, got none ({error}). "
            "Run it in a desktop session, or use `emojimation webcam --json` or `emojimation web`."
        ) from error


def open_window(source: str | None = None, model: str | None = None, **changes: Any) -> int:
    """Show the window until it is closed; the exit code. changes: settings to begin with.

    Raises InputError where there is no display or theme, or source or model do not exist.
    """
    try:
        import sv_ttk  # noqa: F401 - asked for here, so that the message comes before a window
    except ImportError as error:
        raise InputError('Expected sv-ttk for the window, got none: pip install "emojimation[desktop]".') from error
    kept = load()
    asked = {name: value for name, value in changes.items() if value is not None}
    chosen = model or kept.model
    try:
        weights.resolve(chosen)
    except InputError:
        if model:
            raise
        chosen = "default"  # a file that was chosen once and is gone
    if source is not None:
        check(source)
    window = Window(replace(kept, model=chosen, **asked), source)
    with _ended_by_signals(window):
        window.root.mainloop()
    del window
    gc.collect()  # see `Window.close`
    return 0


@contextmanager
def _ended_by_signals(window: Window) -> Iterator[None]:
    """Ctrl-C and a polite kill close the window as its own button does; an exception out of Tk's loop would not."""

    def end(*_: object) -> None:
        window.ending = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
