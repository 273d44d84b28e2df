"""Reading videos: times, turns, colours, damage, cameras, streams, images, the made-up scene."""

from itertools import islice
from types import SimpleNamespace

import av
import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.media import write_image
from emojimation.video import reader as video
from emojimation.video import tone
from emojimation.video.reader import VideoFile
from emojimation.video.scene import crowd, hide_and_seek
from emojimation.video.source import Pictures, open_source
from emojimation.video.writer import Segment
from videos import number_of, picture, write_sound, write_video


def read(path, **part):
    source = VideoFile(path, **part)
    frames = list(source)
    source.close()
    return source, frames


def test_frames_come_in_order_with_the_streams_times(tmp_path):
    source, frames = read(write_video(tmp_path / "a.mp4", frames=20, fps=25))
    assert [number_of(frame.image) for frame in frames] == list(range(20))
    assert [frame.index for frame in frames] == list(range(20))
    assert np.allclose([frame.time_s for frame in frames], np.arange(20) / 25, atol=1e-4)
    assert source.info.fps == 25 and source.info.duration_s == pytest.approx(0.8) and source.notes == []
    assert frames[0].image.dtype == np.uint8 and frames[0].image.shape == (48, 64, 3)


def test_variable_frame_rate_keeps_each_frames_time(tmp_path):
    wanted = [0, 10, 40, 45, 200, 210, 500]
    _, frames = read(write_video(tmp_path / "a.mkv", frames=7, times_ms=wanted))
    assert np.allclose([frame.time_s for frame in frames], np.array(wanted) / 1000, atol=2e-3)


@pytest.mark.parametrize(("rotation", "corner"), [(-90, (0, -1)), (90, (-1, 0)), (180, (-1, -1))])
def test_rotation_is_applied(tmp_path, rotation, corner):
    _, frames = read(write_video(tmp_path / "a.mp4", frames=3, rotation=rotation))
    image = frames[0].image
    assert image.shape == ((48, 64, 3) if rotation == 180 else (64, 48, 3))
    y, x = (2 if side == 0 else -3 for side in corner)
    assert image[y, x].min() > 230, "the white corner turned with the image"
    assert image[2 if corner[0] else -3, x].max() < 60


@pytest.mark.parametrize("size", [(64, 48), (1280, 720)])
def test_colours_come_back(tmp_path, size):
    blue_green_red = (40, 90, 200)
    draw = lambda n, w, h: np.full((h, w, 3), blue_green_red, np.uint8)  # noqa: E731
    segment = Segment(tmp_path / "a.mp4", 25)
    segment.write(draw(0, *size), 0.0)
    segment.close()
    _, frames = read(tmp_path / "a.mp4")
    assert np.abs(frames[0].image.astype(int).mean(axis=(0, 1)) - blue_green_red).max() < 4


def test_ten_bits_are_read(tmp_path):
    _, frames = read(write_video(tmp_path / "a.mp4", frames=3, pix_fmt="yuv420p10le"))
    assert frames[0].image.dtype == np.uint8 and [number_of(frame.image) for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize("transfer", [tone.PQ, tone.HLG])
def test_hdr_is_tone_mapped(tmp_path, transfer):
    """A grey of 203 nits, HDR's white, must come out light, and 20 nits dark, as the formula says."""
    signal = {tone.PQ: (0.58, 0.34), tone.HLG: (0.75, 0.3)}[transfer]
    draw = lambda n, w, h: np.full((h, w, 3), round(255 * signal[n]), np.uint8)  # noqa: E731
    path = write_video(
        tmp_path / "a.mkv",
        2,
        size=(128, 128),
        codec="libx265",
        pix_fmt="yuv420p10le",
        transfer=transfer,
        draw=draw,
        options={"x265-params": "log-level=none", "crf": "2"},
    )
    _, frames = read(path)
    for frame, value in zip(frames, signal, strict=True):
        expected = 255 * tone.tone(tone.nits(np.full(3, value), transfer))
        assert np.abs(frame.image.mean(axis=(0, 1)) - expected).max() < 6
    assert frames[0].image.mean() > 150 > 100 > frames[1].image.mean()


def test_known_points_of_the_hdr_curves():
    assert tone.nits(np.array(1.0), tone.PQ) == pytest.approx(10000)
    assert tone.nits(np.array(0.58), tone.PQ) == pytest.approx(203, rel=0.02)  # BT.2408, table 1
    assert tone.nits(np.array(0.75), tone.HLG) == pytest.approx(203, rel=0.02)
    assert np.allclose(tone.tone(np.full(3, tone.PEAK_NITS)), 1, atol=0.01)


def test_transparency_is_laid_on_white(tmp_path):
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("qtrle", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "argb"
        image = np.zeros((48, 64, 4), np.uint8)
        image[:, 32:] = (255, 0, 0, 255)  # RGBA: red, the left half clear
        out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgba")))
        out.mux(stream.encode(None))
    _, frames = read(path)
    assert frames[0].image[20, 10].tolist() == [255, 255, 255] and frames[0].image[20, 50].tolist() == [0, 0, 255]


def test_a_part_begins_and_ends_where_asked(tmp_path):
    path = write_video(tmp_path / "a.mp4", frames=60, fps=30, options={"g": "12"})
    _, frames = read(path, start_s=1.0, end_s=1.5)
    assert [number_of(frame.image) for frame in frames] == list(range(30, 45))
    assert frames[0].time_s == pytest.approx(1.0) and frames[0].index == 0
    with pytest.raises(InputError, match="end after the start"):
        VideoFile(path, start_s=1.0, end_s=0.5)
    with pytest.raises(InputError, match=r"before the video's end \(2.00 s\)"):
        VideoFile(path, start_s=5)


def test_a_file_without_times_is_counted_on(tmp_path):
    _, frames = read(write_video(tmp_path / "a.h264", frames=10, fps=25, options={"bf": "0"}))
    steps = np.diff([frame.time_s for frame in frames])
    assert len(frames) == 10 and (steps > 0).all()


def test_the_frame_size_may_change(tmp_path):
    first, second = (write_video(tmp_path / f"{n}.ts", 5, size=size) for n, size in enumerate([(64, 48), (96, 80)]))
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    source, frames = read(both)
    assert {frame.image.shape for frame in frames} == {(48, 64, 3), (80, 96, 3)}
    assert any("frame size changes: 64x48, 96x80" in note for note in source.notes)
    assert (np.diff([frame.time_s for frame in frames]) > 0).all(), "times go on although the stream's begin anew"


def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path):
    noise = lambda n, w, h: np.random.default_rng(n).integers(0, 255, (h, w, 3), np.uint8)  # noqa: E731
    path = write_video(tmp_path / "a.mp4", 90, 30, draw=noise, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source, frames = read(path)
    assert 20 < len(frames) < 70
    assert any("truncated" in note and "of 3.0 s" in note for note in source.notes)


def test_what_is_not_a_video_is_reported_in_one_line(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("hello")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    headless = tmp_path / "headless.mp4"
    whole = write_video(tmp_path / "whole.mp4").read_bytes()
    headless.write_bytes(whole[: len(whole) // 2])
    sound = write_sound(tmp_path / "sound.m4a")
    expected = {
        text: "which is not one",
        empty: "empty",
        headless: "lacks its index",
        sound: "only sound",
        tmp_path: "the folder",
        tmp_path / "no.mp4": "does not exist",
    }
    for path, words in expected.items():
        with pytest.raises(InputError, match=words) as caught:
            VideoFile(path)
        assert "\n" not in str(caught.value)


def test_no_frame_that_can_be_decoded(tmp_path):
    path = write_video(tmp_path / "a.mkv", 3)
    body = bytearray(path.read_bytes())
    start = body.index(b"\x1f\x43\xb6\x75")
    body[start + 40 :] = bytes(len(body) - start - 40)
    path.write_bytes(body)
    with pytest.raises(InputError, match="no frame can be decoded"):
        list(VideoFile(path))


def test_a_playlist_opens_nothing_else(tmp_path):
    write_video(tmp_path / "a.ts", 3)
    playlist = tmp_path / "a.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(InputError):
        list(VideoFile(playlist))


def test_without_pyav_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(InputError, match=r'pip install "emojimation\[video\]"'):
        video.load_av()


def test_images_are_a_video_and_broken_ones_are_reported(tmp_path):
    for number in range(5):
        write_image(tmp_path / f"{number}.png", picture(number))
    (tmp_path / "3.png").write_bytes(b"no image")
    source = open_source(tmp_path, fps=10)
    frames = list(source)
    assert isinstance(source, Pictures) and [frame.time_s for frame in frames] == [0, 0.1, 0.2, 0.4]
    assert [frame.index for frame in frames] == [0, 1, 2, 3] and "3.png" in source.notes[0]
    assert source.incomplete == "1 of the images or folders could not be read"
    assert len(list(open_source(tmp_path / "*.png", fps=10, start_s=0.2))) == 2


def test_the_made_up_scene_tells_the_truth():
    film = hide_and_seek(fps=10)
    frames = list(film)
    assert len(frames) == 120 and frames[3].time_s == pytest.approx(0.3)
    assert np.array_equal(frames[40].image, film.frame(40).image)
    shown = np.array([truth.shown for truth in film.truth(0.0)])
    assert (shown > 0.95).all()
    assert min(truth.shown for i in range(120) for truth in film.truth(i / 10) if truth.person == 0) < 0.2
    assert len(film.truth(5.0)) == 1
    part = open_source("synthetic:2x3", start_s=1.0, end_s=1.5)
    assert [frame.index for frame in part] == list(range(15))


def test_detector_finds_the_scenes_faces_where_they_are():
    from emojimation.detect import FaceDetector
    from emojimation.faces import iou

    film = crowd(5, (1280, 720))
    frame = film.frame(12)
    found, truth = FaceDetector(tiles=True)(frame.image), film.truth(frame.time_s)
    overlap = iou(np.stack([t.xyxy for t in truth]), np.stack([face.xyxy for face in found]))
    assert (overlap.max(axis=1) > 0.5).all()
    assert len(list(islice(crowd(1, seconds=None), 3))) == 3


@pytest.mark.parametrize(("version", "options"), [("18.1.0", {"metadata_errors": "ignore"}), ("19.0.2", {})])
def test_only_older_pyav_is_asked_to_ignore_damaged_tags(monkeypatch, version, options):
    monkeypatch.setattr(video, "load_av", lambda: SimpleNamespace(__version__=version, open=lambda _, **how: how))
    assert video.open_input("film.mp4") == options
