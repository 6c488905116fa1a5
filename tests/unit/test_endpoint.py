"""Which server is meant, whether it is on this machine, and what a remote one needs."""

from __future__ import annotations

import pytest

from devrouter.engines.endpoint import is_loopback, ollama_endpoint, openai_endpoint
from devrouter.engines.engine import EndpointRefused


@pytest.mark.parametrize(
    ("written", "url", "local"),
    [
        # Those of Ollama's own test of the variable, and a few more.
        ("", "http://127.0.0.1:11434", True),
        ("1.2.3.4", "http://1.2.3.4:11434", False),
        (":1234", "http://127.0.0.1:1234", True),
        ("1.2.3.4:1234", "http://1.2.3.4:1234", False),
        ("0.0.0.0", "http://127.0.0.1:11434", True),  # noqa: S104
        ("0.0.0.0:1234", "http://127.0.0.1:1234", True),
        ("[::]:1234", "http://[::1]:1234", True),
        ("example.com", "http://example.com:11434", False),
        ("Example.com:1234", "http://example.com:1234", False),
        (":0", "http://127.0.0.1:0", True),
        (":66000", "http://127.0.0.1:11434", True),
        (":-1", "http://127.0.0.1:11434", True),
        ("[::1]", "http://[::1]:11434", True),
        ("[::1]:1337", "http://[::1]:1337", True),
        ("::1", "http://[::1]:11434", True),
        ("[2001:db8::1]", "http://[2001:db8::1]:11434", False),
        (" 127.0.0.1 ", "http://127.0.0.1:11434", True),
        ('"127.0.0.1:1234"', "http://127.0.0.1:1234", True),
        ("'localhost'", "http://localhost:11434", True),
        ("https://1.2.3.4", "https://1.2.3.4:443", False),
        ("http://1.2.3.4", "http://1.2.3.4:80", False),
        ("https://1.2.3.4:4321/ollama/", "https://1.2.3.4:4321/ollama", False),
        ("http://127.0.0.1@evil.example", "http://evil.example:80", False),
        ("http://localhost.evil.example:11434", "http://localhost.evil.example:11434", False),
        ("ollama.com", "https://ollama.com:443", False),
    ],
)
def test_ollama_host(written: str, url: str, *, local: bool) -> None:
    endpoint = ollama_endpoint("", {"OLLAMA_HOST": written})
    assert (endpoint.url, endpoint.is_local) == (url, local)


def test_the_setting_goes_before_the_variable() -> None:
    endpoint = ollama_endpoint("127.0.0.2:1", {"OLLAMA_HOST": "example.com"})
    assert (endpoint.url, endpoint.origin) == ("http://127.0.0.2:1", "`ollama.host`")
    assert ollama_endpoint("", {"OLLAMA_HOST": "x.example"}).origin == "OLLAMA_HOST"


@pytest.mark.parametrize(
    ("written", "url", "local"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1", True),
        ("http://localhost:8080/", "http://localhost:8080/v1", True),
        ("localhost:1234", "http://localhost:1234/v1", True),
        ("http://[::1]:8000/v1/", "http://[::1]:8000/v1", True),
        ("https://api.example/openai/v1", "https://api.example:443/openai/v1", False),
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000/v1", False),
    ],
)
def test_openai_address(written: str, url: str, *, local: bool) -> None:
    endpoint = openai_endpoint(written, {})
    assert (endpoint.url, endpoint.is_local) == (url, local)


@pytest.mark.parametrize(
    "written", ["ftp://127.0.0.1/v1", "http://", "http://[::1", "http://host:port/v1", ""]
)
def test_what_is_no_address_is_refused_and_named(written: str) -> None:
    with pytest.raises(EndpointRefused, match=r"`openai\.base_url` is no address"):
        openai_endpoint(written, {})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("128.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("192.168.0.1", False),
        ("127.0.0.1.example.com", False),
        ("127.1", False),  # Some resolvers read it as 127.0.0.1; the strict reading is the safe one.
    ],
)
def test_loopback(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


PROXIES = {
    "http_proxy": "http://user:secret@proxy.example:3128",
    "NO_PROXY": "trusted.example,.inner.example",
}


@pytest.mark.parametrize(
    ("host", "proxy"),
    [
        ("models.example", "proxy.example:3128"),
        ("trusted.example", None),
        ("a.inner.example", None),
        ("https://models.example", None),
        ("127.0.0.1", None),
        ("localhost", None),
    ],
)
def test_which_proxy_a_call_passes_through(host: str, proxy: str | None) -> None:
    assert ollama_endpoint(host, PROXIES).proxy == proxy


def test_a_remote_host_must_be_allowed_by_name() -> None:
    endpoint = ollama_endpoint("models.example", PROXIES)
    with pytest.raises(EndpointRefused) as caught:
        endpoint.require_allowed(("other.example",))
    for word in ("models.example", "`ollama.host`", "`remote.allowed`", "proxy.example:3128"):
        assert word in str(caught.value)
    assert "secret" not in str(caught.value)
    endpoint.require_allowed(("Models.Example",))
