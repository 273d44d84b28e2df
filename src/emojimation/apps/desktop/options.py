"""The tab with settings: each takes effect while it is changed."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk

from emojimation import weights
from emojimation.apps.desktop.actions import tip
from emojimation.apps.desktop.settings import ARTS, LIMITS, SIZES, Settings
from emojimation.apps.desktop.widgets import Tip

SETTLE_MS = 250  # a slider is taken when it has rested for so long
OTHER = "Other file ..."
TIPS = {
    "model": "The net that names emotions.",
    "size": "Asked of a camera; films and streams are reduced to it. Larger finds smaller faces and takes longer.",
    "art": "How the emoji look.",
    "min_score": "Lower finds more faces and more that are none.",
    "smooth_s": "Longer is calmer, shorter follows quicker.",
    "several": "Draw all faces, or only the main one.",
}


def models() -> list[str]:
    """Names of the bundled emotion models, the usual ones first."""
    known = [name for name in weights.manifest() if name != "face_detector"]
    return [name for name in ("default", "seed", "max") if name in known] + sorted(
        set(known) - {"default", "seed", "max"}
    )


class Options(ttk.Frame):
    """change: takes settings by keyword. do: an action by name. px: pixels of this screen."""

    def __init__(
        self, parent: tk.Misc, settings: Settings, change: Callable[..., None], do: Callable[[str], None],
        px: Callable[[float], int],
    ) -> None:  # fmt: skip
        super().__init__(parent, padding=px(12))
        self._change, self._do, self._px, self._timers = change, do, px, dict[str, str]()
        self.columnconfigure(0, weight=1)
        self.columnconfigure(1, weight=1)
        self._row = 0
        self.model = self._choice("model", "Model", [*models(), OTHER], settings.model)
        self._choice("size", "Picture size", list(SIZES), settings.size)
        self._choice("art", "Emoji", list(ARTS), settings.art)
        self._slider("min_score", "Detector's threshold", settings.min_score, "{:.2f}")
        self._slider("smooth_s", "Smoothing", settings.smooth_s, "{:.1f} s")
        self.several = tk.BooleanVar(self, settings.several)
        self._switch("Several faces", self.several, lambda: change(several=self.several.get()), TIPS["several"])
        self.mirror = tk.BooleanVar(self, settings.mirror)
        self._switch("Mirror", self.mirror, lambda: do("mirrored"), tip("mirror"))
        self._line("Files go to")
        self.folder = ttk.Label(self, wraplength=px(280))
        self.folder.grid(row=self._row, column=0, columnspan=2, sticky="w")
        button = ttk.Button(self, text="Choose folder ...", command=lambda: do("choose_folder"))
        button.grid(row=self._row + 1, column=0, columnspan=2, sticky="ew", pady=(px(6), 0))
        Tip(button, tip("choose_folder"))

    def _line(self, text: str) -> None:
        pad = (self._px(10), self._px(2))
        ttk.Label(self, text=text).grid(row=self._row, column=0, columnspan=2, sticky="w", pady=pad)
        self._row += 1

    def _choice(self, name: str, label: str, values: list[str], now: str) -> ttk.Combobox:
        ttk.Label(self, text=label).grid(row=self._row, column=0, sticky="w", pady=self._px(4))
        box = ttk.Combobox(self, values=values, state="readonly", width=13)
        box.set(now)
        box.bind("<<ComboboxSelected>>", lambda _: self._chosen(name, box.get()))
        box.grid(row=self._row, column=1, sticky="ew", pady=self._px(4))
        Tip(box, TIPS[name])
        self._row += 1
        return box

    def _chosen(self, name: str, value: str) -> None:
        self._do("choose_model") if value == OTHER else self._change(**{name: value})
        self.focus_set()

    def _slider(self, name: str, label: str, now: float, form: str) -> None:
        low, high = LIMITS[name]
        self._line(label)
        told = ttk.Label(self, text=form.format(now))
        told.grid(row=self._row - 1, column=1, sticky="e", pady=(self._px(10), self._px(2)))
        variable = tk.DoubleVar(self, now)

        def moved(_: object) -> None:
            value = round(variable.get(), 2)
            told.configure(text=form.format(value))
            if name in self._timers:
                self.after_cancel(self._timers[name])
            self._timers[name] = self.after(SETTLE_MS, lambda: self._change(**{name: value}))

        slider = ttk.Scale(self, from_=low, to=high, variable=variable, command=moved)
        slider.grid(row=self._row, column=0, columnspan=2, sticky="ew")
        Tip(slider, TIPS[name])
        self._row += 1

    def _switch(self, label: str, variable: tk.BooleanVar, command: Callable[[], None], text: str) -> None:
        switch = ttk.Checkbutton(self, text=label, style="Switch.TCheckbutton", variable=variable, command=command)
        switch.grid(row=self._row, column=0, columnspan=2, sticky="w", pady=(self._px(8), 0))
        Tip(switch, text)
        self._row += 1
