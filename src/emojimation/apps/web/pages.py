"""The pages, imported when somebody opens them: altair and WebRTC take over a second, which the first page need not
wait for.
"""

import threading

_LOADING = threading.Lock()  # packages with circular imports break when two sessions import them at the same time


def photo() -> None:
    """Pictures."""
    with _LOADING:
        from emojimation.apps.web import photo
    photo.show()


def live() -> None:
    """The live camera."""
    with _LOADING:
        from emojimation.apps.web import live
    live.show()


def video() -> None:
    """Videos."""
    with _LOADING:
        from emojimation.apps.web import video
    video.show()


def model() -> None:
    """The model's card."""
    with _LOADING:
        from emojimation.apps.web import model
    model.show()


# Path -> title, icon, page; the first one is also the root.
PAGES = {
    "photo": ("Photo", ":material/photo_camera:", photo),
    "live": ("Live", ":material/videocam:", live),
    "video": ("Video", ":material/movie:", video),
    "model": ("Model", ":material/monitoring:", model),
}
