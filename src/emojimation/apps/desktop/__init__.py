"""The desktop window (Tk): where to find what.

window          start and end, display of what the engine produces; `open_window`
view            the layout: toolbar, pages, status line, messages about the engine's state
settings_tab    the tab with model, size, threshold, smoothing ...
menus, dialogs  menu bar, source picker, keys; about, help, address
actions         labels and keys of all actions       commands    what each action does
widgets         image, slider, tooltip, toast, fonts and scale

engine          all work: opens sources, runs the live loop in threads (from here on nothing uses Tk)
status          what the engine reports to the window
seeking         moving within a video    timeline    its emotions so far, the seek bar
sources         cameras, files, addresses, samples to choose from      opening    opens one
painter         draws a frame's view      panel    avatar and bars      history    the last 30 seconds
main_face       which face is the main one, clicks, mirror
recording       snapshots, recordings, tables
settings        what is remembered, where files go
"""
