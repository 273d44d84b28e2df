import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

import emojimation
from conftest import SAMPLES
from emojimation import InputError, analyze
from emojimation.media import read_image, write_image
from emojimation.photos import ImageResult, run_images
from emojimation.pipeline import make_pipeline


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


def test_a_small_square_picture_never_comes_back_empty_without_a_hint(model):
    with pytest.warns(UserWarning, match="cropped=True"):
        assert analyze(np.full((48, 48, 3), 128, np.uint8), model=model) == []


def test_a_crop_is_always_one_face(model):
    (face,) = analyze(np.full((48, 48, 3), 128, np.uint8), cropped=True, model=model)
    assert face.probabilities.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("wrong", [None, 7, [[1, 2]], b"bytes"])
def test_analyze_refuses_what_is_no_picture(model, wrong):
    with pytest.raises(InputError, match=type(wrong).__name__):
        analyze(wrong, model=model)


def test_results_come_one_by_one_and_a_broken_file_stops_nothing(pipeline, photo, tmp_path):
    (tmp_path / "in" / "broken.jpg").write_text("no picture")
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


@pytest.mark.parametrize(
    ("shape", "hint"), [((48, 48), True), ((200, 250), True), ((100, 250), False), ((480, 640), False)]
)
def test_no_face_is_said_and_a_crop_is_hinted_at(pipeline, tmp_path, shape, hint):
    path = write_image(tmp_path / "grey.png", np.full((*shape, 3), 128, np.uint8))
    (result,) = run_images([path], pipeline)
    assert result.faces == () and result.error is None
    assert result.notes[0].startswith("no face found") and ("--cropped" in result.notes[0]) is hint


@pytest.mark.parametrize("style", ["boxes", "emoji", "blur", "pixelate"])
def test_drawn_pictures_are_written_beside_nothing_else(pipeline, photo, tmp_path, style, astronaut):
    (result,) = run_images([photo], pipeline, tmp_path / "out", style)
    assert result.written == tmp_path / "out" / f"photo-{style}.png"
    drawn = read_image(result.written).frame
    assert drawn.shape == astronaut.shape and (drawn != astronaut).any()
    np.testing.assert_array_equal(read_image(photo).frame, astronaut)


def test_style_none_writes_nothing(pipeline, photo, tmp_path):
    (result,) = run_images([photo], pipeline, tmp_path / "out", "none")
    assert result.written is None and not (tmp_path / "out").exists()


def test_pictures_of_one_name_do_not_overwrite_each_other(pipeline, tmp_path, astronaut):
    for name in ("a/x.png", "b/x.png", "b/x.bmp"):
        write_image(tmp_path / name, astronaut)
    written = [
        result.written.name for result in run_images([tmp_path / "a", tmp_path / "b"], pipeline, tmp_path / "out")
    ]
    assert sorted(written) == ["x-boxes-2.png", "x-boxes-3.png", "x-boxes.png"]


def test_a_source_is_never_overwritten(pipeline, tmp_path, astronaut):
    source = write_image(tmp_path / "x-boxes.png", astronaut)
    other = write_image(tmp_path / "x.png", astronaut)
    results = list(run_images([other, source], pipeline, tmp_path))
    np.testing.assert_array_equal(read_image(source).frame, astronaut)
    assert all(result.written not in (source, other) for result in results)


def test_a_file_is_answered_once(pipeline, photo):
    assert len(list(run_images([photo, photo.parent, f"{photo.parent}/*.png"], pipeline))) == 1


def test_an_impossible_folder_is_refused_at_once(pipeline, photo):
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


def test_unknown_public_names_are_told():
    with pytest.raises(AttributeError, match="nothing"):
        _ = emojimation.nothing
    assert set(emojimation.__all__) <= set(dir(emojimation))
