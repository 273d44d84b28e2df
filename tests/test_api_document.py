"""The OpenAPI document by itself: valid, complete, and of use to a generator of clients."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")
validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")

from emojimation.apps.api import app as api  # noqa: E402
from served import service  # noqa: E402


@pytest.fixture(scope="module")
def document(tiny_model) -> dict:
    made = api.service(api.ServiceSettings(model=str(tiny_model), workers=1))
    return json.loads(json.dumps(made.openapi()))


def operations(document: dict) -> dict[str, dict]:
    return {f"{verb} {path}": found for path, verbs in document["paths"].items() for verb, found in verbs.items()}


def test_it_is_valid_and_every_reference_resolves(document):
    assert [str(error) for error in validator.OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert "ProblemDetail" in document["components"]["schemas"]


def test_operations_have_readable_ids_declared_errors_and_described_headers(document):
    ids = {name: found["operationId"] for name, found in operations(document).items()}
    assert ids["get /v1/video/{number}"] == "get_job" and ids["post /v1/analyze"] == "analyze"
    assert len(set(ids.values())) == len(ids) and not [name for name in ids.values() if "v1" in name]
    for name, found in operations(document).items():
        assert "500" in found["responses"], name
        assert found["security"] == ([] if name in ("get /health", "get /ready") else [{"bearer": []}, {}])
        for status, response in found["responses"].items():
            assert response["headers"]["x-request-id"]["description"]
            assert status not in ("429", "503") or "retry-after" in response["headers"], name
            assert status < "400" or "application/problem+json" in response["content"], name


def test_examples_fit_their_schemas_and_states_are_listed(document):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schemas = document["components"]["schemas"]
    assert set(schemas["JobAnswer"]["properties"]["state"]["enum"]) >= {"queued", "done", "deleted"}
    assert schemas["ModelAnswer"]["properties"]["model"] == {"$ref": "#/components/schemas/ModelCard"}
    tried = [(name, example) for name, schema in schemas.items() for example in schema.get("examples", ())]
    for name, example in tried:
        jsonschema.validate(example, {"$ref": f"#/components/schemas/{name}", "components": document["components"]})
    assert {name for name, _ in tried} == {"Analysis", "HidingAnswer", "JobAnswer"}


@pytest.mark.slow
def test_a_generated_client_reads_answers_and_errors(document, tiny_model, tmp_path, monkeypatch):
    pytest.importorskip("openapi_python_client", reason="openapi-python-client is not installed")
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    options = ["--path", "openapi.json", "--meta", "none", "--output-path", "made", "--config", "config.yml"]
    command = [sys.executable, "-c", "from openapi_python_client.cli import app; app()", "generate", *options]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    monkeypatch.syspath_prepend(tmp_path)
    from made import Client
    from made.api.service import get_model
    from made.api.videos import get_job

    with service(model=str(tiny_model), workers=1) as running:
        client = Client(base_url=running.url)
        missing = get_job.sync_detailed("unknown", client=client)
        assert missing.status_code == 404 and missing.parsed.status == 404 and "unknown" in missing.parsed.detail
        assert get_model.sync(client=client).limits.queue == 64
