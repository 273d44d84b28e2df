"""A screen of its own (Xvfb with the window manager openbox), windows on it, real keys and clicks (xdotool), images of
it: for tests, benchmarks and the screenshots script. All waiting is for conditions, never for a fixed time."""

import atexit
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image, ImageGrab

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {"Xvfb": "xvfb", "xdotool": "xdotool", "openbox": "openbox"}  # program -> Debian's package
WAIT_S = 120.0  # for what takes less than one second on an idle machine


def missing() -> str | None:
    """Why no window can be shown here, or None."""
    try:
        import tkinter  # noqa: F401

        import sv_ttk  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not there"
    absent = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    return f"apt-get install {' '.join(absent)}" if absent else None


class Screen:
    """Xvfb and openbox as a context; sets DISPLAY meanwhile."""

    def __init__(self, size_wh: tuple[int, int] = (1280, 900), dpi: int = 96) -> None:
        read, write = os.pipe()
        size = f"{size_wh[0]}x{size_wh[1]}x24"
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        asked = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-dpi", str(dpi), "-nolisten", "tcp"]
        self._programs = [subprocess.Popen(asked, pass_fds=(write,), **quiet)]
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = f":{pipe.readline().strip()}"
        self.environ = os.environ | {"DISPLAY": self.name}
        manager = ["openbox", "--sm-disable"]
        self._programs.append(subprocess.Popen(manager, env=self.environ, **quiet))
        self._before = os.environ.get("DISPLAY")

    def __enter__(self) -> "Screen":
        os.environ["DISPLAY"] = self.name
        wait(lambda: xdotool("get_num_desktops"))  # the window manager is there
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is None:
            os.environ.pop("DISPLAY", None)
        else:
            os.environ["DISPLAY"] = self._before
        for program in reversed(self._programs):
            program.terminate()
            program.wait(10)

    def picture(self) -> Image.Image:
        """All that is on the screen."""
        return ImageGrab.grab(xdisplay=self.name)


@lru_cache(maxsize=1)
def shared() -> Screen:
    """The one screen of this process, ended with it: Xlib ends a process whose screen goes away before."""
    screen = Screen()
    atexit.register(screen.__exit__, None, None, None)
    return screen.__enter__()


def xdotool(*words: object) -> list[str]:
    """What xdotool answers, line by line; nothing where it failed."""
    asked = ["xdotool", *(str(word) for word in words)]
    return subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout.split()


def wait(until: Callable[[], object], timeout_s: float = WAIT_S) -> None:
    """Until the condition holds; AssertionError after the time."""
    end_s = time.monotonic() + timeout_s
    while not until():
        assert time.monotonic() < end_s, f"waited {timeout_s:g} s in vain"
        time.sleep(0.02)


def pump(root: Any, until: Callable[[], object], timeout_s: float = WAIT_S) -> None:
    """Let the window live until the condition holds; AssertionError after the time."""
    end_s = time.monotonic() + timeout_s
    while not until():
        assert time.monotonic() < end_s, f"waited {timeout_s:g} s in vain"
        root.update()
        time.sleep(0.004)


def rest(root: Any, seconds: float) -> None:
    """Let the window live for a while: for images and benchmarks only."""
    end_s = time.monotonic() + seconds
    pump(root, lambda: time.monotonic() > end_s, seconds + 20)


def window(folder: Path, source: str | None = None, opener: Callable[..., Any] | None = None, **settings: Any) -> Any:
    """The program's window on this screen, files going to `folder`; nothing is remembered."""
    from emojimation.apps.desktop.settings import WindowSettings
    from emojimation.apps.desktop.window import Window

    made = Window(WindowSettings(**({"folder": str(folder)} | settings)), source, keep=False, opener=opener)
    pump(made.root, lambda: made.engine is not None)
    return made


@contextmanager
def windows(folder: Path, model: str) -> Iterator[Callable[..., Any]]:
    """Makes windows whose files go to `folder`, or to `out`; closes them at the end."""
    made: list[Any] = []

    def make(source: str | None = None, out: Path = folder, **how: Any) -> Any:
        made.append(window(out, source, **({"model": model} | how)))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.close()


def live(made: Any, faces: int = 1) -> None:
    """Wait for the first image with that many faces."""
    pump(made.root, lambda: made.engine.status.state in ("live", "still") and made.view.picture.filled)
    pump(made.root, lambda: made.engine.latest().faces >= faces)


def focus(made: Any) -> None:
    """Give the main window the keyboard, as a click on its title would."""
    pump(made.root, made.root.winfo_viewable)
    if made.root.focus_displayof() is None:
        number = xdotool("search", "--name", made.root.title())[0]
        pump(made.root, lambda: [xdotool("windowactivate", number), made.root.focus_displayof()][1])


def press(made: Any, *keys: str) -> None:
    """Press keys on the keyboard of this screen, as xdotool names them."""
    focus(made)
    made.view.picture.focus_set()
    made.root.update()
    xdotool("key", *keys)
    made.root.update()


def click(made: Any, widget: Any, x: int | None = None, y: int | None = None) -> None:
    """Click into the middle of a widget, or at a point of it, with this screen's mouse."""
    pump(made.root, widget.winfo_viewable)
    made.root.update()
    across = widget.winfo_width() // 2 if x is None else x
    down = widget.winfo_height() // 2 if y is None else y
    xdotool("mousemove", widget.winfo_rootx() + across, widget.winfo_rooty() + down, "click", 1)
    made.root.update()


def widgets(parent: Any, kind: str) -> list[Any]:
    """All widgets of a class under `parent`, in the order they were made."""
    found = [parent] if parent.winfo_class() == kind else []
    for child in parent.winfo_children():
        found += widgets(child, kind)
    return found


def buttons(parent: Any) -> dict[str, Any]:
    """Label -> button."""
    return {str(button.cget("text")): button for button in widgets(parent, "TButton")}


def words(parent: Any) -> str:
    """All that the labels under `parent` say."""
    return "\n".join(str(label.cget("text")) for label in widgets(parent, "TLabel"))


def dialog(made: Any, title: str) -> Any:
    """The small window of that title, once it is there and has the keyboard."""
    found: list[Any] = []

    def there() -> bool:
        found[:] = [w for w in widgets(made.root, "Toplevel") if w.title() == title and w.winfo_viewable()]
        return bool(found) and made.root.focus_get() is not None and made.root.focus_get().winfo_toplevel() is found[0]

    pump(made.root, there)
    return found[0]


def toast(made: Any, part: str) -> str:
    """What the passing message says, once it holds that part."""
    pump(made.root, lambda: part in made.view.toast.text)
    return str(made.view.toast.text)


def program(folder: Path, *args: str, command: str = "desktop") -> "subprocess.Popen[str]":
    """The program in a process of its own, its settings kept in `folder`."""
    environ = os.environ | {"XDG_CONFIG_HOME": str(folder), "PYTHONPATH": str(ROOT / "src")}
    asked = [sys.executable, "-m", "emojimation", command, *args]
    return subprocess.Popen(asked, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def titled(title: str, pid: int | None = None) -> list[str]:
    """Numbers of the visible windows whose title begins so, of one process or of all."""
    own = ["--all", "--pid", str(pid)] if pid else []
    return xdotool("search", "--onlyvisible", *own, "--name", f"^{title}")
