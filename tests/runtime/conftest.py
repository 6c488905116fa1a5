"""Real servers, started once for the session on free ports of this machine, with models of their own."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import httpx
import pytest

from devrouter.engines.engine import EngineTimeout
from runtime import get_model, get_ollama
from runtime.tiny_gguf import write_tiny_gguf
from train import run_tiny
from train.rows import Labelled, read_rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

Result = TypeVar("Result")
LLAMA_SERVER = Path(get_model.__file__).with_name("llama_server.py")
STARTS_WITHIN = 60  # Seconds.
SLOT_LOST_AFTER = 20  # Seconds without a word from a model of a few kilobytes that was loaded before.


@dataclass(frozen=True, slots=True)
class Models:
    """Model files. `brief` and `endless` are random, with a baked-in prompt; `bare` has none."""

    brief: Path
    endless: Path
    bare: Path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("models")
    files = Models(folder / "brief.gguf", folder / "endless.gguf", folder / "bare.gguf")
    write_tiny_gguf(files.brief)
    write_tiny_gguf(files.endless, endless=True)
    write_tiny_gguf(files.bare, system=None)
    return files


@dataclass(frozen=True, slots=True)
class Trained:
    """The tiny model that the training pipeline made, and the rows that it learned by heart."""

    gguf: Path
    rows: tuple[Labelled, ...]


@pytest.fixture(scope="session")
def trained() -> Trained:
    folder = run_tiny.finished()
    if not (folder / "result.json").is_file():
        pytest.skip("No model was trained of these files: python3 scripts/test.py does it")
    rows = read_rows(folder / "splits" / "train.jsonl", Labelled)
    return Trained(folder / "gguf" / "devrouter-Q8_0.gguf", tuple(rows))


@pytest.fixture(scope="session")
def ollama_program() -> Path:
    program = get_ollama.path()
    if not program.exists():
        pytest.skip("Ollama is not there: python3 scripts/runtime/get_ollama.py")
    return program


@pytest.fixture(scope="session")
def ollama_url(
    ollama_program: Path, models: Models, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A real Ollama with two models imported without care: `lost`, and `endless`, which never ends."""
    folder = tmp_path_factory.mktemp("ollama")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "OLLAMA_HOST": f"127.0.0.1:{port}",
        "OLLAMA_MODELS": str(folder / "models"),
        "OLLAMA_NUM_PARALLEL": "1",
        "HOME": str(folder),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [ollama_program, "serve"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_for(url, process)
        with httpx.Client(base_url=url, trust_env=False, timeout=STARTS_WITHIN) as client:
            import_carelessly(client, "lost", models.brief)
            import_carelessly(client, "endless", models.endless)
        yield url
    finally:
        process.terminate()
        process.wait()


def import_carelessly(client: httpx.Client, name: str, path: Path) -> None:
    """What `FROM file.gguf` alone does: no TEMPLATE, no SYSTEM. One thread: the machine is shared."""
    data = path.read_bytes()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    client.post(f"/api/blobs/{digest}", content=data).raise_for_status()
    body = {"model": name, "files": {path.name: digest}, "parameters": {"num_thread": 1}, "stream": False}
    client.post("/api/create", json=body).raise_for_status()


async def with_its_slot(url: str, model: str, trial: Callable[[], Awaitable[Result]]) -> Result:
    """Run a trial that cuts replies off: anew, the model unloaded, where Ollama lost its only slot by that.

    Ollama keeps the slot of a call that is cancelled just as a token comes (ollama/ollama#17131), and with a
    model as quick as ours a token always comes. A cancel of ours that did not reach it would fail every time.
    """
    for _ in range(5):
        try:
            return await trial()
        except (EngineTimeout, httpx.TimeoutException):
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=STARTS_WITHIN) as client:
                await client.post("/api/generate", json={"model": model, "keep_alive": 0})
    pytest.fail(f"{model} did not come free after a cancel, five times in a row")


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a measured figure where it is seen; figures never decide a test."""

    def write(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}\n")

    return write


@contextmanager
def llama_server(
    model: Path, *, context: int = 2048, slots: int = 1
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real llama.cpp server; it ends when its standard input does."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("llama.cpp's server is not there: pip install xllamacpp")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        str(LLAMA_SERVER),
        str(model),
        f"--port={port}",
        f"--context={context * slots}",
        f"--parallel={slots}",
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"{url}/health", process)
        yield url, process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def llama_url(models: Models) -> Iterator[str]:
    with llama_server(models.brief) as (url, _):
        yield url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers; a server that ends or stays silent fails the test."""
    deadline = time.monotonic() + STARTS_WITHIN
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            assert process.poll() is None, f"the server ended with status {process.returncode}"
            try:
                if client.get(url).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    pytest.fail(f"{url} did not answer within {STARTS_WITHIN} s")
