"""Writing videos: what browsers ask for, the original sound, odd sizes, segments that survive."""

import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.video.reader import VideoFile
from emojimation.video.sound import Sound
from emojimation.video.writer import Segment, count_frames, join, letterboxed, tags_of
from videos import images, number_of, picture, sound_packets, streams, times, write_video


def segment(path, numbers, size=(64, 48), fps=30.0, frame_times=None):
    film = Segment(path, fps)
    for number in numbers:
        film.write(picture(number, *size), number / fps if frame_times is None else frame_times[number])
    film.close()
    return path


def first_boxes(path):
    """Names of the boxes that an MP4 file begins with."""
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9")])
def test_a_video_holds_the_frames_at_their_times(tmp_path, suffix, codec):
    odd_times = [0.0, 0.02, 0.1, 0.12, 0.5, 0.52]
    part = segment(tmp_path / f"part{suffix}", range(6), frame_times=odd_times)
    join([(part, 0.0)], tmp_path / f"film{suffix}")
    assert streams(tmp_path / f"film{suffix}") == {"video": codec}
    assert np.allclose(times(tmp_path / f"film{suffix}"), odd_times, atol=1.1e-3)
    assert [number_of(image) for image in images(tmp_path / f"film{suffix}")] == list(range(6))


def test_browsers_can_play_it(tmp_path):
    path = tmp_path / "film.mp4"
    join([(segment(tmp_path / "part.mp4", range(5), size=(63, 47)), 0.0)], path)
    boxes = first_boxes(path)
    assert boxes.index("moov") < boxes.index("mdat"), "the index is in front"
    source = VideoFile(path)
    assert source._stream.codec_context.pix_fmt == "yuv420p"
    assert images(path)[0].shape == (48, 64, 3), "even sizes"
    source.close()
    assert not list(tmp_path.glob("*.partial*"))


def test_frames_of_other_sizes_are_fitted(tmp_path):
    film = Segment(tmp_path / "a.mp4", 30)
    film.write(picture(0), 0.0)
    film.write(np.full((48, 24, 3), 200, np.uint8), 0.1)
    film.close()
    second = images(tmp_path / "a.mp4")[1]
    assert second.shape == (48, 64, 3) and second[24, 32].min() > 180 and second[24, 5].max() < 20
    assert letterboxed(np.full((10, 20, 3), 9, np.uint8), 40, 40)[20, 20, 0] == 9


def test_segments_are_joined_where_they_end(tmp_path):
    parts = [segment(tmp_path / f"{n}.mp4", numbers) for n, numbers in enumerate([range(7), range(7, 20)])]
    join([(parts[0], 0.0), (parts[1], 7 / 30)], tmp_path / "film.mp4")
    assert np.allclose(times(tmp_path / "film.mp4"), np.arange(20) / 30, atol=1e-3)
    assert [number_of(image) for image in images(tmp_path / "film.mp4")] == list(range(20))
    assert [count_frames(part) for part in parts] == [7, 13]


def test_a_segment_that_was_cut_off_can_be_read(tmp_path):
    film = Segment(tmp_path / "a.mp4", 10.0)
    for number in range(58):
        film.write(picture(number), number / 10)
    killed = tmp_path / "killed.mp4"
    killed.write_bytes((tmp_path / "a.mp4").read_bytes()[:-7])
    film.close()
    assert 0 < count_frames(killed) < 58 and count_frames(tmp_path / "a.mp4") == 58
    assert count_frames(tmp_path / "absent.mp4") == 0


def test_the_sound_is_copied_bit_by_bit(tmp_path):
    source = write_video(tmp_path / "source.mp4", 60, sound="aac")
    join([(segment(tmp_path / "part.mp4", range(60)), 0.0)], tmp_path / "film.mp4", Sound(source))
    assert sound_packets(tmp_path / "film.mp4") == sound_packets(source)


@pytest.mark.parametrize(("suffix", "expected"), [(".mp4", "aac"), (".webm", "opus")])
def test_sound_that_does_not_fit_is_encoded(tmp_path, suffix, expected):
    source = write_video(tmp_path / "source.mov", 60, sound="pcm_s16le")
    part = segment(tmp_path / f"part{suffix}", range(60))
    join([(part, 0.0)], tmp_path / f"film{suffix}", Sound(source))
    assert streams(tmp_path / f"film{suffix}")["audio"] == expected
    assert abs(heard_s(tmp_path / f"film{suffix}") - 2.0) < 0.05


def heard_s(path):
    import av

    with av.open(str(path)) as film:
        return sum(frame.samples / frame.sample_rate for frame in film.decode(audio=0))


def test_a_part_has_its_part_of_the_sound(tmp_path):
    source = write_video(tmp_path / "source.mp4", 60, sound="aac")
    join([(segment(tmp_path / "part.mp4", range(15)), 0.0)], tmp_path / "film.mp4", Sound(source, 1.0, 1.5))
    copied, whole = sound_packets(tmp_path / "film.mp4"), sound_packets(source)
    assert 22 <= len(copied) <= 25
    first = whole.index(copied[0])
    assert abs(first * 1024 / 48000 - 1.0) < 0.05 and whole[first : first + len(copied)] == copied


def test_tags_are_those_given(tmp_path):
    source = write_video(tmp_path / "source.mp4", 5, tags={"title": "At home", "comment": "hello"})
    assert tags_of(source) == {"title": "At home", "comment": "hello"}
    part = segment(tmp_path / "part.mp4", range(5))
    join([(part, 0.0)], tmp_path / "kept.mp4", tags=tags_of(source))
    join([(part, 0.0)], tmp_path / "bare.mp4")
    assert tags_of(tmp_path / "kept.mp4")["title"] == "At home" and tags_of(tmp_path / "bare.mp4") == {}


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"ending in .mp4"):
        Segment(tmp_path / "a.avi")
