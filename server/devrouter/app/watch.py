"""Configuration files are noticed when they change, so that settings take hold without a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devrouter.app.settings_sources import PROJECT_FILE, project_folders, user_config_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path


def configuration_folders(paths: Iterable[Path], user_config: Path | None = None) -> frozenset[Path]:
    """The folders whose files can change the settings of the documents at `paths`."""
    folders = {folder for path in paths for folder in project_folders(path)}
    return frozenset(folders | {user_config_path(user_config).parent})


async def watch_configuration(
    folders: Iterable[Path],
    on_change: Callable[[], Awaitable[None]],
    user_config: Path | None = None,
) -> None:
    """Await `on_change` after each change of a configuration file in `folders`, until the task is cancelled.

    Only the folders themselves are watched, not what is under them, and only files named `.devrouter.toml`
    or as the user's configuration. A folder that does not exist is left out, one that vanishes is no longer
    watched, and a link's target is not seen: call again where the folders have changed. Returns at once where
    there is nothing to watch. Raises `OSError` where the system has no watch left to give, and what
    `on_change` raises; either ends the watch.
    """
    from watchfiles import Change, awatch

    names = {PROJECT_FILE, user_config_path(user_config).name}

    def is_configuration(_change: Change, path: str) -> bool:
        return path.replace("\\", "/").rpartition("/")[2] in names

    present = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]
    if not present:
        return
    # An editor's save is several events within a few milliseconds; 100 of them gather it into one.
    changes = awatch(
        *present,
        watch_filter=is_configuration,
        recursive=False,
        debounce=100,
        step=20,
        ignore_permission_denied=True,
    )
    async for _ in changes:
        await on_change()
