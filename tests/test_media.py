import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import SAMPLES
from emojimation import media
from emojimation.errors import InputError
from emojimation.media import decode_image, find_images, picture_of, read_image, search_images, write_image
from emojimation.photos import listed

GREEN_TOP = np.zeros((40, 60, 3), np.uint8)  # RGB: upper half green, lower half red
GREEN_TOP[:20, :, 1] = 255
GREEN_TOP[20:, :, 0] = 255
BGR = GREEN_TOP[..., ::-1]


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm", "gif"])
def test_lossless_formats_come_back_as_bgr(tmp_path, suffix):
    picture = read_image(saved(tmp_path / f"a.{suffix}", Image.fromarray(GREEN_TOP)))
    np.testing.assert_array_equal(picture.frame, BGR)
    assert picture.frame.dtype == np.uint8 and picture.notes == ()


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
def test_lossy_formats_come_back_close(tmp_path, suffix):
    frame = read_image(saved(tmp_path / f"a.{suffix}", Image.fromarray(GREEN_TOP), quality=95)).frame
    assert np.abs(frame.astype(int) - BGR)[[5, 35]].max() < 25  # away from the edge between the colours


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(tmp_path, orientation):
    """Store the image turned as each EXIF value says it is stored; it must be read upright."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's Transpose that brings the stored image about
    image = Image.fromarray(GREEN_TOP)
    stored = image if orientation == 1 else image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    frame = read_image(saved(tmp_path / "turned.png", stored, exif=exif)).frame
    np.testing.assert_array_equal(frame, BGR)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_is_no_reason_to_refuse(tmp_path):
    picture = read_image(saved(tmp_path / "a.jpg", Image.fromarray(GREEN_TOP), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))
    assert picture.frame.shape == (40, 60, 3)


@pytest.mark.parametrize("value", [0, 1, 30_000, 65_535])
def test_sixteen_bit_grey_keeps_its_brightness(tmp_path, value):
    array = np.full((4, 4), value, np.uint16)
    array[0, 0] = 65_535
    frame = read_image(saved(tmp_path / "deep.png", Image.fromarray(array))).frame
    assert frame.shape == (4, 4, 3) and (frame[1:] == round(value / 257)).all()


def test_sixteen_bit_colour(tmp_path):
    """A 16-bit RGB PNG written by hand, because Pillow cannot write one."""
    row = b"\0" + struct.pack(">6H", 65_535, 0, 32_768, 0, 65_535, 0)
    chunks = [(b"IHDR", struct.pack(">2I5B", 2, 1, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png").frame, [[[128, 0, 255], [0, 255, 0]]])


def test_float_tiff(tmp_path):
    ramp = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    ramp[0, 0] = np.nan
    frame = read_image(saved(tmp_path / "float.tiff", Image.fromarray(ramp))).frame
    assert frame[0, 0].max() == 0 and frame[3, 3].min() == 255


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "I", "F", "HSV", "LAB"])
def test_every_opaque_mode_gives_the_same_grey(mode):
    image = Image.new("L", (8, 8), 255).convert("RGB" if mode in ("HSV", "LAB") else "L")
    frame = picture_of(image.convert(mode) if mode != "LAB" else Image.new("LAB", (8, 8), (255, 128, 128))).frame
    assert frame.shape == (8, 8, 3) and frame.min() >= 253


def test_cmyk_jpeg(tmp_path):
    frame = read_image(saved(tmp_path / "print.jpg", Image.fromarray(GREEN_TOP).convert("CMYK"), quality=95)).frame
    assert np.abs(frame[5].astype(int) - (0, 255, 0)).max() < 25


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La"])
def test_transparency_is_laid_on_white(mode):
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0)).convert({"RGBa": "RGBA", "La": "LA"}.get(mode, mode))
    assert (picture_of(clear.convert(mode)).frame == 255).all()


def test_half_transparency_is_mixed():
    frame = picture_of(Image.new("RGBA", (4, 4), (255, 0, 0, 128))).frame
    assert np.abs(frame[0, 0].astype(int) - (127, 127, 255)).max() <= 1


def test_a_transparent_colour_of_a_palette_is_white(tmp_path):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 1)
    frame = read_image(saved(tmp_path / "a.png", image, transparency=0)).frame
    assert frame[0, 0].tolist() == [50, 100, 200] and frame[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize(("suffix", "kind"), [("gif", "GIF"), ("webp", "WebP"), ("png", "PNG")])
def test_of_a_moving_image_the_first_frame_is_read_and_this_is_said(tmp_path, suffix, kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("#ff0000", "#00ff00", "#0000ff")]
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", frames[0], save_all=True, append_images=frames[1:], **options)
    picture = read_image(path)
    assert picture.frame[4, 4].tolist() == [0, 0, 255]
    assert picture.notes == (f"animated {kind} of 3 frames: only the first was analysed",)


def test_pages_of_a_tiff_are_reported(tmp_path):
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    picture = read_image(saved(tmp_path / "a.tiff", pages[0], save_all=True, append_images=pages[1:]))
    assert picture.frame[4, 4].tolist() == [0, 0, 255] and "2 pages" in picture.notes[0]


@pytest.mark.parametrize(
    "name", ["a b.png", "größe.png", "写真.png", "фото [1].png", "😄.png", "UPPER.PNG", "no-suffix"]
)
def test_names_of_all_kinds(tmp_path, name):
    image = Image.fromarray(GREEN_TOP)
    path = saved(tmp_path / name, image, format="PNG")
    np.testing.assert_array_equal(read_image(path).frame, BGR)
    assert find_images([path]) == [path]


def test_one_pixel(tmp_path):
    assert read_image(saved(tmp_path / "dot.png", Image.new("RGB", (1, 1), "white"))).frame.tolist() == [[[255] * 3]]


def png_header(path, width, height):
    """A PNG that claims a size and holds no pixels."""
    ihdr = b"IHDR" + struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    idat = b"IDAT" + zlib.compress(b"")
    parts = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (ihdr, idat, b"IEND")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def test_above_200_megapixels_is_refused_before_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(media, "picture_of", lambda image: pytest.fail("decoded"))
    with pytest.raises(InputError, match=r"200 megapixels, got 201.*20100 x 10000.*huge\.png"):
        read_image(png_header(tmp_path / "huge.png", 20_100, 10_000))


def test_just_200_megapixels_are_not_refused_for_their_size(tmp_path):
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(InputError, match="truncated"):
        read_image(png_header(tmp_path / "large.png", 20_000, 10_000))
    assert limit == Image.MAX_IMAGE_PIXELS  # Pillow's own setting belongs to the program around us


HEIC = Path(__file__).parent / "data" / "astronaut.heic"


@pytest.mark.parametrize("read", [read_image, lambda path: decode_image(path.read_bytes())])
def test_heic_is_read_like_any_other_image(read):
    frame, sample = read(HEIC).frame, read_image(SAMPLES / "astronaut.jpg").frame
    assert frame.shape == sample.shape
    assert np.abs(frame.astype(int) - sample).mean() < 6


def test_heic_is_found_in_folders_and_its_decoder_loaded_for_it_alone(tmp_path):
    shutil.copy(HEIC, tmp_path / "IMG_1.HEIC")
    assert find_images([tmp_path]) == [tmp_path / "IMG_1.HEIC"]
    code = (
        "import sys; from emojimation.media import read_image;read_image(sys.argv[1]); print('pi_heif' in sys.modules)"
    )
    loaded = [
        subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True).stdout.strip()
        for path in (SAMPLES / "astronaut.jpg", HEIC)
    ]
    assert loaded == ["False", "True"]


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.01])
def test_a_truncated_heic_is_refused(tmp_path, share):
    path = tmp_path / "cut.heic"
    path.write_bytes(HEIC.read_bytes()[: int(HEIC.stat().st_size * share)])
    with pytest.raises(InputError, match=r"cut\.heic"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tiff"])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.02])
def test_a_truncated_file_is_refused(tmp_path, suffix, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = saved(tmp_path / f"cut.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError, match=f"cut.{suffix}"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello, I am a text", "contains text"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "which is not one"),
        (bytes(range(256)), "not one"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not one"),
        (b"\xff\xd8\xff", "a.jpg"),
    ],
)
def test_a_file_that_is_not_an_image_is_refused(tmp_path, content, words):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_image(tmp_path / "a.jpg")
    assert "a.jpg" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_image(tmp_path / "nothing.jpg")
    with pytest.raises(InputError, match="folder"):
        read_image(tmp_path)


def test_a_file_that_cannot_be_read_is_reported(tmp_path, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = saved(tmp_path / "locked.png", Image.fromarray(GREEN_TOP))
    monkeypatch.setattr(Image, "open", forbidden)  # tests may run as root, whom no permission stops
    with pytest.raises(InputError, match=r"locked\.png.*permissions"):
        read_image(path)


def test_pillow_s_own_pixel_limit_does_not_count(tmp_path, monkeypatch, recwarn):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    pages = [Image.new("L", (60, side), 90) for side in (40, 41)]  # above the limit, and above twice the limit
    for name, save in (("warns.tiff", {}), ("fails.tiff", {"save_all": True, "append_images": pages[1:]})):
        pages[0].save(tmp_path / name, compression="tiff_lzw", **save)
        assert read_image(tmp_path / name).frame.shape == (40, 60, 3)
    assert Image.MAX_IMAGE_PIXELS == 1000 and not recwarn.list


def test_find_images_in_folders_and_globs(tmp_path):
    names = ["b.jpg", "a.PNG", "sub/deep/c.webp", "notes.txt", ".hidden.jpg", ".cache/d.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [tmp_path / name for name in ("a.PNG", "b.jpg", "sub/deep/c.webp")]
    assert find_images([tmp_path]) == found
    assert find_images([f"{tmp_path}/*.jpg"]) == [tmp_path / "b.jpg"]
    assert find_images([f"{tmp_path}/**/*.webp"]) == [tmp_path / "sub/deep/c.webp"]
    assert find_images([tmp_path / "b.jpg", tmp_path, tmp_path / "b.jpg"]) == [found[1], found[0], found[2]]
    assert find_images([tmp_path / "notes.txt"]) == [tmp_path / "notes.txt"]  # asked for by name: reading will tell


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    scandir = os.scandir

    def refusing(path):  # tests may run as root, whom no permission stops
        if "closed" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = search_images([tmp_path])
    assert found.pictures == [tmp_path / "a.png"] and "Permission denied" in found.failed[tmp_path / "closed"]
    sources, _, _ = listed([tmp_path])
    assert sources[0] == tmp_path / "a.png" and "closed (Permission denied)" in sources[1].error
    for path in (tmp_path, tmp_path / "closed"):
        with pytest.raises(InputError, match=r"can be read, got .*closed"):
            find_images([path])


def test_a_path_that_may_not_be_reached_is_no_base64(monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(InputError, match=r"^Expected an image, got a/b\.jpg, which cannot be read \(Permission denied"):
        find_images(["a/b.jpg"])


def test_find_images_refuses_what_leads_nowhere(tmp_path):
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path, tmp_path / "no.jpg", tmp_path / "*.jpg"):
        with pytest.raises(InputError) as caught:
            find_images([path])
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_write_and_read_again(tmp_path, suffix):
    path = write_image(tmp_path / "new" / f"a.{suffix}", np.ascontiguousarray(BGR))
    np.testing.assert_array_equal(read_image(path).frame, BGR)


def test_write_tells_what_it_cannot(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "a.png", tmp_path / "a.nothing"):
        with pytest.raises(InputError, match="can be written"):
            write_image(path, np.zeros((2, 2, 3), np.uint8))


def with_property(data: bytes, box: bytes) -> bytes:
    """The HEIC file with one more property of its only image: a transformation, as phones write them."""

    def grown(data: bytes, kind: bytes, by: int) -> bytes:
        start = data.index(kind) - 4
        size = int.from_bytes(data[start : start + 4], "big") + by
        return data[:start] + size.to_bytes(4, "big") + data[start + 4 :]

    for kind, by in ((b"ipma", 1), (b"ipco", len(box)), (b"iprp", len(box) + 1), (b"meta", len(box) + 1)):
        data = grown(data, kind, by)
    associations = data.index(b"ipma") + 4 + 4 + 4 + 2  # version and flags, entries, the item's number
    count, end = data[associations], data.index(b"ipma") - 4
    last = associations + 1 + count
    all_of_them = bytes([count + 1]) + data[associations + 1 : last] + bytes([0x80 | count + 1])
    data = data[:associations] + all_of_them + data[last:]
    base = data.index(b"iloc") + 4 + 4 + 2 + 2 + 2 + 2  # version and flags, sizes, items, the item's number, reference
    offset = int.from_bytes(data[base : base + 4], "big") + len(box) + 1
    return data[:base] + offset.to_bytes(4, "big") + data[base + 4 : end] + box + data[end:]


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        (b"irot\x01", lambda frame: np.rot90(frame, 1)),
        (b"irot\x02", lambda frame: np.rot90(frame, 2)),
        (b"irot\x03", lambda frame: np.rot90(frame, 3)),
        (b"imir\x00", lambda frame: frame[::-1]),
        (b"imir\x01", lambda frame: frame[:, ::-1]),
    ],
)
def test_heic_is_turned_and_mirrored_as_its_file_says(tmp_path, box, shown):
    upper = read_image(HEIC).frame
    path = tmp_path / "turned.heic"
    path.write_bytes(with_property(HEIC.read_bytes(), (4 + len(box)).to_bytes(4, "big") + box))
    np.testing.assert_array_equal(read_image(path).frame, shown(upper))
