"""Findings ignored in a project, or in all of the user's prompts: kind and phrase in a settings file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from devrouter.app.ignores import ALL, Ignored, IgnoreError, hashed, normalised
from devrouter.app.settings_sources import (
    PROJECT_FILE,
    SourceError,
    parse_toml,
    read_file,
    user_config_path,
)
from devrouter.app.state_file import replace_file
from devrouter.core.edits import with_line_endings

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from devrouter.core.gaps import Gap


def ignore_in_project(gap: Gap, folder: Path) -> Path:
    """Add the gap to `ignore` in the folder's `.devrouter.toml`; that file. Raises `IgnoreError`.

    `folder` is that of the `.devrouter.toml` in force if there is one, else the workspace's root.
    """
    file = folder / PROJECT_FILE
    _no_link(file)
    _append(file, gap)
    return file


def ignore_for_user(gap: Gap, user_config: Path | None = None) -> Path:
    """Without a workspace: add the gap to `ignore` in the user's configuration. Raises `IgnoreError`."""
    file = user_config_path(user_config).resolve()
    _append(file, gap)
    return file


def ignored_by(file: Path) -> tuple[Ignored, ...]:
    """What a settings file ignores, in its order. Raises `IgnoreError` where it cannot be read."""
    text = _text(file)
    entries = (item for item in _present(file, text) if _is_entry(item))
    return tuple(
        Ignored(_key(file, item), item["kind"], file.as_uri(), None, item["phrase"]) for item in entries
    )


def show_again_in(file: Path, keys: Collection[str]) -> None:
    """Remove these of `ignored_by(file)` from the file; its other lines stay. Raises `IgnoreError`."""
    text = _text(file)
    present = _present(file, text)
    left = [item for item in present if not (_is_entry(item) and _key(file, item) in keys)]
    if left == present:
        return
    _no_link(file)
    new = _checked(file, text, left)
    if new is None:
        raise IgnoreError(f"{file}: the entry of ignore cannot be removed there; remove it by hand.")
    try:
        replace_file(file, new)
    except OSError as error:
        raise IgnoreError(f"{file}: cannot be written ({error.strerror}).") from None


def _append(file: Path, gap: Gap) -> None:
    """Every comment and line of the file stays; a file that cannot be read as settings is left alone."""
    entry = {"kind": gap.kind.value, "phrase": gap.phrase}
    text = _text(file)
    if any(_covers(item, entry) for item in _present(file, text)):
        return
    try:
        text = _with_entry(file, text, entry)
        if entry not in parse_toml(file, text)["ignore"]:
            raise IgnoreError(f"{file}: the finding cannot be added to ignore there; add it by hand.")
        replace_file(file, text)
    except SourceError as error:
        raise IgnoreError(f"{error} Mend it, then ignore the finding again.") from None
    except OSError as error:
        raise IgnoreError(f"{file}: cannot be written ({error.strerror}).") from None


def _no_link(file: Path) -> None:
    if file.name == PROJECT_FILE and file.is_symlink():
        # A repository could point it at a file of the user's.
        raise IgnoreError(f"{file}: is a link, which is not followed; change its target yourself.")


def _text(file: Path) -> str:
    try:
        return read_file(file) if file.exists() else ""
    except SourceError as error:
        raise IgnoreError(f"{error} Mend it, then ignore the finding again.") from None
    except OSError as error:
        raise IgnoreError(f"{file}: cannot be read ({error.strerror}).") from None


def _present(file: Path, text: str) -> list[Any]:
    try:
        present = parse_toml(file, text).get("ignore", [])
    except SourceError as error:
        raise IgnoreError(f"{error} Mend it, then ignore the finding again.") from None
    if not isinstance(present, list):
        raise IgnoreError(f"{file}: ignore should be a list. Mend it, then ignore the finding again.")
    return present


def _with_entry(file: Path, text: str, entry: dict[str, str]) -> str:
    """TOML with one entry more under `ignore`, in the form that `ignore` has there. Raises `SourceError`."""
    import tomlkit

    document = _editable(file, text)
    if isinstance(document.get("ignore"), tomlkit.items.Array):
        inline = tomlkit.inline_table()
        inline.update(entry)
        document["ignore"].append(inline)
        return with_line_endings(tomlkit.dumps(document), like=text)
    # [[ignore]] may stand last after anything; tomlkit would part comments from their table.
    space = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return text + with_line_endings(space + tomlkit.dumps({"ignore": [entry]}), like=text)


_TABLE = re.compile(r"[ \t]*\[\[[ \t]*ignore[ \t]*\]\]")
_LINE_OF_ENTRY = re.compile(r"[ \t]*(?:\[\[|(?:kind|phrase)[ \t]*=)")


def _checked(file: Path, text: str, left: list[Any]) -> str | None:
    """The file with these entries alone and all else as it was; None where its form is none we can edit."""
    try:
        new = _with_only(file, text, left)
        before, after = parse_toml(file, text), parse_toml(file, new)
    except SourceError:
        return None
    before["ignore"] = left
    return new if {"ignore": [], **after} == before else None


def _with_only(file: Path, text: str, left: list[Any]) -> str:
    """TOML whose `ignore` keeps the entries in `left` alone. Raises `SourceError`."""
    import tomlkit

    document = _editable(file, text)
    entries = document.get("ignore")
    if isinstance(entries, tomlkit.items.Array):
        for index in reversed(range(len(entries))):
            if entries[index].unwrap() not in left:
                del entries[index]
        return with_line_endings(tomlkit.dumps(document), like=text)

    tables = re.split(r"^(?=[ \t]*\[)", text, flags=re.MULTILINE)
    return "".join(
        table
        if not _TABLE.match(table) or parse_toml(file, table)["ignore"][0] in left
        else _without_entry(table)
        for table in tables
    )


def _without_entry(table: str) -> str:
    """A comment below an entry may belong to what follows, so all but the entry's own lines stay."""
    lines = (line for line in table.splitlines(keepends=True) if not _LINE_OF_ENTRY.match(line))
    return "".join(lines).lstrip("\r\n")


def _editable(file: Path, text: str) -> Any:  # noqa: ANN401
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise SourceError(f"{file}: cannot be edited: {error}.") from None


def _is_entry(item: object) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(name), str) for name in ("kind", "phrase"))


def _key(file: Path, item: dict[str, str]) -> str:
    return hashed(file.as_uri(), item["kind"], normalised(item["phrase"]))


def _covers(item: object, entry: dict[str, str]) -> bool:
    """Whether an entry of the file ignores what `entry` would."""
    if not isinstance(item, dict) or item.get("kind") != entry["kind"]:
        return False
    return item.get("phrase") == ALL or normalised(str(item.get("phrase"))) == normalised(entry["phrase"])
