"""When the libraries that speak to model servers are loaded: not before somebody listens."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.runtime.conftest import free_port
from tests.runtime.editing import TEXT, staged
from tests.runtime.fake_server import OLLAMA, fake_server

if TYPE_CHECKING:
    from pathlib import Path

LOADED = """
import asyncio, json, sys
from pathlib import Path
from devrouter.app.configuration import Configuration
from devrouter.app.startup import make_session
from devrouter.core.draft import Document
from devrouter.engines.engine import EngineError

class Nobody:
    def findings_changed(self, opened, findings): pass
    def status_changed(self, status): pass

async def main():
    options = {"engine": "auto", "ollama": {"host": sys.argv[1], "model": "helper"}}
    session = make_session(Nobody(), Configuration(options, Path("config.toml")))
    await session.check_model()
    session.opened(Document("untitled:1", "prompt", 1, sys.argv[2]))
    opened = await session.settled("untitled:1")
    try:
        await session.ask_model(opened)
    except EngineError as error:
        print(error, file=sys.stderr)
    await session.close()
    print(json.dumps(sorted({"httpx", "ollama"} & set(sys.modules))))

asyncio.run(main())
"""


async def test_no_client_library_is_loaded_where_nobody_listens(tmp_path: Path) -> None:
    """It takes a quarter of a second, which an editor without a model server need not pay."""
    assert await _loaded(f"http://127.0.0.1:{free_port()}", tmp_path) == []
    async with fake_server(staged(OLLAMA, OLLAMA.replies({"rewrite": TEXT, "missing": []}))) as server:
        assert await _loaded(server.url, tmp_path) == ["httpx", "ollama"]


async def _loaded(url: str, folder: Path) -> list[str]:
    """Which of the libraries a session has loaded after it was asked for the model once."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOADED, url, TEXT, cwd=folder, stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    loaded: list[str] = json.loads(output)
    return loaded
