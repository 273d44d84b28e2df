"""A screen of its own (Xvfb), windows on it, and pictures of it: for tests, benchmarks and the screenshots script."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image, ImageGrab


def missing() -> str | None:
    """Why no window can be shown here, or None."""
    try:
        import tkinter  # noqa: F401

        import sv_ttk  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not there"
    return None if shutil.which("Xvfb") else "Xvfb is not there (Debian: apt-get install xvfb)"


class Screen:
    """Xvfb as a context; sets DISPLAY meanwhile."""

    def __init__(self, size_wh: tuple[int, int] = (1280, 900), dpi: int = 96) -> None:
        read, write = os.pipe()
        size = f"{size_wh[0]}x{size_wh[1]}x24"
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-dpi", str(dpi), "-nolisten", "tcp"],
            pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = f":{pipe.readline().strip()}"
        self._before = os.environ.get("DISPLAY")

    def __enter__(self) -> "Screen":
        os.environ["DISPLAY"] = self.name
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is None:
            os.environ.pop("DISPLAY", None)
        else:
            os.environ["DISPLAY"] = self._before
        self._server.terminate()
        self._server.wait(10)

    def picture(self) -> Image.Image:
        """All that is on the screen."""
        return ImageGrab.grab(xdisplay=self.name)


def pump(root: Any, until: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Let the window live until the condition holds; AssertionError after the time."""
    end_s = time.monotonic() + timeout_s
    while not until():
        assert time.monotonic() < end_s, f"waited {timeout_s:g} s in vain"
        root.update()
        time.sleep(0.004)


def rest(root: Any, seconds: float) -> None:
    """Let the window live for a while."""
    end_s = time.monotonic() + seconds
    pump(root, lambda: time.monotonic() > end_s, seconds + 20)


def window(folder: Path, source: str | None = None, opener: Callable[..., Any] | None = None, **settings: Any) -> Any:
    """The program's window on this screen, files going to `folder`; nothing is remembered."""
    from emojimation.apps.desktop.settings import Settings
    from emojimation.apps.desktop.window import Window

    made = Window(Settings(**({"folder": str(folder)} | settings)), source, keep=False, opener=opener)
    pump(made.root, lambda: made.engine is not None)
    return made
