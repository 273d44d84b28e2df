"""The example with Ray Serve answers as the library does."""

import os
import signal
import socket
import subprocess
import sys

import pytest

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytest.importorskip("grpc_reflection", reason="ray[serve] is not installed")
httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")

from conftest import ROOT, SAMPLES  # noqa: E402
from emojimation.media import read_image  # noqa: E402
from emojimation.photos import picture_result  # noqa: E402
from emojimation.pipeline import make_pipeline  # noqa: E402

PHOTO = SAMPLES / "astronaut.jpg"


@pytest.mark.slow
def test_the_example_answers_as_the_library_does(tiny_model):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    env = os.environ | {"PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, str(ROOT / "examples" / "ray_serve.py"), "--port", str(port), "--model", str(tiny_model)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        try:
            lines = iter(run.stdout.readline, "")
            url = next(line.split()[-1] for line in lines if line.startswith("Serving http"))
            answer = httpx.post(url, content=PHOTO.read_bytes(), timeout=120)
            refused = httpx.post(url, content=b"no image", timeout=120)
        finally:
            run.send_signal(signal.SIGINT)
            run.wait(60)
    wanted = picture_result("picture", read_image(PHOTO), make_pipeline(tiny_model)).to_dict()
    assert answer.status_code == 200 and answer.json() == wanted
    assert refused.status_code == 422 and "Expected an image" in refused.json()["detail"]
