"""Ignoring a finding, and what is ignored: listed, and shown again."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from lsprotocol import types

from devrouter.app.ignore_settings import ignored_by, show_again_in
from devrouter.app.ignores import IgnoreError, finding_key
from devrouter.app.settings_sources import PROJECT_FILE, user_config_path
from devrouter.lsp import commands
from devrouter.lsp import protocol as ours
from devrouter.lsp.errors import content_modified
from devrouter.lsp.quick_fix import quick_fix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from devrouter.app.findings import Finding
    from devrouter.app.ignores import Ignored
    from devrouter.app.opened import OpenDocument
    from devrouter.lsp.server import DevRouterServer


class Place(Enum):
    """Where a finding is ignored: itself in its document, all of its kind there, or in the project."""

    HERE = auto()
    FILE = auto()
    PROJECT = auto()


async def ignore(server: DevRouterServer, uri: str, prompt: int, phrase: str, place: Place) -> None:
    """Stop showing a finding."""
    opened = await server.session.settled(uri)
    visible = server.session.visible(opened) if opened else ()
    finding = next((f for f in visible if f.prompt == prompt and f.gap.phrase == phrase), None)
    if opened is None or finding is None:
        raise content_modified()
    try:
        match place:
            case Place.HERE:
                server.session.ignore_here(opened, finding)
            case Place.FILE:
                server.session.ignore_kind(opened, finding)
            case Place.PROJECT:
                file = server.session.ignore_everywhere(opened, finding, server.project_of(uri))
                commands.inform(server, f"“{phrase}” is now ignored by {file}.")
                server.reload()
    except IgnoreError as error:
        commands.warn(server, str(error))


def offered(
    server: DevRouterServer, opened: OpenDocument, finding: Finding, diagnostics: Sequence[types.Diagnostic]
) -> Iterator[types.CodeAction]:
    """To ignore the finding here, and in the project or everywhere."""
    if opened.document.is_private:  # What is ignored is written to disk.
        return
    uri, phrase = opened.document.uri, finding.gap.phrase
    place = "in this project" if server.project_of(uri) else "in all my prompts"
    for where, command in (("here", ours.IGNORE_HERE), (place, ours.IGNORE_IN_PROJECT)):
        title = f"Ignore {where}"
        arguments = [uri, finding.prompt, phrase]
        yield quick_fix(
            f"{title}: {phrase}",
            command=types.Command(title=title, command=command, arguments=arguments),
            diagnostics=diagnostics,
        )


def kinds_offered(
    opened: OpenDocument, findings: Iterable[Finding], context: types.CodeActionContext
) -> Iterator[types.CodeAction]:
    """For each kind among the findings, to ignore all of it in the document."""
    uri = opened.document.uri
    # What is ignored is written to disk, and the next untitled document may have the same name.
    if opened.document.is_private or uri.startswith("untitled:"):
        return
    for kind, finding in {finding.gap.kind: finding for finding in findings}.items():
        arguments = [uri, finding.prompt, finding.gap.phrase]
        yield quick_fix(
            f"Ignore in this file: everything of kind {kind.value}",
            command=types.Command(title="Ignore kind", command=ours.IGNORE_KIND, arguments=arguments),
            diagnostics=[found for found in context.diagnostics if found.code == kind.value],
        )


def listed(server: DevRouterServer, uri: str | None) -> list[ours.IgnoredMessage]:
    """What is ignored in documents, in the project of the document at `uri`, and by the user's settings."""
    phrases = _phrases_on_hand(server)
    return [
        ours.IgnoredMessage(
            key=entry.key,
            kind=entry.kind,
            uri=entry.uri,
            phrase=entry.phrase or phrases.get(entry.key),
            since=entry.since,
        )
        for entry in (*server.session.ignores.listed(), *_by_settings(server, uri))
    ]


def show_again(server: DevRouterServer, uri: str | None, key: str) -> None:
    """Show again what `listed` gave under this key; its findings return at once."""
    try:
        if not server.session.ignores.remove(key):
            for file in _settings_files(server, uri):
                show_again_in(file, {key})
    except IgnoreError as error:
        commands.warn(server, str(error))
    server.reload()


def _phrases_on_hand(server: DevRouterServer) -> dict[str, str]:
    """The phrases of the findings in open documents, by the hash that is kept of each that is ignored."""
    return {
        finding_key(opened.document.uri, finding.gap, opened.views[finding.prompt].draft.text): (
            finding.gap.phrase
        )
        for opened in server.session.documents.values()
        for finding in opened.findings.shown
    }


def _by_settings(server: DevRouterServer, uri: str | None) -> Iterator[Ignored]:
    for file in _settings_files(server, uri):
        try:
            yield from ignored_by(file)
        except IgnoreError as error:
            commands.warn(server, str(error))


def _settings_files(server: DevRouterServer, uri: str | None) -> Iterator[Path]:
    folder = server.project_of(uri) if uri else None
    if folder is not None:
        yield folder / PROJECT_FILE
    yield user_config_path(server.configuration.user_config).resolve()
