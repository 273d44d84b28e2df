"""From an analysed frame to everything that the window shows of it. Belongs to the engine's painting thread."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from emojimation import quality
from emojimation.apps.desktop.paint import Look, PanelPainter, mark_main, ppm, strip
from emojimation.apps.desktop.settings import Settings
from emojimation.apps.desktop.state import (
    Chooser,
    Eased,
    History,
    Rate,
    face_at,
    fitted,
    frame_point,
    greeting,
    headline,
    mirrored,
)
from emojimation.avatar import Avatar
from emojimation.faces import Face
from emojimation.labels import EMOTIONS
from emojimation.live import LiveResult
from emojimation.render import annotate
from emojimation.video.anonymise import ENLARGED, enlarged

NEUTRAL = np.eye(len(EMOTIONS))[EMOTIONS.index("neutral")]
HINT_S = 0.6  # a hint stays for so long
STRIP_S = 0.1  # the history moves by less than a pixel in between


@dataclass(frozen=True, slots=True)
class Room:
    """Sizes in pixels that the window has for picture, panel and history, and its scale (1 at 96 dots per inch)."""

    view_wh: tuple[int, int] = (640, 480)
    panel_wh: tuple[int, int] = (320, 560)
    strip_wh: tuple[int, int] = (640, 84)
    scale: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Finished pictures (portable pixmaps, None where nothing changed) and the figures beside them."""

    number: int
    view: bytes | None
    panel: bytes
    strip: bytes | None
    fps: float
    latency_ms: float
    faces: int
    frame_wh: tuple[int, int] | None
    word: str


class Painter:
    """Turns results into `Shown`. settings, room, mirror and kind ("camera", "film", "photo" or "" for nothing yet) may be
    exchanged from another thread at any time."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.room, self.mirror, self.kind = settings, Room(), False, "camera"
        self.chooser, self.history = Chooser(), History()
        self.drawn: np.ndarray | None = None
        self.on_drawn: Callable[[np.ndarray, float], None] | None = None
        self._panel, self._avatar = PanelPainter(), Avatar()
        self._look, self._roll = Eased(), Eased(0.08)
        self._rate = Rate()
        self._number = 0
        self._last: tuple[object, ...] = ()
        self._hint, self._hint_s, self._strip_s = "", -1.0, -1.0
        self._strip_of: tuple[object, ...] = ()

    def reset(self) -> None:
        """Another source: nothing of the one before stays."""
        self.history.clear()
        self.chooser.choose(None)
        self.drawn, self._hint, self._last, self._rate = None, "", (), Rate()

    def main(self, result: LiveResult | None) -> Face | None:
        """The main face of a result."""
        return self.chooser.main(result.faces) if result is not None else None

    def click(self, result: LiveResult, x: float, y: float) -> int | None:
        """Make the face under a point of the view the main one; its number, None where there is none."""
        height, width = result.frame.shape[:2]
        point = frame_point(x, y, self.room.view_wh, (width, height), self.mirror)
        face = face_at(result.faces, *point) if point else None
        if face is None or face.track_id is None:
            return None
        self.chooser.choose(face.track_id)
        return face.track_id

    def paint(
        self, result: LiveResult | None, now_s: float, live: bool, latency_ms: float, progress: float | None = None
    ) -> Shown:
        """Everything for this moment. live: results still come, so that the history runs on."""
        settings, room, main = self.settings, self.room, self.main(result)
        fresh = result is not None and (not self._last or self._last[0] is not result)
        state = (result, settings, room, self.mirror, main.track_id if main else None)
        view = None
        if result is not None and state != self._last:
            view = self._view(result, main, settings, room, now_s)
            if fresh:
                self._noted(result, main, now_s)
        self._last = state
        self._number += 1
        return Shown(
            self._number, view, ppm(self._painted_panel(main, settings, room, now_s, progress)),
            self._painted_strip(settings, room, now_s, live), self._rate.value(now_s), latency_ms,
            len(result.faces) if result else 0, result.frame.shape[1::-1] if result else None, headline(main, self.kind or "camera")[0],
        )  # fmt: skip

    def _noted(self, result: LiveResult, main: Face | None, now_s: float) -> None:
        """What is done once for each result: history, frame rate, hint, film."""
        self.history.add(now_s, main)
        self._rate.tick(now_s)
        if now_s - self._hint_s > HINT_S:
            found = quality.hints(result.frame, main) if main is not None else ()
            self._hint, self._hint_s = ", ".join(found[:2]), now_s
        if self.on_drawn is not None and self.drawn is not None:
            self.on_drawn(self.drawn, now_s)

    def _view(self, result: LiveResult, main: Face | None, settings: Settings, room: Room, now_s: float) -> bytes:
        """Draw the frame in full size (kept for files) and fit it into the view."""
        frame, faces = result.frame, result.faces
        height, width = frame.shape[:2]
        if not settings.several and not settings.anonymise:
            faces = [face for face in faces if face is main]
        if self.mirror:
            frame, faces = cv2.flip(frame, 1), [mirrored(face, width) for face in faces]
        if settings.anonymise:
            faces = [enlarged(face, ENLARGED) for face in faces]
        style = settings.drawn_style
        drawer = self._avatar.drawer(now_s) if style == "avatar" else None
        self.drawn = annotate(frame, faces, style, settings.art, drawer)
        size = fitted((width, height), room.view_wh)
        way = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
        view = cv2.resize(self.drawn, size, interpolation=way)
        if main is not None and len(faces) > 1:
            box = mirrored(main, width).xyxy if self.mirror else main.xyxy
            mark_main(view, box * (size[0] / width), room.scale, style in ("emoji", "avatar"))
        return ppm(view)

    def _painted_panel(
        self, main: Face | None, settings: Settings, room: Room, now_s: float, progress: float | None
    ) -> np.ndarray:
        known = None if main is None else main.probabilities
        target = (NEUTRAL if self.kind else greeting(now_s)) if known is None else known
        eased = self._look.towards(target / target.sum(), now_s)
        roll = main.roll_deg if main is not None else 0.0
        turned = self._roll.towards(np.array([-roll if self.mirror else roll]), now_s)
        if not self.kind:
            look = Look("hello", "Choose a source to begin", bars=False)
        elif not self._last or self._last[0] is None:
            look = Look("no picture", "", there=False)
        elif progress is not None:
            look = Look("hold still", f"A neutral face, please: {progress:.0%}", progress=progress)
        else:
            hint = self._hint if main is not None else ""
            look = Look(*headline(main, self.kind), hint, not main or bool(main.certain), main is not None)
        return self._panel.draw(eased, look, room.panel_wh, room.scale, settings.theme, now_s, float(turned[0]))

    def _painted_strip(self, settings: Settings, room: Room, now_s: float, live: bool) -> bytes | None:
        """The history; None while it looks as before."""
        state = (room.strip_wh, room.scale, settings.theme)
        if state == self._strip_of and (not live or now_s - self._strip_s < STRIP_S):
            return None
        if live or self._strip_s < 0:
            self._strip_s = now_s
        self._strip_of = state
        columns = self.history.columns(room.strip_wh[0], self._strip_s)
        return ppm(strip(columns, room.strip_wh, room.scale, settings.theme))
