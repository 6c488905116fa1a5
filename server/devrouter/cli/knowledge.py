"""What the projects of the checked files know: the facts that answer the findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devrouter.cli.documents import Source
    from devrouter.core.draft import Region
    from devrouter.core.facts import Fact
    from devrouter.core.gaps import Gap

_PATIENCE = 10.0  # seconds for a project to be read: a command that writes waits for all of it


class Knowledge:
    """The projects that were asked so far, each read once while its files stay as they are."""

    def __init__(self) -> None:
        from devrouter.app.facts import Workspaces

        self._workspaces = Workspaces()

    def of(self, source: Source, region: Region, gaps: Sequence[Gap]) -> dict[Gap, tuple[Fact, ...]]:
        """The facts that answer the gaps of a prompt: of the file's project, else of the current folder's."""
        from devrouter.app.facts import root_of
        from devrouter.core.fill import fence_around, fitting_facts

        here = Path.cwd() / "prompt"
        root = (root_of(source.path.absolute(), ()) if source.path else None) or root_of(here, ())
        if root is None or not gaps:
            return {}
        text, fence = source.text[slice(*region.span)], fence_around(source.text, region.span)
        facts = self._workspaces.of_folder(root, text, wait=_PATIENCE).facts
        return {gap: fitting_facts(gap, facts, text, fence) for gap in gaps}
