"""The routes of video jobs."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from emojimation.apps.api import body as api_body
from emojimation.apps.api import schema as api_schema
from emojimation.apps.api.jobs import Jobs
from emojimation.apps.api.jobs import answer as answer_of
from emojimation.apps.api.problem import Problem
from emojimation.apps.api.schema import CharacterName, Kind, StreamPrior, Strength, StyleName, problems
from emojimation.draw.styles import HIDING
from emojimation.video.run import Options
from emojimation.videojobs import FILES

KINDS = ("video/mp4", "video/webm", "video/x-matroska", "video/quicktime", "application/octet-stream")


def add_video(app: FastAPI, jobs: Jobs) -> None:
    """Give `app` the routes /v1/video."""
    _add_submission(app, jobs)
    _add_results(app, jobs)


def _add_submission(app: FastAPI, jobs: Jobs) -> None:
    location = {"location": {"description": "Where the job's state is.", "schema": {"type": "string"}}}
    accepted = {"model": api_schema.JobAnswer, "description": "The job is queued.", "headers": location}
    raw = {"content": {kind: {"schema": api_schema.BINARY} for kind in KINDS}, "required": True}

    @app.post(
        "/v1/video",
        status_code=202,
        tags=["videos"],
        responses={202: accepted, **problems(400, 401, 408, 413, 415, 422, 429)},
        openapi_extra={"requestBody": raw},
    )
    async def submit_video(
        request: Request,
        files: Annotated[list[Kind] | None, Query(description="What to produce; default: `film`, `jsonl`.")] = None,
        style: Annotated[StyleName | None, Query(description="Default: boxes; with anonymise: emoji.")] = None,
        anonymise: Annotated[bool, Query(description="Hide every face: two passes, gaps filled.")] = False,
        character: Annotated[CharacterName, Query(description="Who avatar and puppet are.")] = "emoji",
        strength: Annotated[Strength, Query(description="How thoroughly faces to hide are searched.")] = "careful",
        prior: Annotated[
            StreamPrior | None, Query(description="Base rates of the emotions; `stream`: learned from the video.")
        ] = None,
        every: Annotated[int, Query(ge=1, le=1000, description="Analyse every n-th frame only.")] = 1,
        measure: api_schema.Measures = None,
        reidentify: Annotated[
            bool, Query(description="Recognise people by their faces: whoever returns keeps their number.")
        ] = False,
    ) -> Response:
        """Accept a video (raw body) as a job."""
        kind = api_body.content_type(request)
        if not kind.startswith("video/") and kind not in ("application/octet-stream", "image/gif"):
            raise Problem(415, f"Expected Content-Type video/... or application/octet-stream, got {kind or 'none'}.")
        kinds = tuple(dict.fromkeys(files or ("film", "jsonl")))
        if anonymise and ("film" not in kinds or style not in (None, *HIDING)):
            raise Problem(422, "Expected, with anonymise, the file `film` and a style that hides faces.")
        options = Options(
            style=style or ("emoji" if anonymise else "boxes"),
            character=character,
            hide=anonymise,
            every=every,
            strength=strength,
            workers=jobs.workers,
            reidentify=reidentify,
        )
        chunks = api_body.chunks_of(request, jobs.limits.video_bytes, jobs.limits.upload_s)
        job = await jobs.accept(chunks, options, kinds, prior, request.state.owner, tuple(measure or ()))
        return JSONResponse(answer_of(job), 202, {"location": f"/v1/video/{job.id}"})


def _add_results(app: FastAPI, jobs: Jobs) -> None:
    answer: dict[int | str, dict[str, Any]] = {200: {"model": api_schema.JobAnswer}}

    @app.get(
        "/v1/video",
        tags=["videos"],
        responses={200: {"model": api_schema.JobList}, **problems(401, 403, 429)},
    )
    async def list_jobs(request: Request) -> Response:
        """The jobs that were submitted with the caller's token."""
        return JSONResponse({"jobs": jobs.of(request.state.owner)})

    @app.get("/v1/video/{number}", tags=["videos"], responses={**answer, **problems(401, 404, 422, 429)})
    async def get_job(number: str) -> Response:
        """The progress of a job."""
        return JSONResponse(answer_of(jobs.get(number)))

    @app.delete("/v1/video/{number}", tags=["videos"], responses={**answer, **problems(401, 404, 422, 429)})
    async def delete_job(number: str) -> Response:
        """Cancel a job, or delete a finished one (state `deleted`); its files are removed."""
        return JSONResponse(jobs.delete(number))

    content = {media: {"schema": api_schema.BINARY} for _, media in FILES.values()}

    @app.get(
        "/v1/video/{number}/{kind}",
        tags=["videos"],
        response_class=FileResponse,
        responses={200: {"description": "The file.", "content": content}, **problems(401, 404, 409, 422, 429)},
    )
    async def download_result(number: str, kind: Kind) -> Response:
        """A file of a finished job."""
        path, media_type = jobs.file(number, kind)
        return FileResponse(path, media_type=media_type, filename=path.name)
