"""Values that the user says are no secrets: kept under a keyed hash, listed, and taken back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devrouter.app.dismissed import Dismissed
from devrouter.app.ignores import Ignored, IgnoreError, Ignores
from tests.unit.made_up_secrets import Maker

if TYPE_CHECKING:
    from pathlib import Path

VALUE, OTHER = Maker(31).password(), Maker(32).password()
TEXT = f"my password is {VALUE}\npassword: {OTHER}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ignored.json"


def values(dismissed: Dismissed) -> list[str]:
    return [TEXT[slice(*secret.span)] for secret in dismissed.secrets_in(TEXT)]


def test_one_value_is_dismissed_for_all_servers_of_this_machine(file: Path) -> None:
    first, second = Dismissed(Ignores(file)), Dismissed(Ignores(file))
    assert values(first) == values(second) == [VALUE, OTHER]
    first.dismiss(VALUE)
    assert values(first) == values(second) == values(Dismissed(Ignores(file))) == [OTHER]


def test_it_is_listed_without_its_value_and_can_be_taken_back(file: Path) -> None:
    ignores = Ignores(file)
    Dismissed(ignores).dismiss(VALUE)
    (entry,) = ignores.listed()
    assert (entry.kind, entry.uri) == ("secret", "")
    assert ignores.remove(entry.key)
    assert values(Dismissed(Ignores(file))) == [VALUE, OTHER]


def test_the_hash_says_nothing_without_the_key_of_this_machine(file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "ignored.json"
    for place in (file, elsewhere):
        Dismissed(Ignores(place)).dismiss(VALUE)
    here, there = (json.loads(place.read_bytes())["ignored"][0]["key"] for place in (file, elsewhere))
    assert here != there
    assert VALUE not in file.read_text(encoding="utf-8")


def test_a_file_from_another_machine_hides_nothing(file: Path) -> None:
    """Whoever writes the state without the key, or loses the key, gets the warnings back."""
    Dismissed(Ignores(file)).dismiss(VALUE)
    file.with_name("secrets.key").unlink()
    assert values(Dismissed(Ignores(file))) == [VALUE, OTHER]
    file.with_name("secrets.key").write_bytes(b"short")
    assert values(Dismissed(Ignores(file))) == [VALUE, OTHER]


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(IgnoreError, match=r"secrets\.key: cannot be written"):
        Dismissed(Ignores(tmp_path / "state" / "ignored.json")).dismiss(VALUE)


def test_other_entries_stay(file: Path) -> None:
    ignores = Ignores(file)
    ignores.keep(Ignored("k", "error", "file:///a.prompt.md", 1.0))
    Dismissed(ignores).dismiss(VALUE)
    assert {entry.kind for entry in ignores.listed()} == {"error", "secret"}
