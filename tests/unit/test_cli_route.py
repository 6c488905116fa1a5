"""`devrouter route`: one prompt, one decision."""

from __future__ import annotations

import json
import re

import pytest

from devrouter.cli.exit_status import ExitStatus
from devrouter.core.decision import FIELDS, Decision
from tests.unit.command import devrouter

GAPPY = "why does my flask app crash when i log in"
SLOPPY = "whats teh diffrence between a list and a tuple in python"


def test_for_a_person() -> None:
    ended = devrouter("route", GAPPY)
    decision = json.loads(devrouter("route", "--json", GAPPY).stdout)
    assert ended.status == ExitStatus.OK
    assert re.match(r"debug · (low|medium|high) → (small_local|medium_api|large_api) \(", ended.stdout)
    assert decision["missing"]
    assert all(
        re.search(rf"^  \w+ +{re.escape(phrase)}$", ended.stdout, re.MULTILINE)
        for phrase in decision["missing"]
    )
    assert ended.stderr == ""


def test_a_clearer_wording_is_shown() -> None:
    rewrite = json.loads(devrouter("route", "--json", SLOPPY).stdout)["rewrite"]
    assert rewrite != SLOPPY
    assert f"rewrite\n  {rewrite}\n" in devrouter("route", SLOPPY).stdout


@pytest.mark.parametrize("text", [GAPPY, SLOPPY, "größer 😀\u2028warum?", "x" * 100_000])
def test_json_is_exactly_the_five_fields(text: str) -> None:
    ended = devrouter("route", "--json", "-", stdin=text.encode())
    assert ended.status == ExitStatus.OK
    assert list(json.loads(ended.stdout)) == list(FIELDS)
    assert Decision.from_json(ended.stdout).missing is not None
    assert ended.stdout.count("\n") == 1
    assert ended.stderr == ""


def test_verbose_adds_what_is_behind_the_decision() -> None:
    out = devrouter("route", "--verbose", GAPPY).stdout
    for name in ("confidence", "tier", "answered by", "engine", "time"):
        assert re.search(rf"^{name} +\S", out, re.MULTILINE)
    assert re.search(r"^answered by +rewrite \w+, intent \w+, complexity \w+", out, re.MULTILINE)


def test_verbose_leaves_json_alone() -> None:
    ended = devrouter("route", "--json", "--verbose", GAPPY)
    assert ended.stdout == devrouter("route", "--json", GAPPY).stdout
    assert re.search(r"^confidence +\S", ended.stderr, re.MULTILINE)


def test_standard_input_is_the_prompt_without_the_white_space_around_it() -> None:
    ended = devrouter("route", "--json", "-", stdin=f"\n  {GAPPY}\r\n\n".encode())
    assert ended.stdout == devrouter("route", "--json", GAPPY).stdout
    with_mark = devrouter("route", "--json", "-", stdin=b"\xef\xbb\xbf" + GAPPY.encode())
    assert with_mark.stdout == ended.stdout


def test_a_prompt_that_begins_with_a_dash() -> None:
    ended = devrouter("route", "--json", "--engine", "instant", "--", "--force does nothing, why?")
    assert "--force does nothing" in json.loads(ended.stdout)["rewrite"]


@pytest.mark.parametrize(
    ("stdin", "says"),
    [
        (b"", "the prompt is empty"),
        (b" \n\t", "the prompt is empty"),
        (b"\xff\xfe\xfd", "standard input: is not UTF-16"),
        (b"why \xf6", "standard input: is not UTF-8"),
        (b"why\0", "standard input: is a binary file"),
        (b"why " * 2_000_000, "standard input: is larger than 4 MB"),
    ],
)
def test_standard_input_that_is_no_prompt(stdin: bytes, says: str) -> None:
    ended = devrouter("route", "--json", "-", stdin=stdin)
    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (ExitStatus.INPUT, "", 1)
    assert ended.stderr.startswith(f"error: {says}")


def test_an_empty_argument() -> None:
    assert devrouter("route", "").status == ExitStatus.INPUT
