"""The desktop app: a Tk window over the live engine.

    emojimation desktop              the start page
    emojimation desktop FILE|0|URL   open that source

Tk is used in this thread only; all work is done by `worker.WindowWorker`, whose newest images the window fetches.
"""

import gc
import os
import signal
import sys
import threading
import time
import tkinter as tk
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emojimation import weights
from emojimation.apps.desktop import menus
from emojimation.apps.desktop.actions import STYLE_NAMES
from emojimation.apps.desktop.commands import COMMANDS, show_folder
from emojimation.apps.desktop.settings import WindowSettings, load, placed, save
from emojimation.apps.desktop.sources import Cameras, check
from emojimation.apps.desktop.view import View
from emojimation.apps.desktop.widgets import aware_of_dpi, scale_fonts, scale_of
from emojimation.errors import InputError
from emojimation.extras import need
from emojimation.interrupt import SIGNALS

if TYPE_CHECKING:
    from emojimation.apps.desktop.painter import Shown
    from emojimation.apps.desktop.status import Notice, Status
    from emojimation.apps.desktop.worker import WindowWorker

POLL_MS = 8
FACTS_S = 0.25
THREADS_S = 0.25
LEAST_WH, FIRST_WH = (640, 480), (1200, 780)


class Window:
    """The window. source: what to open first, None for the start page. opener: see `WindowWorker`, for tests."""

    def __init__(
        self,
        settings: WindowSettings,
        source: str | None = None,
        keep: bool = True,
        opener: Callable[..., Any] | None = None,
    ) -> None:
        self.settings: WindowSettings = settings
        self._source, self._keep, self._opener = source, keep, opener
        self.root: tk.Tk = _root()
        self.root.withdraw()
        self.scale = scale_of(self.root)
        self.cameras = Cameras()
        self.engine: WindowWorker | None = None
        self._status: Status | None = None
        self._shown: Shown | None = None
        self._room_timer = 0
        self._facts_s = 0.0
        self._closed = self.ending = False
        self.windowed = ""  # the geometry before the full screen
        self._set_theme()
        self.view: View = View(self.root, settings, self.scale, self.do, self.change, self.open, self._measure_later)
        self.view.show_theme(settings.theme)
        self._build_menus()
        self._place()
        self.root.protocol("WM_DELETE_WINDOW", self.close)
        self._tell_folder()
        self.root.deiconify()
        self.root.after(1, self._start_engine)

    # --- start and end ---

    def _set_theme(self) -> None:
        import sv_ttk

        sv_ttk.set_theme(self.settings.theme, self.root)
        # Tk's own file dialog, which Linux has, lists names on white in either theme.
        self.root.option_add("*Canvas.foreground", "black", "interactive")
        scale_fonts(self.root, self.scale)

    def load_theme(self) -> None:
        """Show the theme of the settings."""
        self._set_theme()
        self.view.show_theme(self.settings.theme)

    def _build_menus(self) -> None:
        self.style = tk.StringVar(self.root, self.settings.drawn_style)
        self.menu = menus.menu_bar(self.root, self.do, self.style, self.set_style, self.open)
        menus.bind_keys(self.root, self.do, self.set_style)
        picker = self.view.source_menu
        picker.configure(postcommand=lambda: menus.fill_picker(picker, self.cameras.found, self.do, self.open))
        self.view.picture.bind("<Button-1>", self._clicked)
        for event in ("<Button-1>", "<B1-Motion>"):
            self.view.seek.bind(event, self._dragged)
        self.view.seek.bind("<ButtonRelease-1>", self._dropped)

    def _place(self) -> None:
        self.root.title("Emojimation")
        self.root.minsize(*(round(side * self.scale) for side in LEAST_WH))
        room = self.root.winfo_screenwidth() - 40, self.root.winfo_screenheight() - 100
        first = [min(round(side * self.scale), most) for side, most in zip(FIRST_WH, room, strict=True)]
        screens = self.root.winfo_vrootwidth(), self.root.winfo_vrootheight()
        self.root.geometry(placed(self.settings.window, screens) or f"{first[0]}x{first[1]}")
        self.root.iconphoto(True, tk.PhotoImage(master=self.root, file=str(_icon())))

    def _start_engine(self) -> None:
        """After the window is visible: heavy imports."""
        self.root.update()  # the window is visible before the first heavy import
        if self._closed:
            return
        from emojimation.apps.desktop.worker import WindowWorker

        self.engine = WindowWorker(self.settings, self._opener) if self._opener else WindowWorker(self.settings)
        self._measure()
        self.cameras.look()
        if self._source is not None:
            self.open(self._source)
        self._poll()

    def close(self) -> None:
        """Store the settings, release the source, exit.

        All Tk objects are destroyed here, in their own thread: Tcl aborts the process if another thread's garbage
        collector does it.
        """
        if self._closed:
            return
        self._closed = True
        if self.root.winfo_viewable():
            full = self.root.attributes("-fullscreen")
            self.settings = replace(self.settings, window=self.windowed if full else self.root.geometry())
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

    # --- what is asked of it ---

    def do(self, name: str) -> None:
        """Perform one of `COMMANDS`."""
        if self.engine is not None:
            COMMANDS[name](self, self.engine)

    def open(self, source: str) -> None:
        """Open a source by name."""
        if self.engine is not None:
            self.engine.open(source)

    def set_style(self, style: str) -> None:
        """Draw faces in that style."""
        self.change(style=style)

    def change(self, **changes: Any) -> None:
        """Set settings by name."""
        if changes.get("anonymise") is False:
            self.view.toast.tell("Faces are shown again")
        self.settings = replace(self.settings, **changes)
        self.style.set(self.settings.drawn_style)
        self.view.style.set(STYLE_NAMES[self.settings.drawn_style])
        self.view.hide.set(self.settings.anonymise)
        self.view.settings.show_model(self.settings.model)
        self._tell_folder()
        if self.engine is not None:
            self.engine.apply(self.settings)

    def look_for_cameras(self) -> None:
        """Search for cameras again and show the result."""
        self.cameras.look()
        self._status = None

    def _tell_folder(self) -> None:
        out, home = str(self.settings.out), str(Path.home())
        short = "~" + out[len(home) :] if out.startswith(home) else out
        self.view.folder.configure(text=short if len(short) < 42 else "..." + short[-39:])
        self.view.settings.folder.configure(text=short)

    # --- what happens in it ---

    def _clicked(self, event: Any) -> None:
        self.view.picture.focus_set()
        if self.engine is not None:
            self.engine.click(event.x, event.y)

    def _dragged(self, event: Any) -> None:
        self.view.picture.focus_set()
        if self.engine is not None:
            self.engine.seeking.drag(event.x)

    def _dropped(self, _: object) -> None:
        if self.engine is not None:
            self.engine.seeking.drop()

    def _measure_later(self) -> None:
        if not self._room_timer and not self._closed:
            self._room_timer = 1
            self.root.after(30, self._measure)

    def _measure(self) -> None:
        self._room_timer = 0
        if self.engine is not None:
            from emojimation.apps.desktop.painter import Room

            view = self.view
            areas = view.picture.size_wh, view.panel.size_wh, view.strip.size_wh
            self.engine.show(Room(*areas, self.scale, view.seek.size_wh))

    def _poll(self) -> None:
        if self.ending:
            self.close()
        if self._closed or self.engine is None:
            return
        shown, status = self.engine.latest(), self.engine.status
        if shown is not None and shown is not self._shown:
            self.view.put(shown, self._shown)
            self._shown = shown
        if shown is not None and time.monotonic() - self._facts_s > FACTS_S:
            self._facts_s = time.monotonic()
            self.view.tell_facts(shown, status)
        if status != self._status or self.cameras.changed:
            self._status, self.cameras.changed = status, False
            self.view.settings.mirror.set(self.engine.painter.mirror if status.source else self.settings.mirror)
            self.view.show_status(status, self.cameras)
        while not self.engine.notices.empty():
            self._hear(self.engine.notices.get())
        self.root.after(POLL_MS, self._poll)

    def _hear(self, notice: "Notice") -> None:
        path = notice.path
        show = partial(show_folder, self, path.parent) if path else None
        self.view.toast.tell(notice.text, show, join=notice.kind == "error")
        if notice.refused and notice.refused == self.settings.model:
            self.change(model=notice.instead)


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
    """Show the window until it is closed; returns the exit code. changes: initial settings.

    Raises InputError if there is no display or theme, or source or model do not exist.
    """
    need("desktop", "sv_ttk")  # checked here, so that the message comes before a window
    kept = load()
    asked = {name: value for name, value in changes.items() if value is not None}
    chosen = model or kept.model
    try:
        weights.resolve(chosen)
    except InputError:
        if model:
            raise
        chosen = "default"  # a previously chosen file that is gone
    if source is not None:
        check(source)
    window = Window(replace(kept, model=chosen, **asked), source)
    with _ended_by_signals(window):
        window.root.mainloop()
    del window
    gc.collect()  # see `Window.close`
    _end_threads()
    return 0


def _end_threads() -> None:
    """Let our threads end; if one is still inside a library (loading a model, opening a stream), end the process now.

    Everything is saved and released by then. Python's own shutdown would unwind such a thread out of C++ code, which
    aborts the process.
    """
    end_s = time.monotonic() + THREADS_S
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("emojimation-")]
    for thread in ours:
        thread.join(max(end_s - time.monotonic(), 0))
    if any(thread.is_alive() for thread in ours):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


@contextmanager
def _ended_by_signals(window: Window) -> Iterator[None]:
    """Ctrl-C and SIGTERM close the window as its own button does; an exception out of Tk's loop would not."""

    def end(*_: object) -> None:
        window.ending = True

    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
