"""What a person can do in the window, action by action; mixed into `desktop.Window`."""

import tkinter as tk
from dataclasses import replace
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING, Any

from emojimation.apps.desktop import dialogs
from emojimation.apps.desktop.actions import STYLE_NAMES
from emojimation.apps.desktop.opening import Cameras, reveal
from emojimation.apps.desktop.settings import Settings
from emojimation.apps.desktop.view import View

if TYPE_CHECKING:
    from emojimation.apps.desktop.engine import Engine
    from emojimation.apps.desktop.state import Status

PHOTOS_AND_FILMS = "*.jpg *.jpeg *.png *.webp *.bmp *.tif *.tiff *.gif *.avif *.mp4 *.mov *.m4v *.mkv *.webm *.avi"
SIMPLE = {"pause", "snapshot", "record", "log", "calibrate", "forget", "close_source"}  # the engine's own


class Deeds:
    """The actions; needs what `desktop.Window` has."""

    root: tk.Tk
    view: View
    engine: "Engine | None"
    settings: Settings
    cameras: Cameras
    style: tk.StringVar
    menu: tk.Menu
    _status: "Status | None"

    def close(self) -> None:
        """End the window."""
        raise NotImplementedError

    def _load_theme(self) -> None:
        raise NotImplementedError

    def _tell_folder(self) -> None:
        raise NotImplementedError

    def open(self, source: str) -> None:
        """Open a source by its text."""
        if self.engine is not None:
            self.engine.open(source)

    def do(self, name: str) -> None:
        """Carry out an action of `ACTIONS`."""
        if self.engine is None:
            return
        if name in SIMPLE:
            getattr(self.engine, name)()
        else:
            getattr(self, f"_do_{name}")()

    def change(self, **changes: Any) -> None:
        """Set settings by name."""
        if changes.get("anonymise") is False:
            self.view.toast.tell("Faces are shown again")
        self.settings = replace(self.settings, **changes)
        self.style.set(self.settings.drawn_style)
        self.view.style.set(STYLE_NAMES[self.settings.drawn_style])
        self.view.hide.set(self.settings.anonymise)
        self._tell_folder()
        if self.engine is not None:
            self.engine.apply(self.settings)

    def _do_open(self) -> None:
        types = [("Photos and films", PHOTOS_AND_FILMS), ("All files", "*")]
        if path := filedialog.askopenfilename(parent=self.root, title="Open a photo or film", filetypes=types):
            self.open(path)

    def _do_stream(self) -> None:
        dialogs.ask_address(self.root, self.open)

    def _do_cameras(self) -> None:
        self.cameras.look()
        self._status = None

    def _do_next(self) -> None:
        if self.engine is not None:
            self.engine.next_person()

    def _do_anonymise(self) -> None:
        self.change(anonymise=not self.settings.anonymise)

    def _do_hide(self) -> None:
        self.change(anonymise=self.view.hide.get())

    def _do_mirror(self) -> None:
        self.view.options.mirror.set(not self.view.options.mirror.get())
        self._do_mirrored()

    def _do_mirrored(self) -> None:
        mirror = self.view.options.mirror.get()
        if self.engine is not None:
            self.engine.set_mirror(mirror)
            if not self.engine.status.source or self.engine.status.source.isdecimal():  # remembered for cameras
                self.change(mirror=mirror)

    def _do_theme(self) -> None:
        self.change(theme="light" if self.settings.theme == "dark" else "dark")
        self._load_theme()
        self.view.theme.configure(text="Light" if self.settings.theme == "dark" else "Dark")

    def _do_folder(self) -> None:
        self._reveal(self.settings.out)

    def _do_choose_folder(self) -> None:
        if folder := filedialog.askdirectory(parent=self.root, title="Where files go", initialdir=self.settings.out):
            self.change(folder=folder)

    def _do_choose_model(self) -> None:
        types = [("Emotion model", "*.onnx")]
        path = filedialog.askopenfilename(parent=self.root, title="Emotion model", filetypes=types)
        self.view.options.model.set((path and Path(path).name) or self.settings.model)
        if path:
            self.change(model=path)

    def _do_fullscreen(self) -> None:
        full = not self.root.attributes("-fullscreen")
        self.root.attributes("-fullscreen", full)
        self.view.only_picture(full)
        self.root.configure(menu="" if full else self.menu)  # type: ignore[arg-type]

    def _do_escape(self) -> None:
        if self.root.attributes("-fullscreen"):
            self._do_fullscreen()
        elif self.engine is not None and self.engine.status.calibrating:
            self.engine.forget()

    def _do_help(self) -> None:
        dialogs.show_keys(self.root)

    def _do_about(self) -> None:
        if self.engine is not None:
            engine = self.engine
            engine.read_card()
            dialogs.show_about(self.root, lambda: engine.card)

    def _do_quit(self) -> None:
        self.close()

    def _reveal(self, path: Path) -> None:
        problem = reveal(path)
        if problem:
            self.view.toast.tell(problem)
