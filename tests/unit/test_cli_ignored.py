"""`devrouter ignored`: what is ignored is listed, and shown again by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devrouter.app.ignore_settings import ignore_for_user, ignore_in_project
from devrouter.app.ignores import Ignored, Ignores, default_state_file
from devrouter.app.settings_sources import user_config_path
from devrouter.cli.exit_status import ExitStatus
from devrouter.core.gaps import GapKind, make_gap
from tests.unit.command import devrouter

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "My flask app crashes when I upload the ledger."
ERROR = make_gap("the error message", GapKind.ERROR, TEXT)
STACK = make_gap("the server it runs on", GapKind.STACK, TEXT)


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    return tmp_path / "work" / "ledger draft.prompt.md"


def test_nothing_is_ignored() -> None:
    ended = devrouter("ignored")
    assert (ended.status, ended.stdout) == (ExitStatus.OK, "Nothing is ignored.\n")


def test_each_is_listed_with_id_kind_file_and_day(prompt: Path) -> None:
    ignores = Ignores(default_state_file())
    ignores.ignore_here(prompt.as_uri(), ERROR, TEXT)
    ignores.ignore_kind(prompt.as_uri(), GapKind.SCALE)
    ignores.keep(Ignored("f" * 64, "secret", "", 1_764_200_000.0))
    ignore_for_user(STACK)
    ended = devrouter("ignored")
    header, *lines = ended.stdout.splitlines()
    assert header.split() == ["id", "kind", "what", "since", "where"]
    scale, error, secret, stack = lines
    assert scale.startswith(ignores.listed()[0].id)
    assert all(part in scale for part in ("scale", "all of the kind", str(prompt)))
    assert all(part in error for part in ("error", "this finding", str(prompt)))
    assert all(part in secret for part in ("ffffffff", "no secret", "2025-11-2", "everywhere"))
    assert all(part in stack for part in ("stack", STACK.phrase, str(user_config_path())))
    assert len({line.index("  ") for line in lines}) == 1


def test_removing_an_id_shows_that_finding_again_and_no_other(prompt: Path) -> None:
    ignores = Ignores(default_state_file())
    ignores.ignore_here(prompt.as_uri(), ERROR, TEXT)
    ignores.ignore_kind(prompt.as_uri(), GapKind.SCALE)
    ignore_for_user(STACK)
    ids = [line.split()[0] for line in devrouter("ignored").stdout.splitlines()[1:]]
    ended = devrouter("ignored", "--remove", ids[0], ids[2])
    assert (ended.status, ended.stdout) == (ExitStatus.OK, "2 findings will show again.\n")
    (left,) = devrouter("ignored").stdout.splitlines()[1:]
    assert left.split()[0] == ids[1]
    assert "ignore" not in user_config_path().read_text(encoding="utf-8")


def test_an_unknown_id_removes_nothing_at_all(prompt: Path) -> None:
    ignores = Ignores(default_state_file())
    ignores.ignore_kind(prompt.as_uri(), GapKind.SCALE)
    ended = devrouter("ignored", "--remove", ignores.listed()[0].id, "nonsense")
    assert ended.status == ExitStatus.USAGE
    assert "nonsense is not in the list; `devrouter ignored` shows the ids" in ended.stderr
    assert len(ignores.listed()) == 1


def test_the_beginning_of_several_ids_is_refused(prompt: Path) -> None:
    ignores = Ignores(default_state_file())
    for kind in GapKind:
        ignores.ignore_kind(prompt.as_uri(), kind)
    ended = devrouter("ignored", "--remove", "")
    assert ended.status == ExitStatus.USAGE
    assert f"is the beginning of {len(GapKind)} of them" in ended.stderr
    assert len(ignores.listed()) == len(GapKind)


def test_a_projects_are_listed_and_removed_from_a_folder_below(tmp_path: Path, prompt: Path) -> None:
    Ignores(default_state_file()).ignore_here(prompt.as_uri(), ERROR, TEXT)
    below = tmp_path / "project" / "prompts"
    below.mkdir(parents=True)
    file = ignore_in_project(ERROR, below.parent)
    (line,) = devrouter("ignored", "--project", cwd=below).stdout.splitlines()[1:]
    assert all(part in line for part in ("error", ERROR.phrase, str(file)))
    ended = devrouter("ignored", "--project", "--remove", line.split()[0], cwd=below)
    assert ended.stdout == "1 finding will show again.\n"
    assert file.read_text(encoding="utf-8") == ""
    assert Ignores(default_state_file()).listed(), "what is ignored in the editor is another list"


def test_a_project_without_a_file_is_told(tmp_path: Path) -> None:
    ended = devrouter("ignored", "--project", cwd=tmp_path)
    assert ended.stdout == "Nothing is ignored.\n"
    assert "`.devrouter.toml`" in ended.stderr


def test_a_broken_project_file_is_named_and_left(tmp_path: Path) -> None:
    (tmp_path / ".devrouter.toml").write_text("[findings\n", encoding="utf-8")
    ended = devrouter("ignored", "--project", "--remove", "1", cwd=tmp_path)
    assert ended.status == ExitStatus.OUTPUT
    assert ".devrouter.toml: is not valid TOML" in ended.stderr


def test_check_shows_a_finding_until_its_kind_is_ignored_in_that_file_and_again_after(prompt: Path) -> None:
    prompt.parent.mkdir()
    prompt.write_text("My flask app crash when i upload teh big file and it throw some error.\n")
    kinds = {line.split()[1] for line in _findings(prompt)}
    ignores = Ignores(default_state_file())
    for kind in kinds:
        ignores.ignore_kind(prompt.as_uri(), GapKind(kind))
    assert _findings(prompt) == []
    devrouter("ignored", "--remove", *(entry.id for entry in ignores.listed()))
    assert {line.split()[1] for line in _findings(prompt)} == kinds


def _findings(prompt: Path) -> list[str]:
    """The lines that begin a finding."""
    lines = devrouter("check", prompt.name, cwd=prompt.parent).stdout.splitlines()
    place = f"{prompt.name}:1:"
    return [line.removeprefix(place) for line in lines if line.startswith(place) and "→" not in line]
