"""Pictures of the desktop window in every state, light and dark, made on a screen of their own (needs Xvfb, openbox, xdotool).

python scripts/desktop_screenshots.py --out out/desktop
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "src")]

from screen import Screen, missing, pump, rest, window, xdotool  # noqa: E402

from emojimation.errors import InputError  # noqa: E402
from emojimation.media import write_image  # noqa: E402


def unplugged(source: str, size_wh: tuple[int, int]) -> Any:
    """Stands for a camera that is busy."""
    raise InputError(
        "Expected camera 0, got none: it is absent, or another program holds it. Close that program, or take another."
    )


def live(made: Any, seconds: float = 4.0) -> None:
    pump(made.root, lambda: made.engine.status.state in ("live", "still") and made.engine.painter.drawn is not None)
    rest(made.root, seconds)


def states(folder: Path) -> Iterator[tuple[str, dict[str, Any], Callable[[Any], None]]]:
    """Name, how the window is made, what is done in it."""
    faceless = folder / "no-face.png"
    write_image(faceless, np.full((480, 640, 3), (96, 120, 110), np.uint8))
    doubtful = str(ROOT / "src" / "emojimation" / "assets" / "samples" / "biden.jpg")
    yield "start", {}, lambda made: rest(made.root, 2)
    yield "live", {"source": "sample"}, lambda made: live(made, 10)
    yield "five", {"source": "sample:5", "style": "avatar"}, live
    yield "hidden", {"source": "sample:5", "anonymise": True}, live
    yield "photo", {"source": "sample:photo"}, live
    yield "portrait", {"source": doubtful, "style": "boxes"}, live
    yield "no-face", {"source": str(faceless)}, live
    yield "error", {"source": "0", "opener": unplugged}, lambda made: rest(made.root, 2)

    def recording(made: Any) -> None:
        live(made, 1)
        made.do("record")
        rest(made.root, 3)
        made.do("record")
        pump(made.root, lambda: made.view.toast.text.startswith("Saved"))

    def calibrating(made: Any) -> None:
        live(made, 1)
        made.do("calibrate")
        rest(made.root, 1.2)

    def settings(made: Any) -> None:
        live(made, 1)
        made.view.tabs.select(1)
        rest(made.root, 1)

    def small(made: Any) -> None:
        made.root.geometry("640x480")
        live(made, 3)

    def tall(made: Any) -> None:
        made.root.geometry("900x860")
        live(made, 3)

    def dialog(name: str) -> Callable[[Any], None]:
        def show(made: Any) -> None:
            live(made, 1)
            made.do(name)
            rest(made.root, 2)

        return show

    def being_recorded(made: Any) -> None:
        live(made, 1)
        made.do("record")
        made.do("log")
        rest(made.root, 4)

    def small_settings(made: Any) -> None:
        made.root.geometry("640x480")
        settings(made)

    def large(made: Any) -> None:
        made.root.geometry(f"{made.root.winfo_screenwidth() - 4}x{made.root.winfo_screenheight() - 30}+0+0")
        live(made, 3)

    def picker(made: Any) -> None:
        live(made, 1)
        made.root.update()
        xdotool(
            "mousemove", made.view.source.winfo_rootx() + 9, made.view.source.winfo_rooty() + 9, "click", 1
        )
        rest(made.root, 1)

    yield "recording", {"source": "sample"}, being_recorded
    yield "small-settings", {"source": "sample"}, small_settings
    yield (
        "small-error",
        {"source": "0", "opener": unplugged},
        lambda made: [made.root.geometry("640x480"), rest(made.root, 2)],
    )
    yield "large", {"source": "sample:5", "style": "emoji"}, large
    yield "picker", {"source": "sample"}, picker
    yield "recorded", {"source": "sample"}, recording
    yield "calibrating", {"source": "sample"}, calibrating
    yield "settings", {"source": "sample"}, settings
    yield "small", {"source": "sample"}, small
    yield "tall", {"source": "sample"}, tall
    for name in ("about", "help", "stream"):
        yield name, {"source": "sample"}, dialog(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/desktop"))
    parser.add_argument("--only", nargs="*", help="names of states")
    parser.add_argument("--themes", nargs="*", default=["dark", "light"])
    parser.add_argument("--dpi", type=int, default=96)
    args = parser.parse_args()
    if problem := missing():
        sys.exit(f"Error: {problem}")
    args.out.mkdir(parents=True, exist_ok=True)
    size = tuple(round(side * args.dpi / 96) for side in (1280, 900))
    with Screen((size[0], size[1]), args.dpi) as screen, tempfile.TemporaryDirectory() as folder:
        for name, how, act in states(Path(folder)):
            for theme in args.themes if not args.only or name in args.only else ():
                made = window(Path(folder), theme=theme, **how)
                act(made)
                screen.picture().save(args.out / f"{name}-{theme}.png")
                print(args.out / f"{name}-{theme}.png")
                made.close()


if __name__ == "__main__":
    main()
