import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from watchfiles import awatch

from devrouter.app.watch import configuration_folders, watch_configuration

SECONDS = 20


class Reloads:
    def __init__(self) -> None:
        self.count = 0
        self._seen = asyncio.Event()

    async def on_change(self) -> None:
        self.count += 1
        self._seen.set()

    async def next(self) -> None:
        await asyncio.wait_for(self._seen.wait(), SECONDS)
        self._seen.clear()


@asynccontextmanager
async def watching(folders: Iterable[Path], user_config: Path) -> AsyncIterator[Reloads]:
    reloads = Reloads()
    task = asyncio.create_task(watch_configuration(folders, reloads.on_change, user_config))
    # The watches are set up before the task waits for the first time: nothing is missed after this.
    await asyncio.sleep(0)
    try:
        yield reloads
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, SECONDS)


async def test_a_project_file_is_noticed_when_created_saved_replaced_and_deleted(tmp_path: Path) -> None:
    file = tmp_path / ".devrouter.toml"
    async with watching([tmp_path], tmp_path / "config.toml") as reloads:
        file.write_text("[findings]\n")
        await reloads.next()
        file.write_text("[findings]\nseverity = 'hint'\n")
        await reloads.next()
        new = tmp_path / "new"
        new.write_text("[findings]\n")
        new.replace(file)
        await reloads.next()
        file.unlink()
        await reloads.next()


async def test_the_users_configuration_is_noticed_under_the_name_it_has(tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    async with watching([tmp_path], config) as reloads:
        config.write_text("engine = 'instant'\n")
        await reloads.next()


async def test_other_files_and_files_further_down_are_not_noticed(tmp_path: Path) -> None:
    others = {tmp_path / "notes.md", tmp_path / "below" / ".devrouter.toml"}
    (tmp_path / "below").mkdir()

    async def all_others_seen() -> None:
        seen: set[Path] = set()
        # It reports later than the watch under test would.
        async for changes in awatch(tmp_path, debounce=500, step=200):
            seen |= {Path(path) for _, path in changes}
            if others <= seen:
                return

    async with watching([tmp_path], tmp_path / "config.toml") as reloads:
        witness = asyncio.create_task(all_others_seen())
        await asyncio.sleep(0)
        for other in others:
            other.write_text("x")
        await asyncio.wait_for(witness, SECONDS)
        assert reloads.count == 0
        (tmp_path / ".devrouter.toml").write_text("")
        await reloads.next()


async def test_a_folder_that_is_missing_or_vanishes_leaves_the_others_watched(tmp_path: Path) -> None:
    stays, goes = tmp_path / "stays", tmp_path / "goes"
    stays.mkdir()
    goes.mkdir()
    async with watching([tmp_path / "never", goes, stays], tmp_path / "config.toml") as reloads:
        goes.rmdir()
        (stays / ".devrouter.toml").write_text("")
        await reloads.next()


async def test_a_folder_that_is_made_later_is_noticed_and_watched(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "devrouter"
    async with watching([folder], folder / "config.toml") as reloads:
        folder.mkdir(parents=True)
        await reloads.next()
        # The second folder of the two may be noticed by a watch of its own.
        while reloads.count < 2:
            (folder / "config.toml").write_text("engine = 'instant'\n")
            await reloads.next()


async def test_cancelling_stops_the_watch(tmp_path: Path) -> None:
    task = asyncio.create_task(watch_configuration([tmp_path], Reloads().on_change))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, SECONDS)


async def test_what_a_reload_raises_reaches_who_started_the_watch(tmp_path: Path) -> None:
    async def on_change() -> None:
        raise LookupError

    task = asyncio.create_task(watch_configuration([tmp_path], on_change))
    await asyncio.sleep(0)
    (tmp_path / ".devrouter.toml").write_text("")
    with pytest.raises(LookupError):
        await asyncio.wait_for(task, SECONDS)


def test_every_folder_that_can_hold_settings_of_a_document_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    document = tmp_path / "project" / "prompts" / "a.prompt.md"
    user_config = tmp_path / "etc" / "config.toml"
    assert configuration_folders([document], user_config) == {
        tmp_path,
        tmp_path / "project",
        tmp_path / "project" / "prompts",
        tmp_path / "etc",
    }
