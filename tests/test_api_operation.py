"""What runs a service for others: settings from three places, tokens and their rotation, rates, ids, traces."""

import pytest

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")

from emojimation.apps.api.settings import settings_of  # noqa: E402
from emojimation.apps.api.tokens import Rates, Tokens  # noqa: E402
from emojimation.errors import InputError  # noqa: E402
from served import Served, receiving, service  # noqa: E402


@pytest.fixture(scope="module")
def collector():
    """An OpenTelemetry collector that keeps what it gets."""
    with receiving(lambda call: 200) as (address, got):
        yield f"{address}/v1/traces", got


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text("# of the old client\nold\n")
    return path


@pytest.fixture(scope="module")
def served(tiny_model, tokens, collector) -> Served:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra `trace` is not installed")
    with service(
        model=str(tiny_model), workers=1, token="fixed", token_file=str(tokens), trace_to=collector[0]
    ) as running:
        yield running


def get(served: Served, token: str, **headers: str):
    return httpx.get(f"{served.url}/v1/model", headers={"authorization": f"Bearer {token}", **headers})


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(tmp_path, monkeypatch):
    file = tmp_path / "service.toml"
    file.write_text('model = "lite"\nport = 1\nprior = "uniform"\n[limits]\nqueue = 3\nfaces = 4\nkept_s = 5\n')
    monkeypatch.setenv("EMOJIMATION_PORT", "2")
    monkeypatch.setenv("EMOJIMATION_PRIOR", "fer2013")
    monkeypatch.setenv("EMOJIMATION_ORIGINS", '["https://a.example"]')
    monkeypatch.setenv("EMOJIMATION_LIMITS__QUEUE", "6")
    got = settings_of(file, {"prior": "everyday", "limits": {"faces": 7}})
    assert (got.model, got.port, got.prior, got.origins) == ("lite", 2, "everyday", ["https://a.example"])
    assert (got.limits.queue, got.limits.faces, got.limits.kept_s, got.limits.jobs) == (6, 7, 5, 8)


@pytest.mark.parametrize("text", ["port = 70000", "colour = 1", "port = ", "[limits]\nqueue = 0"])
def test_settings_that_do_not_fit_are_told_in_one_line(text, tmp_path):
    (tmp_path / "service.toml").write_text(text)
    with pytest.raises(InputError, match="Expected") as told:
        settings_of(tmp_path / "service.toml", {})
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="not a file"):
        settings_of(tmp_path / "missing.toml", {})


def test_tokens_rotate_without_a_restart(served, tokens):
    assert [get(served, token).status_code for token in ("fixed", "old", "new")] == [200, 200, 401]
    tokens.write_text("old\nnew\n")
    assert [get(served, token).status_code for token in ("old", "new")] == [200, 200]
    tokens.write_text("new\n")
    assert [get(served, token).status_code for token in ("old", "new")] == [401, 200]
    tokens.unlink()
    assert [get(served, token).status_code for token in ("old", "new", "fixed", "x")] == [401, 200, 200, 401]


def test_a_file_of_tokens_without_any_is_refused(tmp_path):
    (tmp_path / "tokens").write_text("# none\n\n")
    with pytest.raises(InputError, match="a token in"):
        Tokens(file=tmp_path / "tokens")
    assert Tokens().accepted(b"") == b""


def test_a_rate_is_each_tokens_own_and_allows_a_burst():
    now = [0.0]
    rates = Rates(2.0, lambda: now[0])
    assert [rates.wait_s(b"a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert rates.wait_s(b"b") == 0
    now[0] = 0.5
    assert [rates.wait_s(b"a") for _ in range(2)] == [0, 0.5]
    assert {Rates(0).wait_s(b"a") for _ in range(999)} == {0}


@pytest.mark.slow
def test_a_callers_request_id_is_taken_over_and_too_many_requests_are_refused(tiny_model):
    with service(model=str(tiny_model), workers=1, rate_per_s=0.001) as running:
        for given, same in (("job-7.1", True), ("a" * 65, False), ('x"}', False)):
            answer = httpx.get(f"{running.url}/health", headers={"x-request-id": given})
            assert (answer.headers["x-request-id"] == given) == same
            assert answer.headers["x-content-type-options"] == "nosniff"
        page = httpx.get(f"{running.url}/metrics").text
        assert "emojimation_queue_seconds_bucket" in page and "emojimation_inference_seconds_bucket" in page
        refused = httpx.get(f"{running.url}/metrics")
        assert refused.status_code == 429 and 900 < int(refused.headers["retry-after"]) <= 1000
        assert running.stop() == 0
    assert next(line["id"] for line in running.lines if line.get("route") == "/health") == "job-7.1"


def test_requests_become_spans_of_the_callers_trace(served, collector):
    trace = "0af7651916cd43dd8448eb211c80319c"
    assert get(served, "fixed", traceparent=f"00-{trace}-b7ad6b7169203331-01").status_code == 200
    assert served.stop() == 0
    sent = b"".join(call.body for call in collector[1] if call.path == "/v1/traces")
    assert bytes.fromhex(trace) in sent and b"GET /v1/model" in sent and b"emojimation" in sent
