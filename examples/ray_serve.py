"""The engine behind Ray Serve: POST an image, get the row that the service's /v1/analyze gives.

pip install . "ray[serve]"
python examples/ray_serve.py --port 8001 --replicas 2
curl --data-binary @photo.jpg http://127.0.0.1:8001/
"""

import argparse
import asyncio
from typing import Any

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse

from emojimation.errors import InputError
from emojimation.media import decode_image
from emojimation.photos import picture_result
from emojimation.pipeline import make_pipeline

MOST_MEGAPIXELS = 40.0


@serve.deployment(ray_actor_options={"num_cpus": 1}, max_ongoing_requests=4)
class Faces:
    """A replica: the models loaded once, decoding and classification as everywhere else."""

    def __init__(self, model: str):
        self._pipeline = make_pipeline(model)

    def row(self, data: bytes) -> dict[str, Any]:
        """As `emojimation image --json`. Raises InputError."""
        picture = decode_image(data, "picture", MOST_MEGAPIXELS)
        return picture_result("picture", picture, self._pipeline).to_dict()

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer one request."""
        data = await request.body()
        try:
            return JSONResponse(await asyncio.to_thread(self.row, data))
        except InputError as error:
            return JSONResponse({"detail": str(error)}, 422)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--model", default="default")
    args = parser.parse_args()
    serve.start(http_options={"host": "127.0.0.1", "port": args.port})
    serve.run(Faces.options(num_replicas=args.replicas).bind(args.model))
    print(f"Serving http://127.0.0.1:{args.port}", flush=True)
    try:
        asyncio.run(asyncio.Event().wait())
    except KeyboardInterrupt:
        serve.shutdown()


if __name__ == "__main__":
    main()
