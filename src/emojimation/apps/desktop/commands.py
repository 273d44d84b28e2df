"""What each action of `actions.ACTIONS`, and each button, does: one table."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING

from emojimation.apps.desktop import dialogs
from emojimation.apps.desktop.settings import reveal
from emojimation.apps.desktop.sources import is_camera
from emojimation.errors import InputError

if TYPE_CHECKING:
    from emojimation.apps.desktop.window import Window
    from emojimation.apps.desktop.worker import WindowWorker

PHOTOS_AND_FILMS = "*.jpg *.jpeg *.png *.webp *.bmp *.tif *.tiff *.gif *.avif *.mp4 *.mov *.m4v *.mkv *.webm *.avi"
SKIP_S = 5.0
MANAGER_MS = 1500  # a file manager that fails has exited by then
Command = Callable[["Window", "WindowWorker"], object]


def _open(window: "Window", _: "WindowWorker") -> None:
    types = [("Photos and videos", PHOTOS_AND_FILMS), ("All files", "*")]
    if path := filedialog.askopenfilename(parent=window.root, title="Open a photo or video", filetypes=types):
        window.open(path)


def _mirror(window: "Window", engine: "WindowWorker") -> None:
    window.view.settings.mirror.set(not window.view.settings.mirror.get())
    _mirrored(window, engine)


def _mirrored(window: "Window", engine: "WindowWorker") -> None:
    mirror = window.view.settings.mirror.get()
    engine.set_mirror(mirror)
    if not engine.status.source or is_camera(engine.status.source):  # remembered for cameras
        window.change(mirror=mirror)


def _theme(window: "Window", _: "WindowWorker") -> None:
    window.change(theme="light" if window.settings.theme == "dark" else "dark")
    window.load_theme()


def _choose_folder(window: "Window", _: "WindowWorker") -> None:
    if folder := filedialog.askdirectory(parent=window.root, title="Output folder", initialdir=window.settings.out):
        window.change(folder=folder)


def _choose_model(window: "Window", _: "WindowWorker") -> None:
    types = [("Emotion model", "*.onnx")]
    path = filedialog.askopenfilename(parent=window.root, title="Emotion model", filetypes=types)
    window.change(model=path or window.settings.model)


def _fullscreen(window: "Window", _: "WindowWorker") -> None:
    root, full = window.root, not window.root.attributes("-fullscreen")
    if full:
        window.windowed = root.geometry()
    root.attributes("-fullscreen", full)
    window.view.only_picture(full)
    root.configure(menu="" if full else window.menu)  # type: ignore[arg-type]
    if not full:  # some window managers keep the screen's size; Tk's geometry excludes the menu once it is back
        root.after(50, root.geometry, window.windowed)


def _escape(window: "Window", engine: "WindowWorker") -> None:
    if window.root.attributes("-fullscreen"):
        _fullscreen(window, engine)
    else:
        engine.stop_calibrating()


def show_folder(window: "Window", folder: Path) -> None:
    """Open a folder in the file manager; if that fails, at least say where it is."""
    try:
        manager = reveal(folder)
    except InputError as error:
        window.view.toast.tell(str(error))
        return
    if manager is not None:
        window.root.after(MANAGER_MS, partial(_heard_of, window, manager, folder))


def _heard_of(window: "Window", manager: "subprocess.Popen[bytes]", folder: Path) -> None:
    if manager.poll():
        window.view.toast.tell(f"The file manager did not open. Files are in {folder}")


COMMANDS: dict[str, Command] = {
    "open": _open,
    "stream": lambda window, _: dialogs.ask_address(window.root, window.open),
    "close_source": lambda _, engine: engine.close_source(),
    "cameras": lambda window, _: window.look_for_cameras(),
    "pause": lambda _, engine: engine.pause(),
    "previous": lambda _, engine: engine.seeking.previous_frame(),
    "following": lambda _, engine: engine.seeking.next_frame(),
    "rewind": lambda _, engine: engine.seeking.by(-SKIP_S),
    "skip": lambda _, engine: engine.seeking.by(SKIP_S),
    "snapshot": lambda _, engine: engine.snapshot(),
    "record": lambda _, engine: engine.record(),
    "log": lambda _, engine: engine.log(),
    "calibrate": lambda _, engine: engine.calibrate(),
    "forget": lambda _, engine: engine.forget(),
    "next": lambda _, engine: engine.next_person(),
    "anonymise": lambda window, _: window.change(anonymise=not window.settings.anonymise),
    "hide": lambda window, _: window.change(
        anonymise=window.view.hide.get()
    ),  # by the switch, which has changed already
    "mirror": _mirror,
    "mirrored": _mirrored,  # by the switch
    "theme": _theme,
    "folder": lambda window, _: show_folder(window, window.settings.out),
    "choose_folder": _choose_folder,
    "choose_model": _choose_model,
    "fullscreen": _fullscreen,
    "escape": _escape,
    "help": lambda window, _: dialogs.show_keys(window.root),
    "about": lambda window, _: dialogs.show_about(window.root, window.settings.model),
    "quit": lambda window, _: window.close(),
}
