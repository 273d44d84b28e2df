"""The window's layout: tool bar, picture with its pages, the face and settings tabs, history, status line."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from typing import Any

from emojimation.apps.desktop.actions import ACTIONS, CONSENT, STYLE_NAMES, tip
from emojimation.apps.desktop.options import Options
from emojimation.apps.desktop.settings import STYLES, Settings
from emojimation.apps.desktop.widgets import PictureBox, Tip, Toast

PANEL_W, LEAST_PANEL_W, STRIP_H = 330, 248, 84
NARROW, TINY = 980, 760  # window widths in which less fits into the tool bar
BUTTONS = ("pause", "snapshot", "record", "log", "calibrate")
Do = Callable[[str], None]
Change = Callable[..., None]


class View:
    """All widgets. do: carries out an action by name. change: takes settings by keyword. opened: opens a source by name."""

    def __init__(
        self, root: tk.Tk, settings: Settings, scale: float, do: Do, change: Change, opened: Callable[[str], None]
    ) -> None:
        self.root, self.scale, self._do, self._change, self._opened = root, scale, do, change, opened
        self.on_room: Callable[[], None] = lambda: None
        root.columnconfigure(0, weight=1)
        root.rowconfigure(1, weight=1)
        self.bar = self._tool_bar(settings)
        self.picture = PictureBox(root, lambda: self.on_room())
        self.picture.grid(row=1, column=0, sticky="nsew", padx=(12, 6))
        self.strip = PictureBox(root, lambda: self.on_room())
        self.strip.configure(height=self.px(STRIP_H))
        self.strip.grid(row=2, column=0, sticky="ew", padx=(12, 6), pady=(8, 0))
        self.tabs = self._tabs(settings)
        self.status = self._status_line()
        self.toast = Toast(self.picture)
        self._page: ttk.Frame | None = None
        self.bar.bind("<Configure>", lambda event: self._fit_bar(event.width))

    def px(self, pixels: float) -> int:
        """Pixels of this screen."""
        return round(pixels * self.scale)

    def _tool_bar(self, settings: Settings) -> ttk.Frame:
        bar = ttk.Frame(self.root, padding=(12, 10))
        bar.grid(row=0, column=0, columnspan=2, sticky="ew")
        self.source = ttk.Menubutton(bar, text="Source", width=16)
        self.source.menu = tk.Menu(self.source, tearoff=False)  # type: ignore[attr-defined]
        self.source.configure(menu=self.source.menu)  # type: ignore[attr-defined]
        self.source.pack(side="left")
        Tip(self.source, "Camera, file, address or sample.")
        self.style = ttk.Combobox(bar, values=[STYLE_NAMES[s] for s in STYLES], state="readonly", width=9)
        self.style.set(STYLE_NAMES[settings.drawn_style])
        self.style.bind("<<ComboboxSelected>>", self._styled)
        self.style.pack(side="left", padx=(8, 12))
        Tip(self.style, "How faces are drawn. (1-6)")
        self.buttons: dict[str, ttk.Button] = {}
        for name in BUTTONS:
            button = ttk.Button(bar, text=ACTIONS[name].label.split(" ")[0], command=partial(self._do, name))
            button.pack(side="left", padx=(0, 6))
            Tip(button, tip(name))
            self.buttons[name] = button
        self.theme = ttk.Button(
            bar, text="Light" if settings.theme == "dark" else "Dark", width=5, command=lambda: self._do("theme")
        )
        self.theme.pack(side="right")
        Tip(self.theme, tip("theme"))
        self.hide = tk.BooleanVar(self.root, settings.anonymise)
        self.hide_switch = ttk.Checkbutton(
            bar, text="Hide faces", style="Switch.TCheckbutton", variable=self.hide, command=lambda: self._do("hide")
        )
        self.hide_switch.pack(side="right", padx=(6, 12))
        Tip(self.hide_switch, tip("anonymise"))
        return bar

    def _fit_bar(self, width: int) -> None:
        """Leave out what does not fit; the menu has it all."""
        tiny = width <= self.px(TINY)
        shown = BUTTONS if width > self.px(NARROW) else BUTTONS[:2] if tiny else BUTTONS[:3]
        for name, button in self.buttons.items():
            if name in shown and not button.winfo_manager():
                button.pack(side="left", padx=(0, 6))
            elif name not in shown:
                button.pack_forget()
        self.source.configure(width=11 if tiny else 16)
        self.panel.configure(width=min(self.px(PANEL_W), max(self.px(LEAST_PANEL_W), round(width * 0.3))))
        if tiny:
            self.theme.pack_forget()
            self.folder.pack_forget()
        elif not self.theme.winfo_manager():
            self.theme.pack(side="right", before=self.hide_switch)
            self.folder.pack(side="right", padx=(0, 8))

    def _styled(self, _: object) -> None:
        self._change(style=STYLES[self.style.current()])
        self.picture.focus_set()

    def _tabs(self, settings: Settings) -> ttk.Notebook:
        tabs = ttk.Notebook(self.root)
        tabs.grid(row=1, column=1, rowspan=2, sticky="ns", padx=(6, 12))
        self.panel = PictureBox(tabs, lambda: self.on_room())
        self.panel.configure(width=self.px(PANEL_W))
        tabs.add(self.panel, text="Face", padding=self.px(6))
        self.options = Options(tabs, settings, self._change, self._do, self.px)
        tabs.add(self.options, text="Settings")
        tabs.enable_traversal()
        return tabs

    def _status_line(self) -> ttk.Frame:
        line = ttk.Frame(self.root, padding=(12, 6))
        line.grid(row=3, column=0, columnspan=2, sticky="ew")
        self.facts = ttk.Label(line, text="")
        self.facts.pack(side="left")
        button = ttk.Button(line, text="Open folder", command=lambda: self._do("folder"))
        button.pack(side="right")
        Tip(button, tip("folder"))
        self.folder = ttk.Label(line, text="")
        self.folder.pack(side="right", padx=(0, 8))
        return line

    def only_picture(self, only: bool) -> None:
        """Full screen: without tool bar and status line."""
        for part in (self.bar, self.status):
            part.grid_remove() if only else part.grid()

    # --- pages over the picture ---

    def page(self, build: Callable[[ttk.Frame], Any] | None) -> None:
        """Show a page in the picture's middle, or none."""
        if self._page is not None:
            self._page.destroy()
            self._page = None
        if build is not None:
            self._page = ttk.Frame(self.picture, style="Card.TFrame", padding=self.px(20))
            build(self._page)
            self._page.place(relx=0.5, rely=0.5, anchor="center")

    def start_page(self, cameras: list[tuple[str, str]], searching: bool) -> Callable[[ttk.Frame], None]:
        """The first page: what can be opened. cameras: (name, source)."""

        def build(frame: ttk.Frame) -> None:
            wide = self.px(400)
            ttk.Label(frame, text="What shall we look at?", font="SunValleyTitleFont").pack(pady=(0, self.px(12)))
            for number, (name, source) in enumerate(cameras[:4]):
                style = "TButton" if number else "Accent.TButton"
                self._wide_button(frame, name, partial(self._opened, source), style)
            if not cameras:
                text = "Looking for cameras ..." if searching else "No camera was found on this computer."
                ttk.Label(frame, text=text).pack(pady=self.px(4))
                if not searching:
                    self._wide_button(frame, "Look again", lambda: self._do("cameras"))
            likely = "TButton" if cameras else "Accent.TButton"
            self._wide_button(frame, "Open a photo or a film ...", lambda: self._do("open"), likely)
            self._wide_button(frame, "Sample film", lambda: self._opened("sample"))
            ttk.Label(frame, text=CONSENT.partition(". An ")[0] + ".", wraplength=wide, justify="center").pack(
                pady=(self.px(12), 0)
            )

        return build

    def message_page(
        self, title: str, text: str, buttons: list[tuple[str, Callable[[], None]]]
    ) -> Callable[[ttk.Frame], None]:
        """A page with a message and what can be done; the first button is the likely one."""

        def build(frame: ttk.Frame) -> None:
            ttk.Label(frame, text=title, font="SunValleySubtitleFont").pack(pady=(0, self.px(8)))
            ttk.Label(frame, text=text, wraplength=self.px(380), justify="center").pack(pady=(0, self.px(12)))
            for number, (label, command) in enumerate(buttons):
                self._wide_button(frame, label, command, "TButton" if number else "Accent.TButton")

        return build

    def _wide_button(self, frame: ttk.Frame, text: str, command: Callable[[], None], style: str = "TButton") -> None:
        ttk.Button(frame, text=text, command=command, style=style, width=34).pack(pady=self.px(3))
