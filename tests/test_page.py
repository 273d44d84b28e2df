"""The page's folder: complete, small, of one mind with Python, and without a word about another host."""

import hashlib
import json
import re
import threading
import urllib.request

import numpy as np
import pytest

from conftest import FACELESS, ROOT
from emojimation.apps.page.build import BUILT, write_page
from emojimation.apps.page.server import server
from emojimation.draw.characters import character
from emojimation.draw.turn import Turn
from emojimation.errors import InputError
from emojimation.labels import EMOTIONS
from emojimation.media import read_image
from emojimation.pipeline import Pipeline
from emojimation.tracking.track import Tracker
from tiny import card, write_model

OURS = ("index.html", "example.html", "style.css", "manifest.webmanifest", "page.js", "emoji-mation.js", "offline.js")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    return out, write_page(out)


def test_every_file_that_a_file_names_is_there(folder):
    out, sizes = folder
    assert set(json.loads((out / "files.json").read_text())["files"]) == set(sizes) - {"files.json"}
    for name in ("index.html", "example.html", "style.css", "manifest.webmanifest"):
        text = (out / name).read_text("utf-8")
        named = re.findall(r'(?:src|href)="([^"#]+)"|url\(([^)]+)\)', text)
        for file in filter(None, (part for pair in named for part in pair)):
            assert (out / file).is_file(), f"{name} names {file}"
    for icon in json.loads((out / "manifest.webmanifest").read_text())["icons"]:
        side = int(icon["sizes"].split("x")[0])
        assert read_image(out / icon["src"]).frame.shape[:2] == (side, side)


def test_it_is_under_twelve_megabytes_and_names_no_other_host(folder):
    out, sizes = folder
    assert sum(sizes.values()) < 12e6 and sizes["index.html"] == (out / "index.html").stat().st_size
    for name in OURS:
        assert not re.search(r"https?://", (out / name).read_text("utf-8")), name


def test_its_numbers_are_those_of_python(folder):
    numbers = json.loads((folder[0] / "numbers.json").read_text())
    pipeline = Pipeline()
    assert numbers["classify"]["labels"] == list(EMOTIONS)
    assert numbers["classify"]["threshold"] == pipeline.threshold
    np.testing.assert_array_equal(numbers["priors"]["everyday"], pipeline.prior.shares)
    np.testing.assert_array_equal(numbers["classify"]["trained"], pipeline.classifier.trained_prior)
    assert numbers["tracking"]["smooth_s"] == Tracker().smooth_s
    assert [list(pose.values()) for pose in numbers["avatar"]["poses"]] == character("emoji").poses.tolist()
    assert numbers["avatar"]["colours"]["tongue"] == "#f4566f"
    skins = read_image(folder[0] / "skins.png").frame
    np.testing.assert_array_equal(skins[:, :96], character("emoji").skin.draw(np.eye(7)[0], Turn()))


def test_its_scripts_are_built_from_todays_sources():
    sources = b"".join(path.read_bytes() for path in sorted((ROOT / "web" / "src").iterdir()))
    built = json.loads(BUILT.read_text())["sources"]
    assert hashlib.sha256(sources).hexdigest() == built, "run `npm ci && npm run build` in web/"


def test_a_new_version_has_another_name_and_the_same_files_have_the_same(folder, tmp_path):
    def version(out):
        return json.loads((out / "numbers.json").read_text())["version"]

    write_page(tmp_path / "same")
    write_page(tmp_path / "lite", "lite")
    assert version(tmp_path / "same") == version(folder[0]) != version(tmp_path / "lite")


def test_a_model_of_other_classes_and_a_file_in_place_of_the_folder_are_told(tmp_path):
    other = write_model(tmp_path / "other.onnx", metadata=card(labels="cat,dog"), classes=2)
    with pytest.raises(
        InputError, match=r"^Expected a model of grey crops and the labels angry, .* got 1 channels and cat, dog"
    ):
        write_page(tmp_path / "out", other)
    with pytest.raises(InputError, match=r"^Expected a folder, got the file"):
        write_page(FACELESS / "brick.jpg")


def test_the_command_writes_the_folder_and_prints_its_sizes(command, tmp_path):
    code, out, err = command("page", tmp_path / "page")
    assert code == 0 and not err
    total = sum(path.stat().st_size for path in (tmp_path / "page").rglob("*") if path.is_file()) / 1e6
    assert "ort.wasm.gz" in out and f"{total:.2f} MB  altogether" in out


def test_its_own_server_isolates_the_page_and_a_taken_port_is_told(folder):
    with server(folder[0]) as files:
        thread = threading.Thread(target=files.serve_forever)
        thread.start()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{files.server_port}/ort.mjs") as answer:
                assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
                assert answer.headers["Content-Type"] == "text/javascript"
            with pytest.raises(InputError, match=r"^Expected a free port, got \d+ .* --port"):
                server(folder[0], files.server_port)
        finally:
            files.shutdown()
            thread.join()
