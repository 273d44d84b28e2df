"""The pages, imported when somebody opens them: altair and WebRTC take over a second, which the first page need not
wait for.
"""

import threading

_LOADING = threading.Lock()  # packages that import themselves in circles break when two sessions import them at once


def photo() -> None:
    """Pictures."""
    with _LOADING:
        from emojimation.apps.web import photo
    photo.show()


def live() -> None:
    """The camera's picture."""
    with _LOADING:
        from emojimation.apps.web import live
    live.show()


def video() -> None:
    """Films."""
    with _LOADING:
        from emojimation.apps.web import video
    video.show()


def model() -> None:
    """The model's card."""
    with _LOADING:
        from emojimation.apps.web import model
    model.show()
