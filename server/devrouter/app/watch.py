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
    or as the user's configuration. A folder that does not exist yet is noticed when it is made; one that
    vanishes is no longer watched, and a link's target is not seen. Raises `OSError` where the system has no
    watch left to give, and what `on_change` raises; either ends the watch.
    """
    from watchfiles import Change, awatch

    names = {PROJECT_FILE, user_config_path(user_config).name}
    wanted = list(dict.fromkeys(folders))
    while True:
        absent = [_first_absent(folder) for folder in wanted if not folder.is_dir()]
        to_come = {str(folder) for folder in absent}

        def matters(_change: Change, path: str, to_come: set[str] = to_come) -> bool:
            return path.replace("\\", "/").rpartition("/")[2] in names or path in to_come

        # An editor's save is several events within a few milliseconds; 100 of them gather it into one.
        changes = awatch(
            *(folder for folder in wanted if folder.is_dir()),
            *(folder.parent for folder in absent),
            watch_filter=matters,
            recursive=False,
            debounce=100,
            step=20,
            ignore_permission_denied=True,
        )
        async for batch in changes:
            await on_change()
            if any(path in to_come for _, path in batch):
                break
        else:
            return


def _first_absent(folder: Path) -> Path:
    """The topmost folder on the way to `folder` that does not exist."""
    missing = [folder, *(parent for parent in folder.parents if not parent.is_dir())]
    return missing[-1]
