"""The documentation as a site: builds without a warning, requests nothing from other hosts, has no broken link."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from conftest import ROOT

pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")

# Attributes that a browser fetches by itself; a link that a person may follow is none.
FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("img", "srcset")}


class Page(HTMLParser):
    """fetched: addresses that a browser requests. links: those that a person can follow. ids: places to link to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.fetched, self.links, self.ids = [], [], set()
        self.diagrams = False
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in FETCHED:
                self.fetched.append(value or "")
            elif (tag, name) == ("a", "href"):
                self.links.append(value or "")
            elif name == "id":
                self.ids.add(value)
            elif name == "class" and "mermaid" in (value or ""):  # the theme would fetch a library to draw it
                self.diagrams = True


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[Path, Page]:
    site = tmp_path_factory.mktemp("site")
    asked = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(asked, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def broken(pages: dict[Path, Page]) -> Iterator[tuple[str, str]]:
    """Links without a target: the page's name and the link."""
    for path, page in pages.items():
        for link in page.links + page.fetched:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = target.is_file() and (not parts.fragment or target not in pages or fragment(pages[target], parts))
            if not known:
                yield path.name, link


def fragment(page: Page, parts) -> bool:
    return unquote(parts.fragment) in page.ids or parts.fragment.startswith("__")  # the theme's own switches


@pytest.mark.slow
def test_the_site_builds_and_asks_no_other_host_for_anything(pages):
    assert len(pages) >= 20
    foreign = {(path.name, link) for path, page in pages.items() for link in page.fetched if "//" in link}
    assert not foreign and not [path.name for path, page in pages.items() if page.diagrams]
    site = next(iter(pages)).parent
    styles = {path.name for path in site.rglob("*.css") if re.search(r"url\(.?(https?:)?//", path.read_text("utf-8"))}
    assert not styles
    assert list(broken(pages)) == []
    text = "".join(path.read_text("utf-8") for path in pages)
    assert "<!-- table:" not in text, "a table that scripts/docs_tables.py does not fill"
    for told in ("emojimation video", "71.6%", "Not sure below", "analyze"):
        assert told in text
