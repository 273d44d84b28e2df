"""The window's layout: toolbar, image with its pages, tabs, history and status line."""

import time
import tkinter as tk
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from typing import TYPE_CHECKING

from emojimation.apps.desktop.actions import ACTIONS, CONSENT, STYLE_NAMES, tip
from emojimation.apps.desktop.settings import WindowSettings
from emojimation.apps.desktop.settings_tab import SettingsTab
from emojimation.apps.desktop.sources import Cameras, title_of
from emojimation.apps.desktop.status import Status
from emojimation.apps.desktop.widgets import PictureBox, Tip, Toast

if TYPE_CHECKING:
    from emojimation.apps.desktop.painter import Shown

PANEL_W, LEAST_PANEL_W, STRIP_H, SEEK_H = 330, 200, 84, 26
NARROW, TINY = 980, 760  # window widths at which less fits into the toolbar
SHORT = 600  # window height below which the history gives its place to the image
BUTTONS = ("pause", "snapshot", "record", "log", "calibrate")
ALARM = {"dark": "#ff7b72", "light": "#c4251b"}
Do = Callable[[str], None]
Change = Callable[..., None]
Page = Callable[[ttk.Frame], None]


class View:
    """All widgets. do: performs an action by name. change: takes settings by keyword. open_source: opens by name."""

    def __init__(
        self,
        root: tk.Tk,
        settings: WindowSettings,
        scale: float,
        do: Do,
        change: Change,
        open_source: Do,
        on_room: Callable[[], None],
    ) -> None:
        self.root, self.scale, self._do, self._change, self._open = root, scale, do, change, open_source
        self._on_room = on_room
        self._still = False
        self._page: ttk.Frame | None = None
        self._wrapped: ttk.Label | None = None  # the page's text
        root.columnconfigure(0, weight=1)
        root.rowconfigure(1, weight=1)
        self.bar = self._tool_bar(settings)
        self.picture = PictureBox(root, self._picture_sized)
        self.picture.grid(row=1, column=0, sticky="nsew", padx=(12, 6))
        self.seek = PictureBox(root, on_room)
        self.seek.configure(height=self.px(SEEK_H), cursor="hand2")
        self.seek.grid(row=2, column=0, sticky="ew", padx=(12, 6), pady=(6, 0))
        Tip(self.seek, "Drag to another time; the main face's emotion is coloured as far as it has been analysed.")
        self.strip = PictureBox(root, on_room)
        self.strip.configure(height=self.px(STRIP_H))
        self.strip.grid(row=3, column=0, sticky="ew", padx=(12, 6), pady=(8, 0))
        Tip(self.strip, "The main face over the last 30 seconds, in the colours of the bars.")
        self.tabs = self._tabs(settings)
        self.status = self._status_line()
        self.toast = Toast(self.picture)
        self.bar.bind("<Configure>", lambda event: self._fit_bar(event.width))
        root.bind("<Configure>", lambda event: self._fit_strip() if event.widget is root else None, add="+")

    def px(self, pixels: float) -> int:
        """Pixels of this screen."""
        return round(pixels * self.scale)

    # --- layout ---

    def _tool_bar(self, settings: WindowSettings) -> ttk.Frame:
        bar = ttk.Frame(self.root, padding=(12, 10))
        bar.grid(row=0, column=0, columnspan=2, sticky="ew")
        self.source = ttk.Menubutton(bar, text="Source", width=16)
        self.source_menu = tk.Menu(self.source, tearoff=False)
        self.source.configure(menu=self.source_menu)
        self.source.pack(side="left")
        Tip(self.source, "Camera, file, address or sample.")
        self.style = ttk.Combobox(bar, values=list(STYLE_NAMES.values()), state="readonly", width=9)
        self.style.set(STYLE_NAMES[settings.drawn_style])
        self.style.bind("<<ComboboxSelected>>", self._styled)
        self.style.pack(side="left", padx=(8, 12))
        Tip(self.style, "How faces are drawn. (1-7)")
        self.buttons: dict[str, ttk.Button] = {}
        for name in BUTTONS:
            button = ttk.Button(bar, text=ACTIONS[name].label.split(" ")[0], command=partial(self._do, name))
            button.pack(side="left", padx=(0, 6))
            Tip(button, tip(name))
            self.buttons[name] = button
        self.theme = ttk.Button(bar, width=5, command=lambda: self._do("theme"))
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
        """Hide what does not fit; the menu has everything."""
        tiny = width <= self.px(TINY)
        shown = BUTTONS if width > self.px(NARROW) else BUTTONS[:2] if tiny else BUTTONS[:3]
        for name, button in self.buttons.items():
            if name in shown and not button.winfo_manager():
                button.pack(side="left", padx=(0, 6))
            elif name not in shown:
                button.pack_forget()
        self.source.configure(width=9 if tiny else 16)
        self.panel.configure(width=min(self.px(PANEL_W), max(self.px(LEAST_PANEL_W), round(width * 0.27))))
        if tiny:
            self.theme.pack_forget()
            self.folder.pack_forget()
        elif not self.theme.winfo_manager():
            self.theme.pack(side="right", before=self.hide_switch)
            self.folder.pack(side="right", padx=(0, 8), before=self.facts)

    def _fit_strip(self) -> None:
        """A photo has no history; a short window has no room for it."""
        short = self.root.winfo_height() < self.px(SHORT)
        self.strip.grid_remove() if self._still or short else self.strip.grid()

    def _styled(self, _: object) -> None:
        self._change(style=list(STYLE_NAMES)[self.style.current()])
        self.picture.focus_set()

    def _tabs(self, settings: WindowSettings) -> ttk.Notebook:
        tabs = ttk.Notebook(self.root)
        tabs.grid(row=1, column=1, rowspan=3, sticky="ns", padx=(6, 12))
        face = ttk.Frame(tabs, padding=self.px(6))
        self.panel = PictureBox(face, self._on_room)
        self.panel.configure(width=self.px(PANEL_W))
        self.panel.pack(fill="both", expand=True)
        tabs.add(face, text="Face")
        self.settings = SettingsTab(tabs, settings, self._change, self._do, self.px)
        tabs.add(self.settings, text="Settings")
        tabs.enable_traversal()
        return tabs

    def _status_line(self) -> ttk.Frame:
        line = ttk.Frame(self.root, padding=(12, 6))
        line.grid(row=4, column=0, columnspan=2, sticky="ew")
        button = ttk.Button(line, text="Open folder", command=lambda: self._do("folder"))
        button.pack(side="right")
        Tip(button, tip("folder"))
        self.folder = ttk.Label(line, text="")
        self.folder.pack(side="right", padx=(0, 8))
        self.writing = ttk.Label(line, text="")
        self.facts = ttk.Label(line, text="")
        self.facts.pack(side="left")
        return line

    def only_picture(self, only: bool) -> None:
        """Full screen: without toolbar and status line."""
        for part in (self.bar, self.status):
            part.grid_remove() if only else part.grid()

    # --- what it says ---

    def put(self, shown: "Shown", before: "Shown | None") -> None:
        """Display the images that are new; before: what was displayed last."""
        if shown.view is None:
            self.picture.clear()
        elif before is None or before.view is not shown.view:
            self.picture.put(shown.view.data)
        if self.panel.winfo_viewable():
            self.panel.put(shown.panel.data)
        if before is None or before.strip is not shown.strip:
            self.strip.put(shown.strip.data)
        if shown.seek is not None and (before is None or before.seek is not shown.seek):
            self.seek.put(shown.seek.data)

    def tell_facts(self, shown: "Shown", status: Status) -> None:
        """The status line: size, faces, speed, and what is being recorded."""
        writing = []
        if status.recording_s is not None:
            seconds = int(time.monotonic() - status.recording_s)
            writing.append(f"● Recording {seconds // 60}:{seconds % 60:02d}")
        if status.logging:
            writing.append("● Logging")
        self.writing.configure(text="   ".join(writing))
        if writing and not self.writing.winfo_manager():
            self.writing.pack(side="left", padx=(0, self.px(16)), before=self.facts)
        elif not writing:
            self.writing.pack_forget()
        self.facts.configure(text=facts(shown, status))

    def show_theme(self, theme: str) -> None:
        """What depends on light or dark apart from the theme itself."""
        self.theme.configure(text="Light" if theme == "dark" else "Dark")
        self.writing.configure(foreground=ALARM[theme])

    def show_status(self, status: Status, cameras: Cameras) -> None:
        """Buttons, names and pages for another state."""
        self.buttons["pause"].configure(text="Resume" if status.paused or status.state == "ended" else "Pause")
        recording = status.recording_s is not None
        self.buttons["record"].configure(
            text="Stop" if recording else "Record", style="Accent.TButton" if recording else "TButton"
        )
        self.buttons["log"].configure(text="End log" if status.logging else "Log")
        for name, button in self.buttons.items():
            button.state(["!disabled" if usable(name, status.state) else "disabled"])
        self._still = status.state == "still"
        can_seek = bool(status.length_s) and status.state in ("opening", "live", "ended")
        self.seek.grid() if can_seek else self.seek.grid_remove()
        self._fit_strip()
        self._show_page(status, cameras)
        name = title_of(status.source, cameras.found) if status.source else "Source"
        self.source.configure(text=name if len(name) < 18 else name[:16] + "...")
        self.root.title(f"{name} - Emojimation" if status.source else "Emojimation")

    def _show_page(self, status: Status, cameras: Cameras) -> None:
        back = ("Choose another source", lambda: self._do("close_source"))
        if status.state == "idle":
            self._put_page(self._start_page(cameras))
        elif status.state == "failed":
            retry = ("Try again", lambda: self._open(status.source))
            self._put_page(self._message_page("Something went wrong", status.message, [retry, back]))
        elif status.state == "opening":
            name = title_of(status.source, cameras.found)
            self._put_page(self._message_page("Opening ...", name, [back]))
        else:
            self._put_page(None)

    # --- pages over the image ---

    def _put_page(self, build: Page | None) -> None:
        """Show a page centred over the image, or none."""
        if self._page is not None:
            self._page.destroy()
            self._page = self._wrapped = None
        if build is not None:
            self._page = ttk.Frame(self.picture, style="Card.TFrame", padding=self.px(24))
            build(self._page)
            self._page.place(relx=0.5, rely=0.5, anchor="center")

    def _start_page(self, cameras: Cameras) -> Page:
        """The first page: what can be opened."""

        def build(frame: ttk.Frame) -> None:
            ttk.Label(frame, text="What would you like to open?", font="SunValleyTitleFont").pack(pady=(0, self.px(12)))
            for number, choice in enumerate(cameras.found[:4]):
                self._wide_button(frame, choice.name, partial(self._open, choice.source), likely=not number)
            if not cameras.found:
                text = "Searching for cameras ..." if cameras.looking else "No camera was found on this computer."
                ttk.Label(frame, text=text).pack(pady=self.px(4))
                if not cameras.looking:
                    self._wide_button(frame, "Look again", lambda: self._do("cameras"))
            likely = not cameras.found
            self._wide_button(frame, "Open a photo or video ...", lambda: self._do("open"), likely)
            self._wide_button(frame, "Sample video", lambda: self._open("sample"))
            notice = CONSENT.partition(". An ")[0] + "."
            self._text(frame, notice).pack(pady=(self.px(12), 0))

        return build

    def _message_page(self, title: str, text: str, buttons: list[tuple[str, Callable[[], None]]]) -> Page:
        """A page with a message and possible actions; the first button is the default."""

        def build(frame: ttk.Frame) -> None:
            ttk.Label(frame, text=title, font="SunValleySubtitleFont").pack(pady=(0, self.px(8)))
            self._text(frame, text).pack(pady=(0, self.px(12)))
            for number, (label, command) in enumerate(buttons):
                self._wide_button(frame, label, command, likely=not number)

        return build

    def _text(self, frame: ttk.Frame, text: str) -> ttk.Label:
        self._wrapped = ttk.Label(frame, text=text, wraplength=self._page_width(), justify="center")
        return self._wrapped

    def _picture_sized(self) -> None:
        if self._wrapped is not None:
            self._wrapped.configure(wraplength=self._page_width())
        self._on_room()

    def _page_width(self) -> int:
        """Text width of a page, which must also fit into a narrow image."""
        return max(min(self.px(400), self.picture.winfo_width() - self.px(56)), self.px(220))

    def _wide_button(self, frame: ttk.Frame, text: str, command: Callable[[], None], likely: bool = False) -> None:
        style = "Accent.TButton" if likely else "TButton"
        ttk.Button(frame, text=text, command=command, style=style, width=26).pack(pady=self.px(3), fill="x")


def usable(name: str, state: str) -> bool:
    """Whether a button of `BUTTONS` is usable in this state."""
    if state == "ended":
        return name in ("pause", "snapshot")
    return state == "live" or (state == "still" and name in ("snapshot", "log"))


def facts(shown: "Shown", status: Status) -> str:
    """The figures in the status line."""
    if status.state not in ("live", "still", "ended") or shown.frame_wh is None:
        return "No source" if status.state in ("idle", "failed") else ""
    parts = [f"{shown.frame_wh[0]} x {shown.frame_wh[1]}", f"{shown.faces} {'face' if shown.faces == 1 else 'faces'}"]
    if status.paused or status.state == "ended":
        parts.append("paused" if status.paused else "ended: Space restarts")
    elif status.state == "live":
        parts += [f"{shown.fps:.0f} frames/s", f"{shown.latency_ms:.0f} ms latency"]
    return "   ·   ".join(parts)
