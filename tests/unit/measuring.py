"""What the tests of measuring share: exports, labelled rows, and what models replied to them, as files."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from devrouter.core.decision import Complexity, Decision, Intent
from devrouter.core.tiers import Route
from runtime.tiny_gguf import write_tiny_gguf
from tests.unit.training import labelled, write
from train.asked import Data, Mode, Replies, Reply, Respondent, Runtime, read_data
from train.config import run_command
from train.export import Export, write_modelfile
from train.manifest import sha256_of, write_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from devrouter.evaluation.rows import GoldRow


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def run_here(main: Callable[[], None], *arguments: str | Path) -> Done:
    """Run a step in this process, which has what it imports: seconds for each step otherwise."""
    said, complained, status = io.StringIO(), io.StringIO(), 0
    with (
        patch.object(sys, "argv", ["step", *map(str, arguments)]),
        redirect_stdout(said),
        redirect_stderr(complained),
    ):
        try:
            run_command(main)
        except SystemExit as end:  # A text is what the interpreter would print before it ends with 1.
            status = end.code if isinstance(end.code, int) else 1
            if isinstance(end.code, str):
                complained.write(end.code)
    return Done(status, said.getvalue(), complained.getvalue())


GOOD = Decision("", Intent.DEBUG, Complexity.LOW, Route.SMALL_LOCAL, ())
"""What the rows of `labelled` should be answered with, their rewrite apart."""

MODES: tuple[Mode, ...] = ("free", "constrained")


@dataclass(frozen=True, slots=True)
class Work:
    """A folder as the steps before leave it: a merged model, its exports, labelled rows."""

    folder: Path
    exports: dict[str, Export]
    data: Data

    @property
    def gguf(self) -> Path:
        return self.folder / "gguf"

    @property
    def measured(self) -> Path:
        return self.folder / "measured"

    def stage(
        self,
        quantization: str,
        replied: Callable[[int, GoldRow], str],
        *,
        modes: Sequence[Mode] = MODES,
        runtime: Runtime = "llama_cpp",
        rows: int | None = None,
    ) -> None:
        """Write down what an export replied to the rows, or to the first of them, as if it had been asked."""
        with patch("train.rows.os.fsync"):  # Hundreds of rows, and no machine that may fail.
            self._stage(quantization, replied, modes, runtime, rows)

    def _stage(
        self,
        quantization: str,
        replied: Callable[[int, GoldRow], str],
        modes: Sequence[Mode],
        runtime: Runtime,
        rows: int | None,
    ) -> None:
        export = self.exports[quantization]
        for mode in modes:
            asked = Respondent(runtime, quantization, mode, export.path, export.sha256)
            with Replies.of(asked, self.data, self.measured) as kept:
                for number, row in enumerate(self.data.rows[:rows]):
                    kept.keep(row, Reply(replied(number, row), False, 40, 30, 12.5))  # noqa: FBT003

    def result(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.measured / name).read_text(encoding="utf-8"))
        return content


def work(
    folder: Path, quantizations: Sequence[str] = ("F16", "Q8_0"), *, rows: int = 0, base: str = "a/b"
) -> Work:
    """Tiny models of random weights that stand for exports; each is another file."""
    merged = folder / "merged"
    merged.mkdir(parents=True)
    (merged / "config.json").write_text("{}", encoding="utf-8")
    about = {"base": base, "recipe": "rewrite_first"}
    write_manifest(merged, "merge", settings=about, seed=1, inputs=[])
    (folder / "gguf").mkdir()
    exports = {}
    for number, quantization in enumerate(quantizations):
        path = folder / "gguf" / f"devrouter-{quantization}.gguf"
        write_tiny_gguf(path, context=1024 + number)
        write_modelfile(path)
        exports[quantization] = exported(path, quantization, merged)
    texts = [f"the parser of module {number} drops the last line, why" for number in range(rows or 1)]
    data = write(folder / "test.jsonl", [labelled(text) for text in texts])
    return Work(folder, exports, read_data(data))


def exported(path: Path, quantization: str, merged: Path) -> Export:
    """The manifest of a file, as if `export.py` had made it."""
    write_manifest(path, "export", settings={"quantization": quantization}, seed=1, inputs=[merged])
    return Export(path, quantization, sha256_of(path))


def good(_number: int, row: GoldRow) -> str:
    """A right reply."""
    return json.dumps({**GOOD.to_dict(), "rewrite": row.text})
