"""Images of the desktop window in every state, light and dark, made on a screen of their own (needs Xvfb, openbox,
xdotool).

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

Act = Callable[[Any], None]


def unplugged(source: str, size_wh: tuple[int, int]) -> Any:
    """Stands for a camera that is busy."""
    raise InputError(
        "Expected camera 0, got none: it is absent, or another program holds it. Close that program, or take another."
    )


def live(made: Any, seconds: float = 4.0) -> None:
    pump(made.root, lambda: made.engine.status.state in ("live", "still") and made.engine.painter.drawn is not None)
    rest(made.root, seconds)


def resting(made: Any) -> None:
    rest(made.root, 2)


def scrubbed(made: Any) -> None:
    live(made, 3)
    made.engine.seeking.to(20)
    rest(made.root, 3)


def recorded(made: Any) -> None:
    live(made, 1)
    made.do("record")
    rest(made.root, 3)
    made.do("record")
    pump(made.root, lambda: made.view.toast.text.startswith("Saved"))


def being_recorded(made: Any) -> None:
    live(made, 1)
    made.do("record")
    made.do("log")
    rest(made.root, 4)


def settings(made: Any) -> None:
    live(made, 1)
    made.view.tabs.select(1)
    rest(made.root, 1)


def picker(made: Any) -> None:
    live(made, 1)
    source = made.view.source
    xdotool("mousemove", source.winfo_rootx() + 9, source.winfo_rooty() + 9, "click", 1)
    rest(made.root, 1)


def doing(name: str, then_s: float = 2.0) -> Act:
    """Carry out an action of the window while it is live."""

    def act(made: Any) -> None:
        live(made, 1)
        made.do(name)
        rest(made.root, then_s)

    return act


def sized(size: str, then: Act = live) -> Act:
    """In a window of another size, "" for as large as the screen."""

    def act(made: Any) -> None:
        whole = f"{made.root.winfo_screenwidth() - 4}x{made.root.winfo_screenheight() - 60}+0+0"
        made.root.geometry(size or whole)
        then(made)

    return act


def states(folder: Path) -> Iterator[tuple[str, dict[str, Any], Act]]:
    """Name, how the window is made, what is done in it."""
    faceless = folder / "no-face.png"
    write_image(faceless, np.full((480, 640, 3), (96, 120, 110), np.uint8))
    sample, five = {"source": "sample"}, {"source": "sample:5"}
    busy = {"source": "0", "opener": unplugged}
    yield "start", {}, resting
    yield "live", sample, lambda made: live(made, 10)
    yield "video", {"source": "synthetic:40x3"}, scrubbed
    yield "five", five | {"style": "avatar"}, live
    yield "hidden", five | {"anonymise": True}, live
    yield "photo", {"source": "sample:photo"}, live
    yield "portrait", {"source": str(ROOT / "src/emojimation/assets/samples/biden.jpg")}, live
    yield "no-face", {"source": str(faceless)}, live
    yield "error", busy, resting
    yield "recording", sample, being_recorded
    yield "recorded", sample, recorded
    yield "calibrating", sample, doing("calibrate", 1.2)
    yield "settings", sample, settings
    yield "picker", sample, picker
    yield "small", sample, sized("640x480")
    yield "small-settings", sample, sized("640x480", settings)
    yield "small-error", busy, sized("640x480", resting)
    yield "tall", sample, sized("900x840")
    yield "large", five | {"style": "emoji"}, sized("")
    for name in ("about", "help", "stream"):
        yield name, sample, doing(name)


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
