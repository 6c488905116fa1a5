"""The editors that were seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devrouter.app.clients import clients_seen, default_clients_file, record_client

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "clients.json"


def test_nothing_seen_yet(file: Path) -> None:
    assert clients_seen(file) == ()


def test_the_last_seen_stands_first_and_each_stands_once(file: Path) -> None:
    for name, version in (("Neovim", "0.11.4"), ("Helix", None), ("Neovim", "0.11.4")):
        record_client(file, name, version)
    assert [(client.name, client.version) for client in clients_seen(file)] == [
        ("Neovim", "0.11.4"),
        ("Helix", ""),
    ]


def test_what_is_kept_is_bounded(file: Path) -> None:
    for number in range(50):
        record_client(file, f"editor {number} " + "x" * 10_000, "1" * 10_000)
    assert len(clients_seen(file)) == 20
    assert clients_seen(file)[0].name.startswith("editor 49 ")
    assert file.stat().st_size < 10_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"clients": [{}]}',
        b'{"clients": [{"name": 1, "version": "", "last_seen": ""}]}',
    ],
)
def test_damaged_file_is_named_and_replaced(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"clients\.json: is damaged"):
        clients_seen(file)
    record_client(file, "Zed", "1")
    assert [client.name for client in clients_seen(file)] == ["Zed"]


def test_no_other_file_is_left_behind(file: Path) -> None:
    record_client(file, "Zed", "1")
    record_client(file, "Zed", "2")
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]
    assert json.loads(file.read_text())


def test_it_lies_in_the_users_state_folder(home: Path) -> None:
    assert default_clients_file().is_relative_to(home)
