"""The web pages run by Streamlit's AppTest with the tiny model."""

from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the web extra is not installed: pip install -r requirements/web.txt")
from streamlit.testing.v1 import AppTest

from emojimation.apps.web import jobs, pictures
from emojimation.apps.web.settings import KEY, PageSettings, hand_over

SAMPLES = Path(__file__).parent.parent / "src" / "emojimation" / "assets" / "samples"


def use(monkeypatch, model: Path, **changes) -> None:
    """Let the pages of this test load `model`, with other settings if given."""
    monkeypatch.setenv(KEY, "{}")
    hand_over(PageSettings(model=str(model), **changes))
    pictures.pipeline.clear()
    jobs._jobs.cache_clear()


def page(name: str) -> AppTest:
    """One page, run for the first time."""
    test = AppTest.from_string(f"from emojimation.apps.web import {name}\n{name}.show()", default_timeout=30).run()
    assert not test.exception
    return test


def html(test: AppTest) -> str:
    """All the page's HTML."""
    return "\n".join(element.proto.body for element in test.html)


def upload(test: AppTest, *files: tuple[str, bytes], key: str = "files") -> AppTest:
    """Put files into an uploader and run."""
    triples = [(name, content, "application/octet-stream") for name, content in files]
    uploader = test.file_uploader(key=key)
    uploader.set_value(triples if uploader.accept_multiple_files else triples[0])
    test.run()
    assert not test.exception
    return test


def sample(name: str) -> tuple[str, bytes]:
    """A sample as an upload."""
    return f"{name}.jpg", (SAMPLES / f"{name}.jpg").read_bytes()
