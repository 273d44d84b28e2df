"""Who may open the pages, and that nobody outside is asked."""

import pytest

pytest.importorskip("streamlit", reason="the web extra is not installed: pip install -r requirements/web.txt")
from streamlit import config, net_util
from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed, is_host_allowed

from emojimation.apps.web import guard


@pytest.fixture
def asked(monkeypatch):
    """The outside addresses that Streamlit asks."""
    addresses = []
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda url, **_: addresses.append(url))
    monkeypatch.setattr(net_util, "_external_ip", None)
    monkeypatch.setattr(net_util, "get_external_ip", net_util.get_external_ip)
    return addresses


def test_a_foreign_origin_is_refused_and_no_outside_host_is_asked(asked):
    guard.ask_nobody()
    assert not _is_origin_allowed("http://evil.test", "127.0.0.1:8501") and asked == []
    assert _is_origin_allowed("http://127.0.0.1:8501", "127.0.0.1:8501")


@pytest.mark.parametrize(
    ("host", "more", "name", "allowed"),
    [
        ("127.0.0.1", (), "localhost:8501", True),
        ("127.0.0.1", (), "[::1]:8501", True),
        ("127.0.0.1", (), "evil.test:8501", False),
        ("127.0.0.1", ("faces.example.org",), "faces.example.org", True),
        ("0.0.0.0", (), "evil.test:8501", False),
        ("0.0.0.0", (), "127.0.0.1:8501", True),
        ("192.0.2.7", (), "192.0.2.7:8501", True),
        ("192.0.2.7", (), "evil.test", False),
    ],
)
def test_the_server_answers_to_its_own_names(monkeypatch, host, more, name, allowed):
    names = guard.host_names(host, more)
    monkeypatch.setattr(config, "get_option", lambda key: names if key == "server.allowedHosts" else None)
    assert is_host_allowed(name) is allowed
