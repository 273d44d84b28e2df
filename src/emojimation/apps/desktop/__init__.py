"""The desktop window (Tk), by what you are looking for.

window          start, end, what is fetched from the engine and put up; `open_window`
view            the layout: tool bar, pages, status line, what is said of the engine's state
settings_tab    the tab with model, size, threshold, smoothing ...
menus, dialogs  menu bar, source picker, keys; about, help, address
actions         every action's words and keys        commands    what each action does
widgets         picture, slider, tooltip, toast, fonts and scale

engine          all work: opens sources, runs the live loop in threads (from here on nothing knows Tk)
status          what the engine tells the window
sources         cameras, files, addresses, samples that can be picked      opening    opens one
painter         draws a frame's view      panel    avatar and bars      history    the last half minute
main_face       which face is shown large, clicks, mirror
recording       snapshots, films, tables
settings        what is remembered, where files go
"""
