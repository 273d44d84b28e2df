"""468 points of each face in three dimensions, and what follows from them: head pose, lids, brows, mouth and gaze."""
