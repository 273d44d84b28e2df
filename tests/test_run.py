import inspect
import io
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import emojimation
from conftest import SAMPLES
from emojimation import InputError, analyze
from emojimation.media import read_image, write_image
from emojimation.photos import ImageResult, Options, looks_cropped, run_images
from emojimation.pipeline import make_pipeline

ROOT = Path(__file__).parent.parent
FAINT_BLUR_PX = 5.0


@pytest.fixture(scope="module")
def pipeline(model):
    return make_pipeline(model)


@pytest.fixture
def photo(tmp_path, astronaut):
    return write_image(tmp_path / "in" / "photo.png", astronaut)


def same(a, b):
    return [face.to_dict() for face in a] == [face.to_dict() for face in b]


def test_path_array_and_pillow_image_are_answered_alike(model, photo, astronaut):
    image = Image.fromarray(astronaut[..., ::-1])
    answers = [analyze(given, model=model) for given in (photo, str(photo), astronaut, image)]
    assert len(answers[0]) == 1 and answers[0][0].emotion == "happy"
    assert all(same(answers[0], other) for other in answers[1:])


def test_models_stay_loaded_between_calls(model, astronaut, monkeypatch):
    analyze(astronaut, model=model)
    monkeypatch.setattr("emojimation.pipeline.EmotionClassifier", lambda *_: pytest.fail("loaded again"))
    analyze(astronaut, model=model)


@pytest.mark.parametrize("options", [{}, {"detector": "haar"}])
def test_threads_may_share_analyze(model, options):
    frames = [read_image(path).frame[::2, ::2].copy() for path in sorted(SAMPLES.glob("*.jpg"))[:3]]
    alone = [analyze(frame, model=model, **options) for frame in frames]
    answers: dict[int, list] = {}

    def work(i):
        answers[i] = analyze(frames[i % len(frames)], model=model, **options)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 9 and all(same(answers[i], alone[i % len(frames)]) for i in answers)


def test_no_face_is_an_empty_list(model):
    assert analyze(np.full((480, 640, 3), 128, np.uint8), model=model) == []


def faint(astronaut):
    """A small square around a face, so dark and blurred that the detector sees it only faintly: (64,64,3) BGR uint8."""
    face = astronaut[64:182, 168:286]
    return cv2.GaussianBlur(cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA), (0, 0), FAINT_BLUR_PX)


def test_a_crop_that_comes_back_empty_comes_with_a_hint(model, astronaut):
    with pytest.warns(UserWarning, match="cropped=True"):
        assert analyze(faint(astronaut), model=model) == []


@pytest.mark.parametrize("value", [0, 128])
def test_an_empty_square_is_not_said_to_be_a_face_crop(model, value, recwarn):
    assert analyze(np.full((48, 48, 3), value, np.uint8), model=model) == [] and not recwarn.list


def test_bytes_files_and_other_channels_are_answered_as_the_file_is(model, photo, astronaut):
    data = photo.read_bytes()
    alpha = np.dstack([astronaut, np.full(astronaut.shape[:2], 255, np.uint8)])
    expected = analyze(photo, model=model)
    with photo.open("rb") as file:
        assert same(analyze(file, model=model), expected)
    for given in (data, bytearray(data), memoryview(data), io.BytesIO(data), alpha):
        assert same(analyze(given, model=model), expected)
    grey = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)
    assert same(analyze(grey, model=model), analyze(grey[..., None], model=model))
    assert same(analyze(grey, model=model), analyze(np.dstack([grey] * 3), model=model))
    clear = np.dstack([astronaut, np.zeros(astronaut.shape[:2], np.uint8)])
    assert analyze(clear, model=model) == [], "nothing but white is left of a transparent image"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"modle": "default"}, "did you mean 'model'"),
        ({"min_scor": 0.5}, "did you mean 'min_score'"),
        ({"model": ["default"]}, "one value for model, got list"),
        ({"detector": {"name": "haar"}}, "one value for detector, got dict"),
    ],
)
def test_an_option_that_is_none_is_refused_by_its_nearest_name(astronaut, options, words):
    with pytest.raises(InputError, match=words):
        analyze(astronaut, **options)


@pytest.mark.slow
def test_the_options_are_those_of_the_pipeline_and_a_type_checker_knows_them(tmp_path):
    made = [name for name in inspect.signature(make_pipeline).parameters if name != "tracker"]
    assert set(Options.__annotations__) == set(made)
    wrong = tmp_path / "wrong.py"
    calls = ('analyze("a.jpg", model="lite")', 'analyze("a.jpg", modle="lite")')
    wrong.write_text("\n".join(["from emojimation import analyze", "", *calls, ""]))
    done = subprocess.run([sys.executable, "-m", "mypy", wrong], capture_output=True, text=True, cwd=ROOT)
    assert ":4: error" in done.stdout and "modle" in done.stdout and ":3:" not in done.stdout


def test_base_rates_may_be_a_list(model, astronaut):
    shares = [1 / 7] * 7
    assert same(analyze(astronaut, model=model, prior=shares), analyze(astronaut, model=model, prior="uniform"))


def test_a_crop_is_always_one_face(model):
    (face,) = analyze(np.full((48, 48, 3), 128, np.uint8), cropped=True, model=model)
    assert face.probabilities.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("wrong", [None, 7, [[1, 2]], open])
def test_analyze_refuses_what_is_not_an_image(model, wrong):
    with pytest.raises(InputError, match=type(wrong).__name__):
        analyze(wrong, model=model)


def test_results_come_one_by_one_and_a_broken_file_stops_nothing(pipeline, photo, tmp_path):
    (tmp_path / "in" / "broken.jpg").write_text("no image")
    results = run_images([tmp_path / "missing.png", tmp_path / "in"], pipeline)
    assert isinstance(next(results), ImageResult)
    broken, good = results
    assert (broken.source, broken.size_wh, broken.faces) == (str(tmp_path / "in" / "broken.jpg"), None, ())
    assert "broken.jpg" in broken.error
    assert (good.source, good.size_wh, good.error, good.written) == (str(photo), (512, 512), None, None)
    assert len(good.faces) == 1


def test_rows_follow_the_contract(pipeline, photo, tmp_path):
    good, bad = (result.to_dict() for result in run_images([photo, tmp_path / "no.png"], pipeline))
    assert set(good) == {"source", "width", "height", "faces", "prior"} and set(bad) == {"source", "error"}
    assert (good["width"], good["height"]) == (512, 512)
    assert list(good["faces"][0]["probabilities"]) == list(emojimation.EMOTIONS)


@pytest.mark.parametrize(("border", "hint"), [(0, True), (100, False)])
def test_no_face_is_said_and_a_crop_is_hinted_at(pipeline, tmp_path, astronaut, border, hint):
    frame = cv2.copyMakeBorder(faint(astronaut), border, border, border, border, cv2.BORDER_REPLICATE)
    path = write_image(tmp_path / "small.png", frame)
    (result,) = run_images([path], pipeline)
    assert result.faces == () and result.error is None
    assert result.notes[0].startswith("no face found") and ("--cropped" in result.notes[0]) is hint


@pytest.mark.parametrize("style", ["boxes", "emoji", "blur", "pixelate"])
def test_drawn_images_are_written_beside_nothing_else(pipeline, photo, tmp_path, style, astronaut):
    (result,) = run_images([photo], pipeline, tmp_path / "out", style)
    assert result.written == tmp_path / "out" / f"photo-{style}.png"
    drawn = read_image(result.written).frame
    assert drawn.shape == astronaut.shape and (drawn != astronaut).any()
    np.testing.assert_array_equal(read_image(photo).frame, astronaut)


def test_style_none_writes_nothing(pipeline, photo, tmp_path):
    (result,) = run_images([photo], pipeline, tmp_path / "out", "none")
    assert result.written is None and not (tmp_path / "out").exists()


def names_of(results):
    return {Path(result.source).name: result.written.name for result in results}


def test_names_of_outputs_keep_what_tells_the_sources_apart(pipeline, tmp_path, astronaut):
    for name in ("a.avif", "a.bmp", "a.webp", "a.jpg", "b.png"):
        write_image(tmp_path / "in" / name, astronaut)
    expected = {
        "a.avif": "a-avif-boxes.png",
        "a.bmp": "a-bmp-boxes.png",
        "a.webp": "a-webp-boxes.png",
        "a.jpg": "a-boxes.jpg",
        "b.png": "b-boxes.png",
    }
    assert names_of(run_images([tmp_path / "in"], pipeline, tmp_path / "out")) == expected
    backwards = sorted((tmp_path / "in").iterdir(), reverse=True)
    assert names_of(run_images(backwards, pipeline, tmp_path / "out")) == expected
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_images_of_one_name_from_several_folders_get_the_folder_s_name(pipeline, tmp_path, astronaut):
    for name in ("a/x.png", "b/x.png"):
        write_image(tmp_path / name, astronaut)
    results = run_images([tmp_path / "a", tmp_path / "b"], pipeline, tmp_path / "out")
    assert [result.written.name for result in results] == ["a-x-boxes.png", "b-x-boxes.png"]


@pytest.mark.parametrize("out", [".", "drawn"])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_run_does_not_read_what_an_earlier_one_drew(pipeline, tmp_path, astronaut, out, suffix):
    write_image(tmp_path / f"a{suffix}", astronaut)
    write_image(tmp_path / f"b-boxes{suffix}", astronaut)  # somebody's own image with such a name
    for _ in range(2):
        results = list(run_images([tmp_path], pipeline, tmp_path / out))
        assert {Path(result.source).name for result in results} == {f"a{suffix}", f"b-boxes{suffix}"}
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 4


def test_only_annotated_images_are_overwritten(pipeline, tmp_path, astronaut):
    source, other = tmp_path / "base.jpg", tmp_path / "base-boxes.jpg"
    write_image(source, astronaut)
    write_image(other, astronaut)
    before = other.read_bytes()
    for _ in range(2):  # the second time over its own result
        (result,) = run_images([source], pipeline, tmp_path)
        assert result.written == tmp_path / "base-jpg-boxes.jpg" and other.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_a_source_is_never_overwritten(pipeline, tmp_path, astronaut):
    source = write_image(tmp_path / "x-boxes.png", astronaut)
    other = write_image(tmp_path / "x.png", astronaut)
    results = list(run_images([other, source], pipeline, tmp_path))
    np.testing.assert_array_equal(read_image(source).frame, astronaut)
    assert all(result.written not in (source, other) for result in results)


def test_a_file_is_answered_once(pipeline, photo):
    assert len(list(run_images([photo, photo.parent, f"{photo.parent}/*.png"], pipeline))) == 1


def test_an_impossible_folder_is_refused_immediately(pipeline, photo):
    with pytest.raises(InputError, match="folder to write"):
        run_images([photo], pipeline, photo / "out")


def modules_after(code):
    """Names of the modules that a new Python process has loaded after `code`."""
    command = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_whole_public_surface_needs_no_heavy_package():
    loaded = modules_after("import emojimation as e; [getattr(e, name) for name in e.__all__]")
    heavy = {"keras", "tensorflow", "streamlit", "tkinter", "matplotlib", "torch", "pandas", "pyarrow", "onnx"}
    assert "emojimation.pipeline" in loaded and not loaded & heavy


def test_importing_alone_does_no_work():
    assert not modules_after("import emojimation") & {"numpy", "cv2", "onnxruntime", "PIL"}


def test_unknown_public_names_are_reported():
    with pytest.raises(AttributeError, match="nothing"):
        _ = emojimation.nothing
    assert set(emojimation.__all__) <= set(dir(emojimation))


def cartoon_landscape() -> np.ndarray:
    """(180,240,3) sky, sun, meadow and a house with two windows and a door."""
    frame = np.full((180, 240, 3), (235, 200, 140), np.uint8)
    frame[110:] = (80, 180, 90)
    cv2.circle(frame, (190, 40), 22, (60, 220, 250), -1)
    cv2.rectangle(frame, (60, 80), (110, 130), (60, 80, 190), -1)
    cv2.fillPoly(frame, [np.array([[50, 80], [85, 50], [120, 80]])], (40, 40, 120))
    for x in (68, 90):
        cv2.rectangle(frame, (x, 92), (x + 12, 104), (230, 230, 230), -1)
    cv2.rectangle(frame, (80, 110), (90, 130), (40, 40, 60), -1)
    return frame


@pytest.mark.parametrize("name", ["black", "cartoon", "cell", "clock_motion", "coins", "gravel", "retina"])
def test_a_small_image_without_a_face_is_not_called_a_face_crop(name):
    made = {"black": np.zeros((200, 200, 3), np.uint8), "cartoon": cartoon_landscape()}
    frame = made[name] if name in made else read_image(ROOT / "tests" / "data" / "faceless" / f"{name}.jpg").frame
    for side in (96, 200, 256):
        scale = side / max(frame.shape[:2])
        assert not looks_cropped(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
