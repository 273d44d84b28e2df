"""From an analysed frame to everything that the window shows of it, on the painting thread. Does not use Tk."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from emojimation.apps.desktop.history import History, strip
from emojimation.apps.desktop.main_face import Chooser, face_at, fitted, frame_point, mark_main, mirrored
from emojimation.apps.desktop.panel import Look, PanelPainter, greeting, headline
from emojimation.apps.desktop.settings import WindowSettings
from emojimation.apps.desktop.timeline import Timeline, seek_bar
from emojimation.classify import quality
from emojimation.draw import boxes
from emojimation.draw.puppet import puppet_of
from emojimation.draw.styles import annotate
from emojimation.faces import Face
from emojimation.hiding.covers import covers_of
from emojimation.labels import EMOTION_LABELS
from emojimation.live import LiveResult

EASE_S = 0.12  # time constant of bars and avatar
HINT_S = 0.6  # how long a hint stays
STRIP_S = 0.1  # the history moves by less than a pixel in between


@dataclass(frozen=True, slots=True)
class Room:
    """Sizes in pixels of the window's areas for image, panel, history and seek bar, and its scale (1 at 96 dots per
    inch)."""

    view_wh: tuple[int, int] = (640, 480)
    panel_wh: tuple[int, int] = (320, 560)
    strip_wh: tuple[int, int] = (640, 84)
    scale: float = 1.0
    seek_wh: tuple[int, int] = (640, 26)


@dataclass(frozen=True, slots=True, eq=False)
class Pixmap:
    """A finished image in Tk's format, with a unique number, so that nothing is displayed twice."""

    data: bytes
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Everything visible at a moment, and the figures beside it. view: None before the first image. seek: the seek bar,
    None for what has no length."""

    number: int
    view: Pixmap | None
    panel: Pixmap
    strip: Pixmap
    seek: Pixmap | None
    fps: float
    latency_ms: float
    faces: int
    frame_wh: tuple[int, int] | None
    word: str


class Eased:
    """A vector that moves towards its target instead of jumping; the same at every frame rate."""

    def __init__(self, memory_s: float = EASE_S) -> None:
        self.memory_s = memory_s
        self.value: np.ndarray | None = None
        self._last_s = 0.0

    def towards(self, target: np.ndarray, now_s: float) -> np.ndarray:
        """The vector at `now_s`; the first call and one after more than a second jump."""
        step_s, self._last_s = now_s - self._last_s, now_s
        if self.value is None or step_s > 1.0 or self.value.shape != target.shape:
            self.value = np.array(target, np.float64)
        else:
            self.value = self.value + (1 - math.exp(-max(step_s, 0) / self.memory_s)) * (target - self.value)
        return self.value


class Rate:
    """Events per second over the last two seconds."""

    def __init__(self, window_s: float = 2.0) -> None:
        self.window_s = window_s
        self._times: deque[float] = deque()

    def tick(self, now_s: float) -> None:
        """One event."""
        self._times.append(now_s)

    def value(self, now_s: float) -> float:
        """Events per second at `now_s`."""
        while self._times and self._times[0] < now_s - self.window_s:
            self._times.popleft()
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(now_s - self._times[0], 1e-6)


class Painter:
    """Turns results into `Shown`. settings, room, mirror and kind ("camera", "video", "photo" or "" for nothing yet)
    may be replaced from another thread at any time."""

    def __init__(self, settings: WindowSettings) -> None:
        self.settings, self.room, self.mirror, self.kind = settings, Room(), False, "camera"
        self.chooser, self.history, self.timeline = Chooser(), History(), Timeline()
        self.drawn: np.ndarray | None = None
        self.on_drawn: Callable[[np.ndarray, float], None] | None = None
        self._panel = PanelPainter()
        self._label_places: boxes.Places = {}
        self._look, self._roll = Eased(), Eased(0.08)
        self._rate = Rate()
        self._number = 0
        self._last: tuple[object, ...] = ()
        self._view: Pixmap | None = None
        self._strip: Pixmap | None = None
        self._hint, self._hint_s, self._strip_s = "", -1.0, -1.0
        self._strip_of: tuple[object, ...] = ()
        self._seek: Pixmap | None = None
        self._seek_of: tuple[object, ...] = ()
        self._source = ""

    def reset(self, source: str) -> None:
        """Start afresh for another source; the timeline of the same one is kept."""
        self.history.clear()
        if source != self._source:
            self._source, self.timeline.now_s = source, 0.0
            self.timeline.forget()
        self._label_places.clear()
        self.chooser.choose(None)
        self.drawn = self._view = self._strip = None
        self._hint, self._last, self._rate = "", (), Rate()

    def main(self, result: LiveResult | None) -> Face | None:
        """The main face of a result."""
        return self.chooser.main(result.faces) if result is not None else None

    def click(self, result: LiveResult, x: float, y: float) -> int | None:
        """Make the face under a point of the view the main one; its number, or None if there is none."""
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
        """Everything for this moment. live: results still arrive, so the history keeps moving."""
        settings, room, main = self.settings, self.room, self.main(result)
        fresh = result is not None and (not self._last or self._last[0] is not result)
        state = (result, settings, room, self.mirror, main.track_id if main else None)
        if result is not None and state != self._last:
            self._view = self._pixmap(self._drawn_view(result, main, settings, room, now_s))
            if fresh:
                self._noted(result, main, now_s)
        self._last = state
        panel = self._pixmap(self._drawn_panel(main, settings, room, now_s, progress))
        return Shown(
            self._number,
            self._view,
            panel,
            self._drawn_strip(settings, room, now_s, live),
            self._drawn_seek_bar(settings, room),
            self._rate.value(now_s),
            latency_ms,
            len(result.faces) if result else 0,
            result.frame.shape[1::-1] if result else None,
            headline(main, self.kind or "camera", settings.spoken)[0],
        )

    def _pixmap(self, picture: np.ndarray) -> Pixmap:
        self._number += 1
        return Pixmap(ppm(picture), self._number)

    def _noted(self, result: LiveResult, main: Face | None, now_s: float) -> None:
        """What is done once per result: history, frame rate, hint, recording."""
        self.history.add(now_s, main)
        self.timeline.add(result.time_s, main)
        self._rate.tick(now_s)
        if now_s - self._hint_s > HINT_S:
            found = quality.hints(result.frame, main) if main is not None else ()
            self._hint, self._hint_s = ", ".join(found[:2]), now_s
        on_drawn = self.on_drawn
        if on_drawn is not None and self.drawn is not None:
            on_drawn(self.drawn, now_s)

    def _drawn_view(
        self, result: LiveResult, main: Face | None, settings: WindowSettings, room: Room, now_s: float
    ) -> np.ndarray:
        """Draw the frame in full size (kept for files) and fit it into the view."""
        frame, faces = result.frame, result.faces
        height, width = frame.shape[:2]
        if not settings.several and not settings.hides:
            faces = [face for face in faces if face is main]
        if self.mirror:
            frame, faces = cv2.flip(frame, 1), [mirrored(face, width) for face in faces]
        if settings.hides:
            faces = covers_of(faces)
        style = settings.drawn_style
        self.drawn = annotate(frame, faces, style, settings.art, None, now_s, self._label_places, settings.character)
        size = fitted((width, height), room.view_wh)
        way = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
        view = cv2.resize(self.drawn, size, interpolation=way)
        if main is not None and len(faces) > 1:
            box = mirrored(main, width).xyxy if self.mirror else main.xyxy
            mark_main(view, box * (size[0] / width), room.scale, style in ("emoji", "avatar", "puppet"))
        return view

    def _seen(self, face: Face) -> Face:
        """The face as it is shown: in the mirror, or not."""
        return mirrored(face, 0) if self.mirror else face

    def _drawn_panel(
        self, main: Face | None, settings: WindowSettings, room: Room, now_s: float, progress: float | None
    ) -> np.ndarray:
        known = None if main is None else main.probabilities
        labels = self.history.labels if self.kind else EMOTION_LABELS
        at_rest = np.eye(len(labels))[labels.neutral or 0] if self.kind else greeting(now_s)
        target = at_rest if known is None else known
        eased = self._look.towards(target / target.sum(), now_s)
        roll = main.roll_deg if main is not None else 0.0
        turned = self._roll.towards(np.array([-roll if self.mirror else roll]), now_s)
        if not self.kind:
            look = Look("hello", "Choose a source to start", bars=False)
        elif not self._last or self._last[0] is None:
            look = Look("no image", "", there=False)
        elif progress is not None:
            look = Look("hold still", f"Neutral face, please: {progress:.0%}", progress=progress)
        else:
            hint = self._hint if main is not None else ""
            look = Look(
                *headline(main, self.kind, settings.spoken),
                hint,
                not main or main.certainty != "not sure",
                main is not None,
            )
            look = replace(look, puppet=None if main is None else puppet_of(self._seen(main)))
        look = replace(look, character=settings.character)
        turn, spoken = float(turned[0]), settings.spoken
        return self._panel.draw(eased, look, room.panel_wh, room.scale, settings.theme, now_s, turn, labels, spoken)

    def _drawn_strip(self, settings: WindowSettings, room: Room, now_s: float, live: bool) -> Pixmap:
        """The history, repainted if it has changed."""
        state = (room.strip_wh, room.scale, settings.theme)
        if self._strip is not None and state == self._strip_of and (not live or now_s - self._strip_s < STRIP_S):
            return self._strip
        if live or self._strip_s < 0:
            self._strip_s = now_s
        self._strip_of = state
        columns = self.history.columns(room.strip_wh[0], self._strip_s)
        self._strip = self._pixmap(
            strip(columns, room.strip_wh, room.scale, settings.theme, labels=self.history.labels)
        )
        return self._strip

    def _drawn_seek_bar(self, settings: WindowSettings, room: Room) -> Pixmap | None:
        """The seek bar, repainted if something in it has changed."""
        timeline = self.timeline
        if not timeline.length_s:
            return None
        state = (room.seek_wh, room.scale, settings.theme, timeline.now_s, timeline.length_s, timeline.version)
        if self._seek is None or state != self._seek_of:
            self._seek = self._pixmap(seek_bar(timeline, room.seek_wh, room.scale, settings.theme))
            self._seek_of = state
        return self._seek


def ppm(picture: np.ndarray) -> bytes:
    """(h,w,3) BGR uint8 as a portable pixmap, which Tk reads fastest."""
    height, width = picture.shape[:2]
    return b"P6 %d %d 255\n" % (width, height) + cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).tobytes()
