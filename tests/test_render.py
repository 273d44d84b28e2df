"""What is drawn: where panels may stand, what must stay untouched, and that a covered head is really gone."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from emojimation.draw import boxes as render
from emojimation.draw import cover, panel, sprites
from emojimation.draw.styles import STYLES, annotate, replace_faces
from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import COLOURS, EMOTIONS


def make_face(x, y, side, emotion="happy", confidence=0.8, track_id=None, roll_deg=0.0):
    """A square face whose landmarks are tilted by `roll_deg`; emotion None means not classified."""
    angle = np.radians(roll_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = ((TEMPLATE - 0.5) * side) @ turn.T + (x + side / 2, y + side / 2)
    probabilities = None
    if emotion is not None:
        probabilities = np.full(7, (1 - confidence) / 6, np.float32)
        probabilities[EMOTIONS.index(emotion)] = confidence
    xyxy = np.array([x, y, x + side, y + side], np.float32)
    return Face(xyxy, 0.9, landmarks.astype(np.float32), probabilities, track_id)


def make_frame(height=480, width=640, seed=0):
    """Smooth random colours, so that every covered pixel would differ."""
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def changed(before, after):
    """Mask of the pixels that differ."""
    return (before != after).any(axis=2)


def place(face, frame, faces=None, places=None):
    taken = np.array([f.xyxy for f in faces or [face]], np.float64)
    heads = np.array([render._head(f) for f in faces or [face]], np.float64)
    return render._place(face, frame, taken, heads, "noto", {} if places is None else places)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_copies_and_leaves_far_corners(style):
    frame = make_frame()
    original = frame.copy()
    draw = lambda face, size: sprites.emoji("sad", size)  # noqa: E731
    out = annotate(frame, [make_face(270, 190, 100, track_id=3)], style, draw=draw)
    assert out.shape == frame.shape and out.dtype == np.uint8 and out is not frame
    assert np.array_equal(frame, original)
    difference = changed(frame, out)
    assert difference.any() == (style != "none")
    for corner in (difference[:40, :40], difference[:40, -40:], difference[-40:, :40], difference[-40:, -40:]):
        assert not corner.any()


def test_what_a_style_says_of_itself_is_so():
    """A style hides if nothing of the box's detail is left, and moves if another second looks different."""
    frame = np.random.default_rng(0).integers(0, 255, (400, 640, 3), np.uint8)
    face = make_face(270, 190, 100, "happy", track_id=3)
    for name, style in STYLES.items():
        early, late = (annotate(frame, [face], name, time_s=time_s) for time_s in (0.5, 1.7))
        kept = (early[200:280, 280:360] == frame[200:280, 280:360]).all(axis=2).mean()
        assert style.hides == (kept < 0.01), name
        assert style.moves == bool((early != late).any()), name


@pytest.mark.parametrize("style", STYLES)
def test_no_faces_change_nothing(style):
    frame = make_frame(60, 80)
    assert np.array_equal(annotate(frame, [], style, draw=lambda face, size: None), frame)


def test_boxes_leave_the_face_itself_untouched():
    frame = make_frame()
    out = annotate(frame, [make_face(270, 190, 100)])
    assert not changed(frame, out)[198:282, 278:362].any()


def test_box_has_the_emotions_colour_and_grey_when_not_sure():
    frame = np.full((1440, 1920, 3), 128, np.uint8)
    for confidence, expected in ((0.8, sprites.bgr(COLOURS["disgust"])), (0.4, panel.GREY)):
        out = annotate(frame, [make_face(800, 600, 400, "disgust", confidence)])
        assert (out[800, 790:810] == expected).all(axis=1).any()


def test_unclassified_face_gets_a_box_only():
    frame = make_frame()
    outside = changed(frame, annotate(frame, [make_face(270, 190, 100, None)]))
    outside[184:296, 264:376] = False
    assert not outside.any()


@settings(max_examples=80, deadline=None)
@given(
    st.integers(100, 700),
    st.integers(100, 700),
    st.floats(-0.2, 1.0),
    st.floats(-0.2, 1.0),
    st.floats(0.05, 0.6),
    st.sampled_from([None, 7]),
    st.sampled_from([0.3, 0.9]),
)
@example(100, 100, 0.0, 0.5, 0.5625, 7, 0.3)  # above it there is room for the panel, and not a pixel more
def test_a_panel_is_in_the_image_and_off_the_face(height, width, x, y, part, track_id, confidence):
    frame = np.zeros((height, width, 3), np.uint8)
    side = part * min(height, width)
    face = make_face(x * (width - side), y * (height - side), side, "fear", confidence, track_id)
    assume(render._visible(face, frame))
    chosen, left, top = place(face, frame)
    assert left >= 0 and top >= 0 and left + chosen.width <= width and top + chosen.height <= height
    x0, y0, x1, y1 = np.rint(face.xyxy)
    assert left >= x1 or top >= y1 or left + chosen.width <= x0 or top + chosen.height <= y0


def test_panels_of_neighbours_cover_no_face():
    frame = make_frame(720, 1280)
    faces = [make_face(40 + 150 * i, 300 + 30 * (i % 2), 110, EMOTIONS[i % 7], track_id=i) for i in range(8)]
    difference = changed(frame, annotate(frame, faces))
    for face in faces:
        x0, y0, x1, y1 = (int(v) for v in face.xyxy)
        assert not difference[y0 + 10 : y1 - 10, x0 + 10 : x1 - 10].any()


def test_panel_goes_above_then_below_then_beside():
    frame = np.zeros((480, 640, 3), np.uint8)
    face = make_face(270, 200, 100)
    chosen, _, top = place(face, frame)
    assert top + chosen.height < 200
    high = make_face(270, 5, 100)
    assert place(high, frame)[2] > 105
    flat = np.zeros((260, 900, 3), np.uint8)
    tall = make_face(300, 5, 250)
    assert place(tall, flat)[1] > 550


def test_panel_fills_with_the_size_of_face_and_image():
    def panels(side, height, width):
        return list(panel.panels_of(make_face(0, 0, side), np.zeros((height, width, 3), np.uint8), "noto"))

    assert [len(panels(100, 480, 640)), len(panels(40, 480, 640)), len(panels(30, 48, 48))] == [3, 2, 1]
    small, large = panels(100, 480, 640)[0], panels(1000, 4000, 6000)[0]
    assert 6 < large.width / small.width < 12


def test_a_face_that_fills_the_image_still_gets_a_sign():
    for side in (24, 48, 400):
        frame = make_frame(side, side)
        plain = annotate(frame, [make_face(0, 0, side, None)])
        assert changed(plain, annotate(frame, [make_face(0, 0, side)])).sum() > 30


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (5, 5), (23, 40), (3000, 30)])
@pytest.mark.parametrize("style", ["boxes", "emoji", "blur", "pixelate"])
def test_odd_images_and_faces_do_not_fail(shape, style):
    faces = [
        make_face(0, 0, 4),
        make_face(-20, -30, 25, roll_deg=170),
        make_face(1e4, 1e4, 50),
        make_face(shape[1] / 2, 1, 0.0),
        Face(np.array([-5, -5, 4000, 4000], np.float32), 0.5),
    ]
    assert annotate(make_frame(*shape), faces, style).shape == (*shape, 3)


@pytest.mark.parametrize("style", ["emoji", "blur", "pixelate"])
@pytest.mark.parametrize("side", [60, 140, 300])
@pytest.mark.parametrize("roll_deg", [0, 35])
def test_a_covered_face_is_gone(style, side, roll_deg):
    frame = np.random.default_rng(1).integers(0, 256, (600, 640, 3), np.uint8)
    frame = cv2.GaussianBlur(frame, (0, 0), side / 40)
    face = make_face(150, 180, side, roll_deg=roll_deg)
    out = replace_faces(frame, [face], style)
    part = np.s_[180 : 180 + side, 150 : 150 + side]
    before, after = (cv2.cvtColor(picture[part], cv2.COLOR_BGR2GRAY).ravel() for picture in (frame, out))
    assert changed(frame, out)[part].mean() > 0.95
    assert abs(np.corrcoef(before, after)[0, 1]) < 0.5
    # Nothing finer than the cells is left: the detail of the original has no echo.
    fine = [
        picture[part].astype(np.float32) - cv2.GaussianBlur(picture[part], (0, 0), side / 30)
        for picture in (frame, out)
    ]
    assert abs(np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1]) < 0.2


@pytest.mark.parametrize("style", ["emoji", "blur", "pixelate"])
def test_a_face_over_the_border_is_covered(style):
    frame = make_frame()
    difference = changed(frame, replace_faces(frame, [make_face(-50, -40, 120)], style))
    assert difference[:60, :60].mean() > 0.95 and not difference[200:].any()


def test_blur_and_squares_leave_few_colours():
    frame = np.random.default_rng(2).integers(0, 256, (400, 400, 3), np.uint8)
    squares = replace_faces(frame, [make_face(150, 150, 100)], "pixelate")[150:250, 150:250]
    assert len(np.unique(squares.reshape(-1, 3), axis=0)) < 80
    cloud = replace_faces(frame, [make_face(150, 150, 100)], "blur")[150:250, 150:250].astype(int)
    assert np.abs(np.diff(cloud, axis=1)).max() < 8


def test_the_emoji_rolls_with_the_head():
    frame = np.zeros((400, 400, 3), np.uint8)
    upright = replace_faces(frame, [make_face(150, 150, 100)])
    tilted = replace_faces(frame, [make_face(150, 150, 100, roll_deg=30)])
    head = cover.head_of(make_face(150, 150, 100))
    turn = cv2.getRotationMatrix2D((200, 200), -30, 1)
    expected = cv2.warpAffine(upright, turn, (400, 400))
    assert np.abs(expected.astype(int) - tilted).mean() < 2
    assert head.y < 200 and cover.head_of(make_face(150, 150, 100, roll_deg=90)).x > 200


def test_not_sure_is_a_thinking_face():
    thinking = sprites.emoji("not_sure", 32)
    for face in (make_face(0, 0, 9, "sad", 0.3), make_face(0, 0, 9, None)):
        np.testing.assert_array_equal(panel.emoji_of(face, 32, "noto"), thinking)
    assert panel._words(make_face(0, 0, 9, "sad", 0.3)) == ("not sure", "sad? 30%")
    assert panel._words(make_face(0, 0, 9, "sad", 0.87)) == ("sad", "87%")


@pytest.mark.parametrize("art", sprites.ART)
@pytest.mark.parametrize("name", [*EMOTIONS, "not_sure"])
def test_art_is_there_premultiplied_and_soft_edged(art, name):
    for size in (16, 256, 700):
        sprite = sprites.emoji(name, size, art)
        alpha = sprite[..., 3]
        assert sprite.shape == (size, size, 4) and (sprite[..., :3] <= alpha[..., None]).all()
        assert alpha[0, 0] == alpha[-1, -1] == 0 and alpha[size // 2, size // 2] == 255
        assert ((alpha > 0) & (alpha < 255)).sum() > size


def test_text_is_drawn_and_as_wide_as_its_words():
    short, long = sprites.text("sad", 20), sprites.text("surprise", 20)
    assert short.shape[0] == long.shape[0] == 25 and 1.5 < long.shape[1] / short.shape[1] < 3.5
    assert short[..., 3].max() == 255 and 0.1 < (short[..., 3] > 128).mean() < 0.6
    assert sprites.text("", 20).shape[1] == 1


def test_stamp_mixes_by_alpha():
    frame = np.full((4, 4, 3), 200, np.uint8)
    sprite = np.zeros((2, 2, 4), np.uint8)
    sprite[0, 0] = (10, 20, 30, 255)
    sprite[0, 1] = (0, 50, 100, 128)
    sprites.stamp(frame, sprite, 3, 3)
    assert frame[3, 3].tolist() == [10, 20, 30]
    sprites.stamp(frame, sprite, 0, 0)
    assert np.abs(frame[0, 1].astype(int) - [100, 150, 200]).max() <= 1 and frame[1, 1].tolist() == [200, 200, 200]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: annotate(make_frame(), [], "boxed"), "style must be one of boxes"),
        (lambda: annotate(make_frame()[..., 0], []), "Expected a frame"),
        (lambda: annotate(make_frame().astype(np.float32), []), "float32"),
        (lambda: annotate("photo.jpg", []), "str"),
        (lambda: annotate(make_frame(), [make_face(9, 9, 99)], "emoji", "twemoji"), "art must be one of"),
    ],
)
def test_mistakes_are_reported_in_one_line(call, words):
    with pytest.raises(InputError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("art", sprites.ART)
@pytest.mark.parametrize("emotion", EMOTIONS)
@pytest.mark.parametrize("confidence", [0.9, 0.3])
def test_every_emoji_hides_the_whole_box(art, emotion, confidence):
    black, white = (np.full((300, 300, 3), value, np.uint8) for value in (0, 255))
    face = make_face(100, 110, 100, emotion, confidence, roll_deg=-20)
    shown = [replace_faces(frame, [face], "emoji", art)[110:210, 100:200].astype(int) for frame in (black, white)]
    assert (np.abs(shown[0] - shown[1]).max(axis=2) > 8).mean() < 0.01


def overlap(panel, x, y, box) -> float:
    """Area in pixels that a panel at (x, y) shares with a box."""
    sides = np.minimum([x + panel.width, y + panel.height], box[2:]) - np.maximum([x, y], box[:2])
    return float(np.clip(sides, 0, None).prod())


def test_labels_leave_hair_and_neighbours_free_where_there_is_room():
    faces = [make_face(x, 200, 90, confidence=0.8) for x in (120, 330, 540)]
    frame = make_frame(600, 760)
    for face in faces:
        panel, x, y = place(face, frame, faces)
        assert [overlap(panel, x, y, np.array(render._head(other))) for other in faces] == [0, 0, 0]


def test_a_label_stays_on_its_side_while_the_face_moves():
    """A head near the upper edge bobs by a few pixels: above it there is room in every other frame only."""
    frame = make_frame()
    panel, _, _ = place(make_face(250, 240, 100, track_id=4), frame)
    edge = round(panel.height + 0.4 * 100) + 6
    places: dict = {}
    sides = set()
    for y in (edge - 30, edge + 2, edge - 30, edge + 2, edge - 30):
        _, _, top = place(make_face(250, y, 100, track_id=4), frame, places=places)
        sides.add(top > y)
    assert len(sides) == 1 and places
    lonely = {place(make_face(250, y, 100, track_id=4), frame)[2] > y for y in (edge - 30, edge + 2)}
    assert lonely == {True, False}, "without the memory it jumps"


def test_sprites_of_two_hundred_sizes_stay_within_their_bytes():
    for size in range(64, 1024, 5):
        sprites.emoji("happy", size)
    kept = sprites.emoji.sprites
    assert sprites.EMOJI_BYTES // 2 < kept.size_bytes <= sprites.EMOJI_BYTES
    again = sprites.emoji("happy", 1019)
    assert sprites.emoji("happy", 1019) is again and sprites.emoji("happy", 64).shape == (64, 64, 4)
    with pytest.raises(ValueError, match="read-only"):
        again[:] = 0
