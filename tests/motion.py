"""Short clips as a hand-held camera makes them, from the bundled photos: shake, blur, turned heads, titles, cuts."""

import cv2
import numpy as np

from conftest import SAMPLES

SIZE_WH = (640, 360)
FPS = 15.0
# Box of the face in the photo, brows to chin and ear to ear, by eye.
FACES = {
    "astronaut.jpg": (182, 68, 268, 182),
    "obama.jpg": (365, 110, 520, 350),
    "biden.jpg": (222, 105, 322, 250),
    "obama3.jpg": (303, 125, 392, 258),
}


def shaken(portrait, number, face_px=150.0, turn=0.0, blur_px=7):
    """Frame `number` of a clip of a photo, and the face's box in it.

    face_px: height of the face. turn: degrees by which the head looks to the side, as far as a flat image can.
    """
    photo = cv2.imread(str(SAMPLES / portrait))
    x0, y0, x1, y1 = FACES[portrait]
    scale = face_px / (y1 - y0)
    sway = np.array([np.sin(0.9 * number) + 0.6 * np.sin(2.3 * number), np.sin(1.3 * number + 1) * 0.8]) * 9
    squeeze = np.cos(np.radians(turn))
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    target = np.array(SIZE_WH) / 2 + (0, 20) + sway
    matrix = np.array([[scale * squeeze, 0, 0], [0, scale, 0]])
    matrix[:, 2] = target - matrix[:, :2] @ centre
    frame = cv2.warpAffine(photo, matrix, SIZE_WH, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    half = np.array([(x1 - x0) * scale * squeeze, face_px]) / 2
    return motion_blurred(frame, blur_px, 37.0 * number), np.concatenate([target - half, target + half])


def motion_blurred(frame, length_px, angle_deg):
    """The frame as a camera smears it that moves while the shutter is open."""
    kernel = np.zeros((length_px, length_px), np.float32)
    kernel[length_px // 2] = 1 / length_px
    middle = (length_px - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), angle_deg, 1)
    kernel = cv2.warpAffine(kernel, turn, (length_px, length_px))
    return cv2.filter2D(frame, -1, kernel / kernel.sum())


def title(number, words="The Great Unknown"):
    """A title card: letters that come out of a blur, over a sky."""
    width, height = SIZE_WH
    sky = np.linspace((180, 120, 40), (235, 220, 190), height)[:, None].repeat(width, axis=1).astype(np.uint8)
    clouds = np.random.default_rng(5).normal(0, 60, (6, 10)).astype(np.float32)
    clouds = np.clip(cv2.resize(clouds, SIZE_WH, interpolation=cv2.INTER_CUBIC), 0, 60).astype(np.uint8)
    sky = cv2.add(sky, cv2.cvtColor(clouds, cv2.COLOR_GRAY2BGR))
    place = (70 + number, 200)
    cv2.putText(sky, words, place, cv2.FONT_HERSHEY_TRIPLEX, 1.6, (40, 60, 120), 14, cv2.LINE_AA)
    cv2.putText(sky, words, place, cv2.FONT_HERSHEY_TRIPLEX, 1.6, (60, 190, 250), 5, cv2.LINE_AA)
    soft = max(1, 15 - number) // 2 * 2 + 1
    return cv2.GaussianBlur(sky, (soft, soft), 0)
