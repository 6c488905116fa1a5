"""`devrouter ignored`: the findings that the user chose not to see, and how to see them again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import Style, note, plural, put, visible, width

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Sequence

    from devrouter.app.ignores import Ignored

HELP = "the findings that you ignore, and how to see them again"
DESCRIPTION = """\
Lists what you ignored in your editor: single findings and kinds of a file, values that you said are no
secrets, and what your own config.toml ignores; with --project what the `.devrouter.toml` of this folder or
above it ignores. Of a single finding only a hash is kept, so its words cannot be shown here.
"""
EXAMPLES = """\
examples:
  devrouter ignored                              what you ignore, the latest first
  devrouter ignored --remove 3f2a91bc 07d4c1e9   shows these again
  devrouter ignored --project                    what the project ignores, for all who work in it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--project", action="store_true", help="what this folder's `.devrouter.toml` ignores, instead"
    )
    parser.add_argument("--remove", nargs="+", metavar="ID", help="show these findings again")


def run(arguments: argparse.Namespace) -> ExitStatus:
    from devrouter.app.ignores import IgnoreError

    try:
        kept = _InProject() if arguments.project else _OfUser(arguments.config)
        if arguments.remove:
            _remove(kept, arguments.remove)
        else:
            _print(kept.listed)
    except IgnoreError as error:
        raise CommandError(ExitStatus.OUTPUT, str(error)) from None
    return ExitStatus.OK


class _OfUser:
    """What the user ignores: in the state folder and in their own configuration."""

    def __init__(self, config: Path | None) -> None:
        from devrouter.app.ignore_settings import ignored_by
        from devrouter.app.ignores import Ignores, default_state_file
        from devrouter.app.settings_sources import user_config_path

        self._config = user_config_path(config).resolve()
        self._ignores = Ignores(default_state_file())
        self.listed: tuple[Ignored, ...] = (*self._ignores.listed(), *ignored_by(self._config))
        for problem in self._ignores.problems:
            note(problem, level="warning")

    def remove(self, keys: Collection[str]) -> None:
        from devrouter.app.ignore_settings import show_again_in

        self._ignores.remove(*keys)
        show_again_in(self._config, keys)


class _InProject:
    """What the `.devrouter.toml` in force for this folder ignores."""

    def __init__(self) -> None:
        from devrouter.app.ignore_settings import ignored_by
        from devrouter.app.settings_sources import project_file

        self._file = project_file(Path.cwd())
        if self._file is None:
            note("neither this folder nor one above it has a `.devrouter.toml`")
        self.listed: tuple[Ignored, ...] = ignored_by(self._file) if self._file else ()

    def remove(self, keys: Collection[str]) -> None:
        from devrouter.app.ignore_settings import show_again_in

        if self._file is not None:
            show_again_in(self._file, keys)


def _remove(kept: _OfUser | _InProject, ids: Sequence[str]) -> None:
    """All of them or none. A longer or shorter beginning of the key does as well, if it names one alone."""
    keys = set()
    for wanted in ids:
        found = {entry.key for entry in kept.listed if entry.key.startswith(wanted)}
        if len(found) != 1:
            why = "is not in the list" if not found else f"is the beginning of {len(found)} of them"
            raise CommandError(ExitStatus.USAGE, f"{wanted} {why}; `devrouter ignored` shows the ids")
        keys |= found
    kept.remove(keys)
    put(f"{plural(len(keys), 'finding')} will show again.", sys.stdout)


def _print(listed: Sequence[Ignored]) -> None:
    if not listed:
        put("Nothing is ignored.", sys.stdout)
        return
    style = Style.of(sys.stdout)
    rows = [("id", "kind", "what", "since", "where"), *(_row(entry) for entry in listed)]
    widths = [max(width(row[column]) for row in rows) for column in range(4)]
    for number, row in enumerate(rows):
        cells = [visible(cell) + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=False)]
        line = "  ".join([*cells, visible(row[-1])])
        put(style.dim(line) if number == 0 else line, sys.stdout)


def _row(entry: Ignored) -> tuple[str, str, str, str, str]:
    from devrouter.app.configuration import path_of

    what = {None: "this finding", "*": "all of the kind"}.get(entry.phrase, entry.phrase or "")
    if entry.kind == "secret":
        what = "no secret"
    day = "" if entry.since is None else f"{datetime.fromtimestamp(entry.since, UTC).astimezone():%Y-%m-%d}"
    return entry.id, entry.kind, what, day, str(path_of(entry.uri) or entry.uri or "everywhere")
