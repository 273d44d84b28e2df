"""The tab with settings: each takes effect immediately."""

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import ttk

from emojimation import weights
from emojimation.apps.desktop.actions import tip
from emojimation.apps.desktop.settings import ARTS, LIMITS, PRIORS, SIZES, WindowSettings
from emojimation.apps.desktop.widgets import Scrolled, Slider, Tip
from emojimation.draw.characters import character
from emojimation.draw.characters import names as character_names
from emojimation.languages import LANGUAGES

OTHER = "Other file ..."
STEPS = {"min_score": 0.05, "smooth_s": 0.1}
TIPS = {
    "model": "The network that predicts emotions.",
    "prior": "How common each emotion is. Everyday: 40 % of all faces are neutral. Learned: as seen so far.",
    "size": "Requested from a camera; videos are downscaled to it. Larger finds smaller faces but takes longer.",
    "art": "Emoji set.",
    "character": "Who the avatar and the puppet are.",
    "language": "Of the emotions in this window. English where no font here has the letters.",
    "min_score": "Lower finds more faces, and more false ones.",
    "smooth_s": "Longer is steadier, shorter responds faster.",
    "several": "Draw all faces, or only the main one.",
}


class SettingsTab(Scrolled):
    """change: takes settings by keyword. do: an action by name. px: pixels of this screen."""

    def __init__(
        self,
        parent: tk.Misc,
        settings: WindowSettings,
        change: Callable[..., None],
        do: Callable[[str], None],
        px: Callable[[float], int],
    ) -> None:
        super().__init__(parent, px(12))
        self._change, self._do, self._px, self._row = change, do, px, 0
        self.inner.columnconfigure(1, weight=1)
        self.model = self._choice(
            "model", "Model", {name: name for name in [*weights.emotion_models(), OTHER]}, settings.model
        )
        self.show_model(settings.model)
        self.prior = self._choice("prior", "Base rates", PRIORS, settings.prior)
        sizes = {size: size.replace("x", " x ") for size in SIZES}
        self.resolution = self._choice("size", "Image size", sizes, settings.size)
        self.art = self._choice("art", "Emoji", ARTS, settings.art)
        who = {name: character(name).words for name in character_names()}
        self.character = self._choice("character", "Avatar", who, settings.character)
        tongues = {"system": "as the system", **LANGUAGES}
        self.language = self._choice("language", "Words", tongues, settings.language)
        self.threshold = self._slider("min_score", "Detector's threshold", settings.min_score, "{:.2f}")
        self.smoothing = self._slider("smooth_s", "Smoothing", settings.smooth_s, "{:.1f} s")
        self.several = tk.BooleanVar(self, settings.several)
        self._switch("Several faces", self.several, lambda: change(several=self.several.get()), TIPS["several"])
        self.mirror = tk.BooleanVar(self, settings.mirror)
        self._switch("Mirror", self.mirror, lambda: do("mirrored"), tip("mirror"))
        self._line("Output folder")
        self.folder = ttk.Label(self.inner, wraplength=px(250))
        self.folder.grid(row=self._row, column=0, columnspan=2, sticky="w")
        button = ttk.Button(self.inner, text="Choose folder ...", command=lambda: do("choose_folder"))
        button.grid(row=self._row + 1, column=0, columnspan=2, sticky="ew", pady=(px(6), 0))
        Tip(button, tip("choose_folder"))
        self.watch()

    def show_model(self, model: str) -> None:
        """Show the model in use: the user's own file by its name without folders."""
        self.model.set(Path(model).name)

    def _line(self, text: str) -> None:
        pad = (self._px(10), self._px(2))
        ttk.Label(self.inner, text=text).grid(row=self._row, column=0, columnspan=2, sticky="w", pady=pad)
        self._row += 1

    def _choice(self, name: str, label: str, values: dict[str, str], now: str) -> ttk.Combobox:
        """values: possible values -> their labels."""
        ttk.Label(self.inner, text=label).grid(row=self._row, column=0, sticky="w", pady=self._px(4))
        box = ttk.Combobox(self.inner, values=list(values.values()), state="readonly", width=11)
        box.set(values.get(now, now))
        box.bind("<<ComboboxSelected>>", lambda _: self._chosen(name, list(values)[box.current()], box))
        box.grid(row=self._row, column=1, sticky="ew", pady=self._px(4), padx=(self._px(8), 0))
        Tip(box, TIPS[name])
        self._row += 1
        return box

    def _chosen(self, name: str, value: str, box: ttk.Combobox) -> None:
        self._do("choose_model") if value == OTHER else self._change(**{name: value})
        box.selection_clear()

    def _slider(self, name: str, label: str, now: float, form: str) -> Slider:
        self._line(label)
        shown = ttk.Label(self.inner, text=form.format(now))
        shown.grid(row=self._row - 1, column=1, sticky="e", pady=(self._px(10), self._px(2)))

        def moved(value: float) -> None:
            shown.configure(text=form.format(value))

        slider = Slider(self.inner, LIMITS[name], now, STEPS[name], moved, lambda value: self._change(**{name: value}))
        slider.grid(row=self._row, column=0, columnspan=2, sticky="ew")
        Tip(slider, TIPS[name])
        self._row += 1
        return slider

    def _switch(self, label: str, variable: tk.BooleanVar, command: Callable[[], None], text: str) -> None:
        switch = ttk.Checkbutton(
            self.inner, text=label, style="Switch.TCheckbutton", variable=variable, command=command
        )
        switch.grid(row=self._row, column=0, columnspan=2, sticky="w", pady=(self._px(8), 0))
        Tip(switch, text)
        self._row += 1
