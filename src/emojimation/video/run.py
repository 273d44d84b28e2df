"""A complete video from source to files: analysis, drawing, sound, rows, subtitles, report; resumable.

A run is up to three steps over one `footage.Work`: `search.Search` (only to hide faces), `drawing.Drawing`, and
`finish.Finish`.
"""

import errno
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from emojimation.appearance import Described
from emojimation.draw.cover import Draw
from emojimation.errors import InputError
from emojimation.hiding.own import Within, cover_of
from emojimation.interrupt import Interrupt
from emojimation.video.analyse import FindFaces
from emojimation.video.drawing import Drawing
from emojimation.video.finish import Finish, VideoResult
from emojimation.video.footage import Footage, Progress, Work
from emojimation.video.job import Job
from emojimation.video.options import Options, asked_of, check
from emojimation.video.outputs import Targets
from emojimation.video.search import Search

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run_video(
    source: str | int | Path,
    find_faces: FindFaces,
    targets: Targets,
    options: Options | None = None,
    on_frame: Callable[[Progress], None] | None = None,
    threshold: float = 0.5,
) -> VideoResult:
    """Analyse a video and write the `targets`.

    source: as `source.open_source` takes it. find_faces: a frame's image -> faces with probabilities, such as a
    `Pipeline` without tracker; called from `options.workers` threads. on_frame: called after each frame; an exception
    ends the run. threshold: confidence below which covered faces show "not sure".

    Ctrl-C (in the main thread) ends the run after the current frame: the files are finished up to there, `interrupted`
    is set, and it can be resumed. Raises InputError for bad input and if the disk is full; finished frames then
    stay next to the target, in a folder from which `resume` continues.
    """
    options = options or Options()
    check(options, targets.film is not None)
    targets.check(source)
    find_faces = find_faces if options.region is None else Within(find_faces, options.region)
    find_faces = Described(find_faces) if options.reidentify else find_faces
    cover = None if options.cover is None else cover_of(options.cover)
    began = time.perf_counter()
    with closing(Footage(source, options)) as footage:
        suffix = None if targets.film is None else targets.film.suffix.lower()
        job = Job(targets.primary, asked_of(source, options, suffix), suffix, options.resume)
        work = Work(footage, job, options, find_faces, threshold, Interrupt(), on_frame)
        result = _run(work, targets, cover)
    result.seconds = time.perf_counter() - began
    return result


def _run(work: Work, targets: Targets, cover: Draw | None) -> VideoResult:
    """The steps; the run's folder is kept only if it can be resumed."""
    ended = False
    try:
        with work.interrupt:
            covers = Search(work).run() if work.options.hides else None
            drawn = Drawing(work, targets.film is not None, cover).run(covers)
            result = Finish(work, targets).run(drawn)
        ended = not result.interrupted
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise InputError(
            f"Expected space on the disk, got none ({error.strerror}): the finished frames are in {work.job.folder}. "
            "Free some space and continue with --resume."
        ) from error
    finally:
        work.job.close(keep=not ended)
    return result
