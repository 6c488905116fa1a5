"""The teacher's calls are understood by the real Ollama and the real llama.cpp, schema and all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from runtime.tiny_gguf import write_tiny_gguf
from tests.runtime.conftest import STARTS_WITHIN, import_carelessly, llama_server
from tests.unit.training import prompt, read, run, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

TEXTS = ("why does my flask app give 500??", "write a dockerfile for a go service")
CONTEXT = 16_384  # Tokens; to a model whose tokens are bytes the guide is long.


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "teacher.gguf"
    write_tiny_gguf(path, context=CONTEXT)
    return path


def labels_by(folder: Path, api: str, url: str) -> list[str]:
    """Let the model label two prompts; the texts whose reply was a decision."""
    prompts = write(folder / "prompts.jsonl", [prompt(text) for text in TEXTS])
    values = {"api": api, "url": url, "name": "teacher", "context": CONTEXT, "concurrency": 1}
    sets = [part for key, value in values.items() for part in ("--set", f"teach.model.{key}={value}")]
    done = run("teach", prompts, "-o", folder / "labels.jsonl", "--yes", *sets)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = read(folder / "labels.jsonl")
    assert all(row["tokens_out"] > 0 for row in rows)
    return [row["text"] for row in rows]


def test_llama_cpp(teacher: Path, tmp_path: Path) -> None:
    with llama_server(teacher, context=CONTEXT) as (url, _):
        assert labels_by(tmp_path, "openai", url) == list(TEXTS)


def test_ollama(teacher: Path, ollama_url: str, tmp_path: Path) -> None:
    with httpx.Client(base_url=ollama_url, trust_env=False, timeout=STARTS_WITHIN) as client:
        import_carelessly(client, "teacher", teacher)
    assert labels_by(tmp_path, "ollama", ollama_url) == list(TEXTS)
