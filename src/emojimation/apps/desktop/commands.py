"""What each action of `actions.ACTIONS` does; mixed into `window.Window`."""

import subprocess
import tkinter as tk
from dataclasses import replace
from functools import partial
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING, Any

from emojimation.apps.desktop import dialogs
from emojimation.apps.desktop.actions import STYLE_NAMES
from emojimation.apps.desktop.settings import Settings, reveal
from emojimation.apps.desktop.sources import Cameras, is_camera
from emojimation.apps.desktop.view import View
from emojimation.errors import InputError

if TYPE_CHECKING:
    from emojimation.apps.desktop.engine import Engine
    from emojimation.apps.desktop.status import Status

PHOTOS_AND_FILMS = "*.jpg *.jpeg *.png *.webp *.bmp *.tif *.tiff *.gif *.avif *.mp4 *.mov *.m4v *.mkv *.webm *.avi"
SIMPLE = {"pause", "snapshot", "record", "log", "calibrate", "forget", "close_source"}  # the engine's own
MANAGER_MS = 1500  # a file manager that failed has said so by then


class Commands:
    """The actions; needs what `window.Window` has."""

    root: tk.Tk
    view: View
    engine: "Engine | None"
    settings: Settings
    cameras: Cameras
    style: tk.StringVar
    menu: tk.Menu
    _status: "Status | None"
    _windowed = ""

    def close(self) -> None:
        """End the window."""
        raise NotImplementedError

    def _load_theme(self) -> None:
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

    def _tell_folder(self) -> None:
        out, home = str(self.settings.out), str(Path.home())
        short = "~" + out[len(home) :] if out.startswith(home) else out
        self.view.folder.configure(text=short if len(short) < 42 else "..." + short[-39:])
        self.view.settings.folder.configure(text=short)

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
        self.view.settings.mirror.set(not self.view.settings.mirror.get())
        self._do_mirrored()

    def _do_mirrored(self) -> None:
        mirror = self.view.settings.mirror.get()
        if self.engine is not None:
            self.engine.set_mirror(mirror)
            if not self.engine.status.source or is_camera(self.engine.status.source):  # remembered for cameras
                self.change(mirror=mirror)

    def _do_theme(self) -> None:
        self.change(theme="light" if self.settings.theme == "dark" else "dark")
        self._load_theme()

    def _do_folder(self) -> None:
        self._reveal(self.settings.out)

    def _do_choose_folder(self) -> None:
        if folder := filedialog.askdirectory(parent=self.root, title="Where files go", initialdir=self.settings.out):
            self.change(folder=folder)

    def _do_choose_model(self) -> None:
        types = [("Emotion model", "*.onnx")]
        path = filedialog.askopenfilename(parent=self.root, title="Emotion model", filetypes=types)
        self.change(model=path or self.settings.model)

    def _do_fullscreen(self) -> None:
        full = not self.root.attributes("-fullscreen")
        if full:
            self._windowed = self.root.geometry()
        self.root.attributes("-fullscreen", full)
        self.view.only_picture(full)
        self.root.configure(menu="" if full else self.menu)  # type: ignore[arg-type]
        if not full:  # some window managers keep the screen's size; Tk counts without the menu once it is there again
            self.root.after(50, self.root.geometry, self._windowed)

    def _do_escape(self) -> None:
        if self.root.attributes("-fullscreen"):
            self._do_fullscreen()
        elif self.engine is not None:
            self.engine.stop_calibrating()

    def _do_help(self) -> None:
        dialogs.show_keys(self.root)

    def _do_about(self) -> None:
        dialogs.show_about(self.root, self.settings.model)

    def _do_quit(self) -> None:
        self.close()

    def _reveal(self, folder: Path) -> None:
        """Open a folder; where that fails say at least where it is."""
        try:
            manager = reveal(folder)
        except InputError as error:
            return self.view.toast.tell(str(error))
        if manager is not None:
            self.root.after(MANAGER_MS, partial(self._heard_of, manager, folder))
        return None

    def _heard_of(self, manager: "subprocess.Popen[bytes]", folder: Path) -> None:
        if manager.poll():
            self.view.toast.tell(f"No file manager opened it. Files are in {folder}")
