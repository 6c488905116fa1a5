"""Secrets on the command line: told without their values, masked on demand, and the tier held local."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devrouter.app.settings import Settings
from devrouter.app.triage import Triager
from devrouter.cli.exit_status import ExitStatus
from devrouter.core.draft import Destination, Draft
from devrouter.core.fidelity import Guarded
from devrouter.engines.instant.engine import InstantEngine
from tests.unit.command import devrouter
from tests.unit.made_up_secrets import ALPHANUMERIC, Maker

TOKEN = "ghp_" + Maker(41).some(ALPHANUMERIC, 36)
PASSWORD = Maker(42).password()
TASK = "Design the sharding of our order database, it must survive the loss of a region."
LEAKY = f"{TASK}\n\ncurl -u me:{PASSWORD} https://acme.dev -H 'X-Token: {TOKEN}'\n"
MASKED = LEAKY.replace(PASSWORD, "<password>").replace(TOKEN, "<github-token>")


@pytest.fixture(autouse=True)
def prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.prompt.md"
    file.write_text(LEAKY, encoding="utf-8")
    return file


@pytest.mark.parametrize("form", ["text", "sarif"])
def test_what_is_told_of_a_secret_does_not_hold_it(form: str) -> None:
    ended = devrouter("check", "--format", form, "a.prompt.md")
    assert ended.status == ExitStatus.FINDINGS
    assert "GitHub token" in ended.stdout
    for value in (TOKEN, PASSWORD):
        assert value not in ended.stdout + ended.stderr


def test_text_names_its_place() -> None:
    ended = devrouter("check", "a.prompt.md")
    assert "a.prompt.md:3:12: secret password: mask it before you send the prompt\n" in ended.stdout
    assert "2 secrets among them: replace by placeholders with --mask" in ended.stdout


def test_sarif_has_a_warning_that_code_scanning_can_tell_again() -> None:
    (run,) = json.loads(devrouter("check", "--format", "sarif", "a.prompt.md").stdout)["runs"]
    warnings = [result for result in run["results"] if result["ruleId"] == "secret"]
    assert [result["level"] for result in warnings] == ["warning", "warning"]
    assert run["tool"]["driver"]["rules"][warnings[0]["ruleIndex"]]["id"] == "secret"


def test_json_has_kinds_and_places() -> None:
    report = json.loads(devrouter("check", "--format", "json", "a.prompt.md").stdout)
    assert report["summary"]["secrets"] == 2
    (found,) = report["files"][0]["prompts"]
    assert [secret["kind"] for secret in found["secrets"]] == ["password", "GitHub token"]
    line = LEAKY.splitlines()[found["secrets"][1]["line"] - 1]
    assert line[found["secrets"][1]["column"] - 1 : found["secrets"][1]["end_column"] - 1] == TOKEN
    assert found["tier"]["route"] == "small_local"


def test_mask_replaces_the_values_and_nothing_else(prompt: Path) -> None:
    ended = devrouter("check", "--mask", "a.prompt.md")
    assert prompt.read_text(encoding="utf-8") == MASKED
    assert "2 secrets masked" in ended.stderr
    assert "secret" not in ended.stdout
    assert devrouter("check", "--mask", "-", stdin=LEAKY.encode()).stdout == MASKED


def test_fix_leaves_a_secret_where_it_is(prompt: Path) -> None:
    prompt.write_text(f"whats teh diffrence between a tuple and {TOKEN}\n", encoding="utf-8")
    devrouter("check", "--fix", "a.prompt.md")
    assert TOKEN in prompt.read_text(encoding="utf-8")


def test_a_script_that_follows_the_route_keeps_it_here() -> None:
    free = json.loads(devrouter("route", "--json", MASKED).stdout)
    held = devrouter("route", "--json", LEAKY)
    assert free["route"] != "small_local"
    assert json.loads(held.stdout)["route"] == "small_local"
    assert "holds a secret (GitHub token)" in held.stderr
    rows = "".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate((LEAKY, MASKED)))
    Path("in.jsonl").write_text(rows, encoding="utf-8")
    devrouter("batch", "in.jsonl", "--output", "out.jsonl")
    answers = [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [answer["route"] for answer in answers] == ["small_local", free["route"]]
    assert answers[0]["secrets"] == ["password", "GitHub token"]
    assert "secrets" not in answers[1]


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_no_finding_asks_for_a_secret_by_its_value(prompt: Path, form: str) -> None:
    """A finding's words are exported, and written into the project's settings when it is ignored there."""
    prompt.write_text(f"why does `{TOKEN}` fail when I call upload_rows with it\n", encoding="utf-8")
    ended = devrouter("check", "--format", form, "a.prompt.md")
    assert "GitHub token" in ended.stdout
    assert f"code of `{TOKEN}`" not in ended.stdout


def test_what_a_withheld_rewrite_lost_is_told_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Guarded(None, withheld=f"Withheld: the rewrite drops `{TOKEN}`.", rule="identifier")
    monkeypatch.setattr("devrouter.app.triage.guard", lambda *_: lost)
    draft = Draft(LEAKY, 1, "en", Destination.CHAT)
    triage = Triager(InstantEngine(), None).instant(draft, Settings())
    assert triage.withheld == "Withheld: the rewrite drops `<github-token>`."
