"""What the files of tools for all languages say: version managers, make."""

from __future__ import annotations

import re

from devrouter.core.answered import usual_name
from devrouter.workspace.formats import at, string, table, toml
from devrouter.workspace.project import Folder, Found, Project


def makefile(folder: Folder) -> Project | None:
    """The target that runs the tests; None where there is none."""
    for name in ("GNUmakefile", "makefile", "Makefile"):
        if re.search(r"^test[ \t]*::?(?!=)", folder.text(name) or "", re.MULTILINE):
            return Project("", test_command=Found("make test", folder.source(name)))
    return None


def pinned_tools(folder: Folder) -> Project | None:
    """What asdf and mise pin; None where they pin nothing here."""
    project = Project("")
    for name in ("mise.toml", ".mise.toml"):
        for tool, value in at(toml(folder.text(name)), "tools").items():
            first = value[0] if isinstance(value, list) and value else value
            project.set_version(
                usual_name(tool) or tool,
                string(first) or string(table(first).get("version")),
                folder.source(name),
            )
    for line in (folder.text(".tool-versions") or "").splitlines():
        words = line.split("#")[0].split()
        if len(words) >= 2:
            project.set_version(usual_name(words[0]) or words[0], words[1], folder.source(".tool-versions"))
    return project if project.versions else None
