"""The line above a prompt, for editors where nothing else of ours shows the tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from devrouter.core.text import Span
from devrouter.lsp import protocol as ours
from devrouter.lsp.hover import summary

if TYPE_CHECKING:
    from devrouter.lsp.server import DevRouterServer


async def lenses(server: DevRouterServer, uri: str) -> list[types.CodeLens]:
    """Two lenses a prompt: what it was read as (picks the tier), and the rewrite where there is one."""
    opened = await server.session.settled(uri)
    if opened is None or not _wanted(server, opened.settings.findings.code_lens):
        return []
    positions = server.positions(opened.document.text)
    result = []
    for index, view in enumerate(opened.views):
        start = view.region.span.start
        place = positions.range(Span(start, start))
        title = summary(view.triage, opened.chosen)
        pick = types.Command(title=title, command=ours.PICK_TIER, arguments=[uri])
        result.append(types.CodeLens(range=place, command=pick))
        if view.triage.decision.rewrite != view.draft.text:
            apply = types.Command(title="Apply rewrite", command=ours.APPLY_REWRITE, arguments=[uri, index])
            result.append(types.CodeLens(range=place, command=apply))
    return result


def _wanted(server: DevRouterServer, setting: str) -> bool:
    return setting == "on" or (setting == "auto" and not server.shows_status)
