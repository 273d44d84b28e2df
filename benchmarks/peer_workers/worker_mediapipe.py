"""MediaPipe's full-range face detection alone: it names no emotion."""

import mediapipe
from answering import answer

detector = mediapipe.solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.5)
answer(lambda picture: len(detector.process(picture).detections or []))
