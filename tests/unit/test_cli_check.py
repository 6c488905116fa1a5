"""`devrouter check`: what it says of prompts, and what it does to files."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devrouter.app.ignores import Ignores, default_state_file
from devrouter.cli import main
from devrouter.cli.exit_status import ExitStatus
from devrouter.core.gaps import Gap, GapKind
from devrouter.core.text import Span
from tests.unit.command import Ended, devrouter

GAPPY = "why does my flask app crash when i log in"
SLOPPY = "whats teh diffrence between a list and a tuple in python"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str | bytes) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def checked(*arguments: str | Path, stdin: bytes = b"") -> dict[str, Any]:
    report: dict[str, Any] = json.loads(
        devrouter("check", "--format", "json", *arguments, stdin=stdin).stdout
    )
    return report


def prompts(*arguments: str | Path, stdin: bytes = b"") -> list[dict[str, Any]]:
    return [prompt for file in checked(*arguments, stdin=stdin)["files"] for prompt in file["prompts"]]


# Text


def test_text_names_the_decision_and_each_finding_with_its_place() -> None:
    write("a.prompt.md", f"\n{GAPPY}\n")
    ended = devrouter("check", "a.prompt.md")
    assert ended.status == ExitStatus.FINDINGS
    assert re.search(r"^a\.prompt\.md: debug · \w+ → \w+ \(.*\d\.\d\d\)$", ended.stdout, re.MULTILINE)
    for finding in prompts("a.prompt.md")[0]["findings"]:
        place = f"a.prompt.md:{finding['line']}:{finding['column']}:"
        assert f"{place} {finding['kind']} {finding['phrase']}\n" in ended.stdout
    assert re.search(r"^\d+ findings? in 1 prompt of 1 file", ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("lead", ["", "ありがとう ", "👩‍🚀\t"])
def test_the_mark_stands_below_the_words(lead: str) -> None:
    """Wide characters take two columns, a tab becomes four spaces, joiners take none."""
    from devrouter.cli.terminal import visible, width

    write("a.prompt.md", lead + GAPPY)
    anchored = [finding for finding in prompts("a.prompt.md")[0]["findings"] if finding["anchored"]]
    if not anchored:
        pytest.skip("this engine anchors nothing in this prompt")
    start, end = anchored[0]["column"] - 1, anchored[0]["end_column"] - 1
    text = lead + GAPPY
    mark = f"  | {' ' * width(text[:start])}{'^' * width(text[start:end])}"
    assert f"1 | {visible(text)}\n{mark}\n" in devrouter("check", "a.prompt.md").stdout


def test_a_long_line_is_cut_around_the_words() -> None:
    write("a.prompt.md", f"{'It worked before the update. ' * 300}{GAPPY}")
    assert max(map(len, devrouter("check", "a.prompt.md").stdout.splitlines())) < 200


def test_control_characters_of_a_prompt_never_reach_the_terminal() -> None:
    write("a.prompt.md", f"\x1b[2J\x07\u202e{GAPPY}")
    out = devrouter("check", "a.prompt.md").stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", out)
    assert "␛[2J␇" in out


def test_no_colours_in_a_pipe() -> None:
    write("a.prompt.md", GAPPY)
    assert "\x1b[" not in devrouter("check", "a.prompt.md").stdout


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
@pytest.mark.parametrize(("variable", "coloured"), [("SOMETHING", True), ("NO_COLOR", False)])
def test_colours_on_a_terminal_unless_told_otherwise(variable: str, *, coloured: bool) -> None:
    import pty

    from tests.unit.command import EXECUTABLE

    write("a.prompt.md", GAPPY)
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", variable: "1"}
    command = [EXECUTABLE, "check", "--engine", "instant", "a.prompt.md"]
    with os.fdopen(follower, "wb") as terminal:
        subprocess.run(command, stdout=terminal, env=environment, check=False)
    out = os.read(leader, 100_000).decode()
    os.close(leader)
    assert ("\x1b[" in out) is coloured


# Which documents, which prompts


def test_a_good_prompt_has_no_findings() -> None:
    ended = devrouter("check", EXAMPLES / "upload-timeout.prompt.md")
    assert ended.status == ExitStatus.OK
    assert "No findings" in ended.stdout
    assert "rewrite" not in ended.stdout


def test_a_document_without_a_prompt_is_said_so() -> None:
    write("notes.md", "# Notes\n\nNothing to ask.\n")
    ended = devrouter("check", "notes.md")
    assert ended.status == ExitStatus.OK
    assert "notes.md: no prompt in it" in ended.stdout


@pytest.mark.parametrize("text", ["", "\n\n", "---\nagent: ask\n---\n", "\ufeff"])
def test_empty_prompt_file(text: str) -> None:
    write("a.prompt.md", text)
    ended = devrouter("check", "a.prompt.md")
    assert ended.status == ExitStatus.OK
    assert "a.prompt.md: no prompt in it" in ended.stdout


def test_each_fenced_prompt_of_a_note_is_checked_by_itself() -> None:
    write("notes.md", f"# A\n\n```prompt\n{GAPPY}\n```\n\n```prompt\n{SLOPPY}\n```\n")
    first, second = prompts("notes.md")
    assert (first["line"], first["decision"]["intent"]) == (4, "debug")
    assert (second["line"], second["decision"]["intent"]) == (8, "explain")
    assert "notes.md:8: explain" in devrouter("check", "notes.md").stdout


def test_front_matter_is_not_the_prompt_and_names_the_destination() -> None:
    write("a.prompt.md", f"---\nagent: agent\n---\n{GAPPY}\n")
    (prompt,) = prompts("a.prompt.md")
    assert (prompt["line"], prompt["destination"]) == (4, "agent")
    assert not {"code", "version", "stack", "environment"} & {gap["kind"] for gap in prompt["findings"]}


def test_a_folder_is_searched_for_prompt_files() -> None:
    for name in ("a.prompt.md", "deep/b.prompt", "deep/c.prompt.txt", ".github/prompts/d.prompt.md"):
        write(name, GAPPY)
    write("notes.md", "no prompt")
    for name in (".git/e.prompt.md", "node_modules/x/f.prompt.md", "code.py", "AGENTS.md"):
        write(name, GAPPY)
    paths = [Path(file["path"]).as_posix() for file in checked(".")["files"]]
    assert paths == ["a.prompt.md", ".github/prompts/d.prompt.md", "deep/b.prompt", "deep/c.prompt.txt"]
    assert paths == [Path(file["path"]).as_posix() for file in checked()["files"]]


def test_a_folder_without_prompts_is_said_so() -> None:
    ended = devrouter("check", ".")
    assert (ended.status, ended.stdout) == (ExitStatus.OK, "No prompt to check.\n")


def test_the_users_own_patterns_name_drafts() -> None:
    write(".devrouter.toml", '[prompts]\nagent_patterns = ["drafts/*.text"]\n')
    write("drafts/ask.text", GAPPY)
    assert [prompt["destination"] for prompt in prompts(".")] == ["agent"]


def test_a_file_named_twice_is_checked_once() -> None:
    write("a.prompt.md", GAPPY)
    assert len(checked("a.prompt.md", ".", "./a.prompt.md")["files"]) == 1


def test_standard_input_is_a_prompt_unless_its_name_says_otherwise() -> None:
    assert len(prompts("-", stdin=GAPPY.encode())) == 1
    note = f"```prompt\n{GAPPY}\n```\n".encode()
    (prompt,) = prompts("-", "--stdin-filename", "notes.md", stdin=note)
    assert prompt["line"] == 2
    assert "notes.md:2:" in devrouter("check", "-", "--stdin-filename", "notes.md", stdin=note).stdout


def test_empty_standard_input_holds_no_prompt() -> None:
    ended = devrouter("check", "-", stdin=b"")
    assert (ended.status, "<stdin>: no prompt in it" in ended.stdout) == (ExitStatus.OK, True)


def test_findings_that_are_ignored_are_not_shown() -> None:
    path = write("a.prompt.md", GAPPY)
    kinds = {gap["kind"] for gap in prompts("a.prompt.md")[0]["findings"]}
    assert kinds
    entries = ", ".join(f'{{kind = "{kind}", phrase = "*"}}' for kind in kinds)
    write(".devrouter.toml", f"ignore = [{entries}]\n")
    assert devrouter("check", "a.prompt.md").status == ExitStatus.OK
    Path(".devrouter.toml").unlink()
    for finding in prompts("a.prompt.md")[0]["findings"]:
        span = Span(finding["column"] - 1, finding["end_column"] - 1)
        gap = Gap(finding["phrase"], GapKind(finding["kind"]), span, finding["anchored"])
        Ignores(default_state_file()).ignore_here(path.absolute().as_uri(), gap, GAPPY)
    assert devrouter("check", "a.prompt.md").status == ExitStatus.OK


# What cannot be read


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("binary.prompt.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a binary file"),
        ("latin.prompt.md", "größer".encode("latin-1"), "is not UTF-8 (byte 0xf6 at offset 2)"),
        ("cut.prompt.md", b"\xff\xfea", "is not UTF-16"),
        ("huge.prompt.md", b"why? " * 1_000_000, "is larger than 4 MB"),
        ("absent.prompt.md", None, "no such file"),
    ],
)
def test_unreadable_file_is_named_and_the_others_are_checked(
    name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        write(name, content)
    write("z.prompt.md", GAPPY)
    ended = devrouter("check", name, "z.prompt.md")
    assert ended.status == ExitStatus.INPUT
    assert ended.stderr.startswith(f"error: {name}: ")
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "z.prompt.md: debug" in ended.stdout


def test_file_and_folder_without_permission(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root may read everything, so what the system would say is staged."""
    write("a.prompt.md", GAPPY)
    write("closed/b.prompt.md", GAPPY)
    opened, listed = Path.open, os.scandir

    def refuse_open(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "a.prompt.md":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    def refuse_listing(path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(Path, "open", refuse_open)
    monkeypatch.setattr("os.scandir", refuse_listing)
    assert main.main(["check", "--engine", "instant", "."]) == ExitStatus.INPUT
    err = capsys.readouterr().err
    assert "error: a.prompt.md: cannot be read: permission denied\n" in err
    assert re.search(r"error: .*closed: cannot be read: permission denied\n", err)


def test_link_to_itself() -> None:
    Path("a.prompt.md").symlink_to("a.prompt.md")
    ended = devrouter("check", "a.prompt.md")
    assert ended.status == ExitStatus.INPUT
    assert ended.stderr.startswith("error: a.prompt.md: cannot be read: ")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero")
def test_file_without_end() -> None:
    assert devrouter("check", "/dev/zero").status == ExitStatus.INPUT


# --fix and --diff


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_fix_keeps_everything_but_the_words(encoding: str, mark: bytes, end: str) -> None:
    before = f"---{end}agent: ask{end}---{end}" if end else ""
    path = write("a.prompt.md", mark + f"{before}{SLOPPY}{end}".encode(encoding))
    path.chmod(0o640)
    rewrite = prompts("a.prompt.md")[0]["decision"]["rewrite"]
    assert rewrite != SLOPPY
    ended = devrouter("check", "--fix", "a.prompt.md")
    assert "1 rewrite applied" in ended.stderr
    assert path.read_bytes() == mark + f"{before}{rewrite}{end}".encode(encoding)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in Path().iterdir()] == ["a.prompt.md"]


def test_fix_rewrites_each_prompt_of_a_note_and_nothing_else() -> None:
    path = write(
        "notes.md", f"teh notes\n\n```prompt\n{SLOPPY}\n```\n\nteh end\n\n```prompt\n{SLOPPY}\n```\n"
    )
    rewrite = prompts("notes.md")[0]["decision"]["rewrite"]
    devrouter("check", "--fix", "notes.md")
    fence = f"```prompt\n{rewrite}\n```\n"
    assert path.read_text() == f"teh notes\n\n{fence}\nteh end\n\n{fence}"


def test_fix_leaves_a_good_prompt_alone() -> None:
    path = write("a.prompt.md", (EXAMPLES / "upload-timeout.prompt.md").read_bytes())
    before = path.stat()
    devrouter("check", "--fix", "a.prompt.md")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_fix_follows_a_link() -> None:
    target = write("real/a.prompt.md", SLOPPY)
    link = Path("a.prompt.md")
    link.symlink_to(target)
    devrouter("check", "--fix", "a.prompt.md")
    assert link.is_symlink()
    assert target.read_text() != SLOPPY


def test_fix_of_standard_input_prints_the_text_alone() -> None:
    ended = devrouter("check", "--fix", "-", stdin=f"{SLOPPY}\r\n".encode())
    (prompt,) = prompts("-", stdin=SLOPPY.encode())
    assert ended.stdout == prompt["decision"]["rewrite"] + "\r\n"


def test_fix_leaves_a_file_alone_that_changed_meanwhile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from devrouter.app.triage import Triager

    path = write("a.prompt.md", SLOPPY)
    instant = Triager.instant

    def edit_meanwhile(*arguments: Any) -> Any:
        path.write_text("something else")
        return instant(*arguments)

    monkeypatch.setattr(Triager, "instant", edit_meanwhile)
    assert main.main(["check", "--engine", "instant", "--fix", "a.prompt.md"]) == ExitStatus.OUTPUT
    assert path.read_text() == "something else"
    assert "a.prompt.md: changed while it was being checked" in capsys.readouterr().err


def test_fix_never_writes_a_withheld_rewrite(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from devrouter.core.fidelity import Guarded

    path = write("a.prompt.md", SLOPPY)
    withheld = Guarded(None, withheld="it loses a number.", rule="number")
    monkeypatch.setattr("devrouter.app.triage.guard", lambda *_: withheld)
    main.main(["check", "--engine", "instant", "--fix", "a.prompt.md"])
    assert path.read_text() == SLOPPY
    assert "withheld, it loses a number." in capsys.readouterr().out


@pytest.mark.parametrize("call", ["tempfile.mkstemp", "os.fsync", "pathlib.Path.replace"])
def test_fix_that_cannot_be_written_leaves_everything_as_it_was(
    call: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    path = write("a.prompt.md", SLOPPY)
    monkeypatch.setattr(call, fail)
    assert main.main(["check", "--engine", "instant", "--fix", "a.prompt.md"]) == ExitStatus.OUTPUT
    assert path.read_text() == SLOPPY
    assert [entry.name for entry in Path().iterdir()] == ["a.prompt.md"]
    assert "error: a.prompt.md: cannot be written: no space left on device" in capsys.readouterr().err


def test_fix_of_a_read_only_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("a.prompt.md", SLOPPY)
    # Root may write everything, so what the system would say is staged.
    monkeypatch.setattr("os.access", lambda *_: False)
    assert main.main(["check", "--engine", "instant", "--fix", "a.prompt.md"]) == ExitStatus.OUTPUT
    assert path.read_text() == SLOPPY
    assert "error: a.prompt.md: cannot be written: permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_diff_is_a_patch_and_writes_nothing(end: str) -> None:
    text = f"---\nagent: ask\n---\n{SLOPPY}{end}"
    path = write("a.prompt.md", text)
    ended = devrouter("check", "--diff", "a.prompt.md")
    assert ended.status == ExitStatus.FINDINGS
    assert path.read_bytes() == text.encode()
    subprocess.run(["git", "apply", "--whitespace=nowarn"], input=ended.stdout.encode(), check=True)
    by_patch = path.read_bytes()
    path.write_bytes(text.encode())
    devrouter("check", "--fix", "a.prompt.md")
    assert path.read_bytes() == by_patch


def test_diff_of_a_good_prompt_is_empty() -> None:
    ended = devrouter("check", "--diff", EXAMPLES / "upload-timeout.prompt.md")
    assert (ended.status, ended.stdout) == (ExitStatus.OK, "")


# For programs


def test_json_holds_what_is_known_of_each_prompt() -> None:
    write("a.prompt.md", f"😀 {GAPPY}")
    report = checked("a.prompt.md")
    (prompt,) = report["files"][0]["prompts"]
    assert list(prompt["decision"]) == ["rewrite", "intent", "complexity", "route", "missing"]
    assert prompt["tier"]["reason"]
    assert set(prompt["answered_by"]) == set(prompt["decision"])
    assert report["summary"]["findings"] == len(prompt["findings"]) > 0
    assert (prompt["column"], prompt["end_column"]) == (1, len(f"😀 {GAPPY}") + 1)


def test_json_tells_what_could_not_be_read() -> None:
    ended = devrouter("check", "--format", "json", "absent.prompt.md")
    assert ended.status == ExitStatus.INPUT
    assert json.loads(ended.stdout)["errors"] == [
        "absent.prompt.md: cannot be read: no such file or directory"
    ]


def sarif(*arguments: str | Path) -> tuple[Ended, dict[str, Any]]:
    ended = devrouter("check", "--format", "sarif", *arguments)
    log: dict[str, Any] = json.loads(ended.stdout)
    return ended, log


def test_sarif_is_valid() -> None:
    """The rules of SARIF 2.1.0 for every property that is used, from the standard's sections 3.13 to 3.49."""
    write("with space/ä.prompt.md", f"\n{GAPPY}\n")
    write("b.prompt.md", GAPPY)
    ended, log = sarif(".")
    assert ended.status == ExitStatus.FINDINGS
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "invocations", "results"}
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    driver = run["tool"]["driver"]
    assert set(driver) == {"name", "version", "rules"}
    ids = [rule["id"] for rule in driver["rules"]]
    assert ids == [*(kind.value for kind in GapKind), "secret"]
    assert all(rule["shortDescription"]["text"].endswith(".") for rule in driver["rules"])
    assert all(invocation["executionSuccessful"] is True for invocation in run["invocations"])
    assert run["results"]
    for result in run["results"]:
        assert set(result) == {
            "ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints",
        }  # fmt: skip
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert re.fullmatch(r"[A-Za-z0-9%._/-]+", place["artifactLocation"]["uri"])
        region = place["region"]
        assert all(isinstance(value, int) and value >= 1 for value in region.values())
        start = (region["startLine"], region["startColumn"])
        assert start <= (region["endLine"], region["endColumn"])
    uris = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]}
    assert uris == {"b.prompt.md", "with%20space/%C3%A4.prompt.md"}


def test_sarif_of_nothing_found_and_of_a_failure() -> None:
    _, log = sarif(EXAMPLES / "upload-timeout.prompt.md")
    assert log["runs"][0]["results"] == []
    ended, log = sarif("absent.prompt.md")
    assert ended.status == ExitStatus.INPUT
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "absent.prompt.md" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_a_fingerprint_stays_when_the_prompt_moves_down() -> None:
    def fingerprints() -> list[object]:
        _, log = sarif("notes.md")
        return [result["partialFingerprints"] for result in log["runs"][0]["results"]]

    write("notes.md", f"```prompt\n{GAPPY}\n```\n")
    before = fingerprints()
    write("notes.md", f"# More\n\nabove\n\n```prompt\n{GAPPY}\n```\n")
    assert fingerprints() == before != []


# Settings


def test_show_config_names_every_value_and_its_source() -> None:
    write("a/.devrouter.toml", '[tiers]\nfloor = "medium_api"\n')
    ended = devrouter("check", "--show-config", "a")
    assert ended.status == ExitStatus.OK
    lines = dict(line.split(" = ", 1) for line in ended.stdout.splitlines())
    assert lines["tiers.floor"] == f'"medium_api"  # {Path("a/.devrouter.toml").absolute()}'
    assert lines["tiers.ceiling"] == '"large_api"  # default'
    assert lines["engine"] == '"instant"  # command line or editor'


def test_the_examples_can_be_checked_at_once() -> None:
    report = checked(EXAMPLES)
    assert report["summary"]["files"] >= 12
    assert report["summary"]["prompts"] == report["summary"]["files"] + 1
    intents = {
        Path(file["path"]).name.split(".")[0]: file["prompts"][0]["decision"]["intent"]
        for file in report["files"]
    }
    assert intents["key-error"] == "debug"
    assert intents["dockerfile"] == "boilerplate"
    assert intents["split-monolith"] == "architecture"
