"""The git folder: branch and changed files of every sort of repository, and nothing of it is executed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from devrouter.core.kinds import GapKind
from devrouter.workspace.workspace import Workspace
from tests.unit.workspaces import PATIENT, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None, reason="git makes the repositories of these tests"
)


def git(folder: Path, *arguments: str) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    command = ["git", "-c", "protocol.file.allow=always", "-C", str(folder), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit on a branch with two files."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    (root / "app.py").write_text("x = 1\n")
    (root / "src").mkdir()
    (root / "src" / "rows.py").write_text("y = 1\n")
    (root / ".gitignore").write_text("*.log\n/build/\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "First")
    return root


def targets(root: Path) -> dict[str, str]:
    facts = Workspace(root).facts("", wait=PATIENT)
    return {fact.name: fact.value for fact in facts if fact.kind is GapKind.TARGET}


def test_a_clean_repository_has_a_branch_and_no_changes(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "feature/größe-2")
    assert targets(repository) == {"git branch": "feature/größe-2"}


def test_changes_are_named_with_what_they_are(repository: Path) -> None:
    (repository / "app.py").write_text("x = 2\n")
    (repository / "src" / "rows.py").unlink()
    (repository / "größe.txt").write_text("new\n")
    (repository / "staged.py").write_text("z = 1\n")
    (repository / "run.log").write_text("ignored\n")
    (repository / "build").mkdir()
    (repository / "build" / "out.py").write_text("ignored\n")
    git(repository, "add", "staged.py")
    assert targets(repository) == {
        "git branch": "main",
        "changed files": "app.py, größe.txt (new), src/rows.py (deleted), staged.py (new)",
    }


def test_what_is_staged_alone_is_a_change(repository: Path) -> None:
    (repository / "app.py").write_text("x = 22\n")
    git(repository, "rm", "--quiet", "--cached", "src/rows.py")
    git(repository, "add", "app.py")
    (repository / "src" / "rows.py").unlink()
    assert targets(repository)["changed files"] == "app.py, src/rows.py (deleted)"


def test_the_same_content_at_another_time_is_no_change(repository: Path) -> None:
    os.utime(repository / "app.py", (1, 1))
    assert targets(repository) == {"git branch": "main"}
    # Of the same length, so only the content tells.
    (repository / "app.py").write_text("x = 7\n")
    os.utime(repository / "app.py", (1, 1))
    assert targets(repository)["changed files"] == "app.py"


def test_packed_objects_and_references_are_read(repository: Path) -> None:
    git(repository, "gc", "--quiet")
    git(repository, "pack-refs", "--all")
    (repository / "app.py").write_text("x = 3\n")
    git(repository, "add", "app.py")
    assert targets(repository) == {"git branch": "main", "changed files": "app.py"}


def test_twenty_changes_are_named_and_the_rest_counted(repository: Path) -> None:
    for number in range(33):
        (repository / f"n{number:02}.py").write_text("")
    listed = targets(repository)["changed files"].split(", ")
    assert (len(listed), listed[-1]) == (21, "and 13 more")


def test_a_detached_head_tells_its_commit(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "checkout", "--quiet", "--detach")
    assert targets(repository) == {"git commit": f"{commit[:10]} (no branch)"}


def test_a_repository_without_commits(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "trunk")
    assert targets(tmp_path) == {"git branch": "trunk"}
    (tmp_path / "a.py").write_text("")
    (tmp_path / "b.py").write_text("")
    git(tmp_path, "add", "a.py")
    assert targets(tmp_path) == {"git branch": "trunk", "changed files": "a.py (new), b.py (new)"}


def test_a_linked_worktree(repository: Path) -> None:
    linked = repository.parent / "linked"
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(linked))
    (linked / "app.py").write_text("x = 44\n")
    git(linked, "add", "app.py")
    assert targets(linked) == {"git branch": "other", "changed files": "app.py"}
    assert targets(repository) == {"git branch": "main"}


def test_a_submodule(repository: Path) -> None:
    outer = repository.parent / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet", "--initial-branch", "main")
    git(outer, "submodule", "--quiet", "add", "--branch", "main", str(repository), "inner")
    (outer / "inner" / "app.py").write_text("x = 55\n")
    assert targets(outer / "inner") == {"git branch": "main", "changed files": "app.py"}
    assert targets(outer)["changed files"] == ".gitmodules (new), inner (new)"


def test_a_merge_conflict(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "other")
    (repository / "app.py").write_text("x = 'other'\n")
    git(repository, "commit", "--quiet", "--all", "--message", "Other")
    git(repository, "switch", "--quiet", "main")
    (repository / "app.py").write_text("x = 'main'\n")
    git(repository, "commit", "--quiet", "--all", "--message", "Main")
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "--quiet", "other")
    assert targets(repository) == {"git branch": "main", "changed files": "app.py"}


def test_a_change_of_branch_is_seen(repository: Path) -> None:
    workspace = Workspace(repository)
    assert "main" in {fact.value for fact in workspace.facts("", wait=PATIENT)}
    git(repository, "switch", "--quiet", "--create", "next")
    until(lambda: "next" in {fact.value for fact in workspace.facts("", wait=PATIENT)})


def test_a_folder_without_git_has_no_branch(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    assert targets(tmp_path) == {}


def test_nothing_that_a_hostile_repository_configures_is_run(repository: Path) -> None:
    ran = repository.parent / "ran"
    script = repository / "run.sh"
    script.write_text(f'#!/bin/sh\ntouch "{ran}"\ncat\n')
    script.chmod(0o755)
    outside = repository.parent / "outside.config"
    outside.write_text(f"[core]\n\tfsmonitor = {script}\n")
    with (repository / ".git" / "config").open("a") as config:
        config.write(
            f"[core]\n\tfsmonitor = {script}\n\tsshCommand = {script}\n\tpager = {script}\n"
            f"\thooksPath = {repository}\n\tgitProxy = {script}\n"
            f'[filter "evil"]\n\tclean = {script}\n\tsmudge = {script}\n\tprocess = {script}\n'
            f'[diff]\n\texternal = {script}\n[diff "evil"]\n\ttextconv = {script}\n\tcommand = {script}\n'
            f"[include]\n\tpath = {outside}\n[credential]\n\thelper = !{script}\n"
            f"[extensions]\n\tpartialClone = origin\n"
            f'[remote "origin"]\n\turl = ext::{script}\n\tpromisor = true\n'
        )
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in (
        "post-index-change",
        "fsmonitor-watchman",
        "post-checkout",
        "pre-commit",
        "reference-transaction",
    ):
        shutil.copy(script, hooks / hook)
    (repository / "app.py").write_text("x = 9\n")
    os.utime(repository / "src" / "rows.py", (1, 1))
    assert targets(repository) == {
        "git branch": "main",
        "changed files": ".gitattributes (new), app.py, run.sh (new)",
    }
    assert not ran.exists()
    # The trap is real: git itself falls into it.
    subprocess.run(["git", "-C", str(repository), "status"], check=False, capture_output=True)
    assert ran.exists()


def test_objects_of_another_folder_are_not_read(repository: Path) -> None:
    other = repository.parent / "elsewhere"
    shutil.move(repository / ".git" / "objects", other)
    (repository / ".git" / "objects" / "info").mkdir(parents=True)
    (repository / ".git" / "objects" / "info" / "alternates").write_text(f"{other}\n")
    (repository / "app.py").write_text("x = 77\n")
    git(repository, "add", "app.py")
    (repository / "src" / "rows.py").write_text("y = 77\n")
    # What is staged cannot be told then; what is not staged can.
    assert targets(repository) == {"git branch": "main", "changed files": "src/rows.py"}


def test_a_git_file_cannot_lead_to_a_repository_of_somebody_else(repository: Path) -> None:
    other = repository.parent / "other"
    other.mkdir()
    git(repository, "worktree", "add", "--quiet", "-b", "theirs", str(repository.parent / "linked"))
    theirs = repository / ".git" / "worktrees" / "linked"
    assert theirs.is_dir()
    for target in (repository / ".git", theirs, theirs.parent / "gone", "/dev", "\0"):
        (other / ".git").write_text(f"gitdir: {target}\n")
        assert targets(other) == {}
    (other / ".git").unlink()
    (other / ".git").symlink_to(repository / ".git")
    assert targets(other) == {}


@pytest.mark.parametrize("part", ["HEAD", "index", "refs/heads/main", "objects"])
@pytest.mark.parametrize("what", ["garbage", "folder", "pipe", "link", "empty"])
def test_a_broken_git_folder_takes_away_only_its_own_facts(repository: Path, part: str, what: str) -> None:
    path = repository / ".git" / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if what == "garbage":
        path.write_bytes(b"DIRC\0\0\0\2\xff\xff\xff\xff" + bytes(range(256)))
    elif what == "folder":
        path.mkdir()
    elif what == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("pipes have no place in folders here")
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to(path)
    else:
        path.write_bytes(b"")
    (repository / "go.mod").write_text("module a\n\ngo 1.22\n")
    facts = Workspace(repository).facts("Look at app.py", wait=PATIENT)
    told = {fact.name: fact.value for fact in facts}
    assert told["Go"] == "1.22"
    assert told["`app.py`"] == "x = 1"
    assert part == "HEAD" or told["git branch"] == "main"
