"""Where a model server is: on this machine, or elsewhere and then only by the user's leave.

Loopback addresses are local and ignore proxy variables. Everything else is remote: the draft would leave the
machine, so it is refused until the user has put the host into `remote.allowed`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from devrouter.engines.engine import EndpointRefused, SecretHeldBack

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from devrouter.core.draft import Draft

OLLAMA_PORT = 11434
ALLOWED_SETTING = "remote.allowed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` has no trailing slash, `host` is what the user allows by name, `origin` is where it was set.

    `proxy` is the proxy a remote call passes through, None for a local one.
    """

    url: str
    host: str
    origin: str
    is_local: bool
    proxy: str | None

    @property
    def remark(self) -> str:
        """A sentence for the status of a server that is not on this machine; empty for a local one."""
        if self.is_local:
            return ""
        through = f" through the proxy {self.proxy}" if self.proxy else ""
        return f" Drafts leave this machine for {self.host} (from {self.origin}){through}."

    def require_allowed(self, allowed: Collection[str]) -> None:
        """Raises `EndpointRefused` for a remote host that is not in `allowed`."""
        if self.is_local or self.host in {host.lower() for host in allowed}:
            return
        through = f" through the proxy {self.proxy}" if self.proxy else ""
        raise EndpointRefused(
            f"{self.host} (from {self.origin}) is not this machine: drafts would be sent there{through}. "
            f'To allow it, add "{self.host}" to `{ALLOWED_SETTING}` in your own configuration.'
        )

    def require_no_secret(self, draft: Draft) -> None:
        """Raises `SecretHeldBack` for a draft with a secret where this is another machine, be it allowed."""
        if draft.holds_secret and not self.is_local:
            raise SecretHeldBack(
                f"This prompt holds a secret, so it was not sent to {self.host}. "
                "Mask the secret, or say that it is none, then ask again."
            )


def ollama_endpoint(setting: str | None, environment: Mapping[str, str]) -> Endpoint:
    """The Ollama server: the setting if there is one, else `OLLAMA_HOST`, else this machine's port 11434.

    Parsed as Ollama's own `envconfig.Host` does: scheme optional, port 11434 (80 and 443 where a scheme is
    written), quotes and spaces trimmed, a bad port replaced. For a client `0.0.0.0` means loopback.
    Raises `EndpointRefused` for a scheme other than http and https.
    """
    written = setting or environment.get("OLLAMA_HOST", "")
    origin = "`ollama.host`" if setting else "OLLAMA_HOST"
    text = written.strip().strip("\"'").strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = ("https", "ollama.com:443") if text == "ollama.com" else ("http", text)
    default_port = {"http": 80, "https": 443}.get(scheme, OLLAMA_PORT) if separator else OLLAMA_PORT
    authority, _, path = rest.partition("/")
    host, port = _split_port(authority.rpartition("@")[2], default_port)
    address = _Address(scheme.lower(), host, port, path.strip("/"), origin if text else "the default")
    return _endpoint(address, environment)


def openai_endpoint(url: str, environment: Mapping[str, str], origin: str = "`openai.base_url`") -> Endpoint:
    """An OpenAI-compatible server, `/v1` added where the address has no path. Raises `EndpointRefused`."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise EndpointRefused(f"{origin} is no address of a server: {url!r}.") from None
    if not parts.hostname:
        raise EndpointRefused(f"{origin} is no address of a server: {url!r}.")
    address = _Address(parts.scheme, parts.hostname, port, parts.path.strip("/") or "v1", origin)
    return _endpoint(address, environment)


def is_loopback(host: str) -> bool:
    """127.0.0.0/8, ::1 and localhost; an IPv4 address inside an IPv6 one counts as what it is."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


class _Address(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str
    origin: str


def _endpoint(address: _Address, environment: Mapping[str, str]) -> Endpoint:
    scheme, host, port, path, origin = address
    if scheme not in {"http", "https"}:
        raise EndpointRefused(
            f"{origin} is no address of a server: its scheme is {scheme!r}, not http or https."
        )
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host).lower()  # noqa: S104
    local = is_loopback(host)
    shown = f"[{host}]" if ":" in host else host
    url = f"{scheme}://{shown}:{port}" + (f"/{path}" if path else "")
    return Endpoint(url, host, origin, local, None if local else _proxy(scheme, host, environment))


def _split_port(authority: str, default: int) -> tuple[str, int]:
    """Host and port; a bare IPv6 address has colons and no port."""
    try:
        return str(ipaddress.ip_address(authority.strip("[]"))), default
    except ValueError:
        host, colon, port = authority.rpartition(":")
    if not colon:
        return authority, default
    good = port.isascii() and port.isdigit() and int(port) <= 65535
    return host.strip("[]"), int(port) if good else default


def _proxy(scheme: str, host: str, environment: Mapping[str, str]) -> str | None:
    """The proxy that HTTP clients take from `environment`, without its credentials."""
    proxies = {
        name[: -len("_proxy")].lower(): value
        for name, value in environment.items()
        if name.lower().endswith("_proxy") and value
    }
    excepted = [entry.strip().lstrip("*.") for entry in proxies.get("no", "").split(",") if entry.strip()]
    if any(host == entry or host.endswith(f".{entry}") or entry == "" for entry in excepted):
        return None
    written = proxies.get(scheme) or proxies.get("all")
    return urlsplit(written).netloc.rpartition("@")[2] or written if written else None
