"""Which editors have used the server, for `devrouter doctor`: a small file in the user's state folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from devrouter.app.state_file import replace_file, state_folder

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT = 20
"""Editors that are remembered; the one not seen for longest is forgotten first."""

_LONGEST = 100
"""Characters of a name or version that are kept: both are what the client says of itself."""


@dataclass(frozen=True, slots=True)
class SeenClient:
    """One editor. `last_seen` is an ISO 8601 time in UTC."""

    name: str
    version: str
    last_seen: str


def default_clients_file() -> Path:
    """The file in the platform's state folder."""
    return state_folder() / "clients.json"


def record_client(state_file: Path, name: str, version: str | None) -> None:
    """Remember that this editor connected now; a damaged file is replaced. Raises `OSError` if unwritable."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    client = SeenClient(name[:_LONGEST], (version or "")[:_LONGEST], now)
    try:
        known = clients_seen(state_file)
    except ValueError:
        known = ()
    others = (other for other in known if (other.name, other.version) != (client.name, client.version))
    newest = [client, *others][:_LIMIT]
    replace_file(state_file, json.dumps({"clients": [asdict(one) for one in newest]}, indent=1))


def clients_seen(state_file: Path) -> tuple[SeenClient, ...]:
    """The editors remembered, the last seen first.

    Raises `ValueError` for a damaged file, `OSError` for one that cannot be read.
    """
    try:
        content = state_file.read_bytes()
    except FileNotFoundError:
        return ()
    try:
        clients = tuple(SeenClient(**client) for client in json.loads(content)["clients"])
        whole = all(isinstance(value, str) for client in clients for value in asdict(client).values())
    except (ValueError, TypeError, KeyError, RecursionError):
        whole = False
    if not whole:
        raise ValueError(f"{state_file}: is damaged and can be removed")
    return clients
