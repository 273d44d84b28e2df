"""What the window says of the engine's state: the status line, buttons, pages; mixed into `desktop.Window`."""

from pathlib import Path
from typing import TYPE_CHECKING

from emojimation.apps.desktop.deeds import Deeds

if TYPE_CHECKING:
    from emojimation.apps.desktop.painter import Shown
    from emojimation.apps.desktop.state import Status


class Telling(Deeds):
    """Shows `engine.status`."""

    def _facts(self, shown: "Shown") -> str:
        from emojimation.apps.desktop.sources import title_of

        status = self.engine.status if self.engine else None
        if status is None or status.state not in ("live", "still", "ended") or shown.frame_wh is None:
            return "No source" if status is None or status.state in ("idle", "failed") else ""
        parts = [title_of(status.source), f"{shown.frame_wh[0]} x {shown.frame_wh[1]}"]
        parts.append(f"{shown.faces} {'face' if shown.faces == 1 else 'faces'}")
        if status.paused or status.state == "ended":
            parts.append("paused" if status.paused else "at its end: Space begins again")
        elif status.state == "live":
            parts += [f"{shown.fps:.0f} frames/s", f"{shown.latency_ms:.0f} ms"]
        return "   ·   ".join(parts)

    def _show_status(self, status: "Status") -> None:
        """Buttons and pages for another state."""
        self._status, self.cameras.changed = status, False
        view, buttons = self.view, self.view.buttons
        buttons["pause"].configure(text="Go on" if status.paused or status.state == "ended" else "Pause")
        buttons["record"].configure(
            text="Stop" if status.recording else "Record", style="Accent.TButton" if status.recording else "TButton"
        )
        buttons["log"].configure(text="End log" if status.logging else "Log")
        for name, button in buttons.items():
            there = status.state in ("live", "ended") or (status.state == "still" and name in ("snapshot", "log"))
            button.state(["!disabled" if there else "disabled"])
        if self.engine is not None:
            view.options.mirror.set(self.engine.painter.mirror if status.source else self.settings.mirror)
        self._show_page(status)

    def _show_page(self, status: "Status") -> None:
        view = self.view
        back = ("Choose another source", lambda: self.do("close_source"))
        if status.state == "idle":
            view.picture.clear()
            view.page(view.start_page(self.cameras.found, self.cameras.looking))
        elif status.state == "failed":
            retry = ("Try again", lambda: self.open(status.source))
            view.page(view.message_page("That did not work", status.message, [retry, back]))
        elif status.state == "opening":
            view.picture.clear()
            view.page(view.message_page("Opening ...", Path(status.source).name or status.source, [back]))
        else:
            view.page(None)
        self._name_source(status)

    def _name_source(self, status: "Status") -> None:
        from emojimation.apps.desktop.sources import title_of

        name = title_of(status.source) if status.source else "Source"
        self.view.source.configure(text=name if len(name) < 18 else name[:16] + "...")
        self.root.title(f"{name} - Emojimation" if status.source else "Emojimation")
