"""The settings of each open file, with their sources kept together and re-read when one changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from devrouter.app.settings_sources import LoadedSettings, load_settings
from devrouter.app.watch import configuration_folders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devrouter.app.settings import Settings


class Configuration:
    """Settings by file. `user_options` are the user's alone; `workspace_options` may be a repository's.

    `root` is the folder that the editor has open: a document that is not a file belongs to it.
    """

    def __init__(
        self, user_options: Mapping[str, object], user_config: Path | None, root: Path | None = None
    ) -> None:
        self._user_options = user_options
        self.user_config = user_config
        self._root = root
        self._workspace_options: Mapping[str, object] = {}
        self._loaded: dict[Path | None, LoadedSettings] = {}

    def of(self, uri: str) -> Settings:
        """The effective settings for the document."""
        path = path_of(uri)
        return self._load(self._root if path is None else path.parent).settings

    def user(self) -> Settings:
        """The settings that do not depend on a file: which engines there are, and where."""
        return self._load(None).settings

    def set_workspace_options(self, options: Mapping[str, object]) -> bool:
        """Take what the editor answers for `devrouter`; True if that changes anything."""
        changed = dict(options) != dict(self._workspace_options)
        self._workspace_options = options
        if changed:
            self._loaded.clear()
        return changed

    def forget(self) -> None:
        """Read every file again on the next use."""
        self._loaded.clear()

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the settings in use, each sentence once."""
        return tuple(dict.fromkeys(line for loaded in self._loaded.values() for line in loaded.problems))

    def folders(self) -> frozenset[Path]:
        """The folders in which a change of a configuration file matters to an opened document."""
        opened = (folder for folder in self._loaded if folder is not None)
        return configuration_folders(opened, self.user_config)

    def _load(self, folder: Path | None) -> LoadedSettings:
        if folder not in self._loaded:
            self._loaded[folder] = load_settings(
                folder,
                user_options=self._user_options,
                workspace_options=self._workspace_options,
                user_config=self.user_config,
            )
        return self._loaded[folder]


def path_of(uri: str) -> Path | None:
    """The path of a `file:` URI; None for any other document, which has no place on disk."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    path = unquote(parts.path)
    if os.name == "nt" and path[:1] == "/" and path[2:3] == ":":
        path = path[1:]
    return Path(f"//{parts.netloc}{path}" if os.name == "nt" and parts.netloc else path)
