"""`devrouter batch --runner ray`: the same job where one machine is outgrown, as blocks on Ray Data.

The input is cut into blocks whose names follow from place and content. Each is answered by an actor and
written whole by a rename, so that a block that runs twice, its first actor killed, counts once. Ray moves
only the names of blocks: rows and answers are files in OUT.blocks, which the whole cluster must see.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import logging
import os
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from devrouter.cli.asker import Asker
from devrouter.cli.documents import write_atomically
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.core.json_lines import json_line
from devrouter.engines.engine import EngineError, EngineUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from devrouter.cli.rows import Row
    from devrouter.core.decision import Triage

BLOCK = 64
"""Rows in a block: enough to keep a server's slots busy, few enough to be done again."""


@dataclass(frozen=True, slots=True)
class RayJob:
    """Who answers, in words that reach another process. `here` is where the settings are looked up."""

    blocks: Path
    here: Path
    engine: str | None
    config: Path | None
    endpoints: tuple[str, ...]
    concurrency: int | None


def require_ray() -> None:
    """Raises `CommandError` where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise CommandError(
            ExitStatus.EXTRA, "--runner ray needs ray; to install it: pip install 'devrouter-ls[ray]'"
        )


def answer_blocks(
    job: RayJob, rows: Iterable[tuple[Row, bool]], on_block: Callable[[int], None]
) -> Iterator[bytes]:
    """Every answer in the rows' order, once all blocks are done; True marks a row that was answered before.

    `on_block` hears of each block's rows. Raises `EngineError` where a worker is left without an engine.
    """
    try:
        job.blocks.mkdir(exist_ok=True)
        names = [name for name in _cut(job.blocks, rows) if name is not None]
        waiting = [name for name in names if not _answers_of(job.blocks, name).exists()]
        if waiting:
            _run(job, waiting, on_block)
        for name in names:
            yield from _answers_of(job.blocks, name).read_bytes().splitlines(keepends=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(
            ExitStatus.OUTPUT, f"{error.filename or job.blocks}: cannot be written: {reason}"
        ) from None


class Worker:
    """An actor: answers one block a call, with engines of its own. Its constructor runs on the worker."""

    def __init__(self, job: RayJob) -> None:
        os.chdir(job.here)
        self._job = job
        self._asker = Asker(argparse.Namespace(engine=job.engine, config=job.config), quiet=True)
        self._triagers = self._asker.triagers(job.endpoints)

    def __call__(self, item: dict[str, str]) -> dict[str, Any]:
        """The block's rows answered and on the disk; or why there is no engine left, as data."""
        from devrouter.cli.batch_pool import Pool
        from devrouter.cli.rows import Row as GoodRow
        from devrouter.cli.rows import answer_line, read_rows

        answers: list[bytes] = []

        def keep(row: Row, triage: Triage) -> None:
            answers.append(answer_line(row, triage))

        with _rows_of(self._job.blocks, item["block"]).open("rb") as stream:
            rows = (row for row in read_rows(stream) if isinstance(row, GoodRow))
            pool = Pool(self._triagers, self._asker.settings(None), strict=self._asker.strict)
            try:
                self._asker.run(pool.run(rows, keep, lambda _: None, self._job.concurrency))
            except EngineError as error:
                return {"rows": 0, "error": str(error), "mend": error.mend or ""}
        write_atomically(_answers_of(self._job.blocks, item["block"]), b"".join(answers))
        return {"rows": len(answers), "error": "", "mend": ""}


def _cut(folder: Path, rows: Iterable[tuple[Row, bool]]) -> Iterator[str | None]:
    """Write each block's rows; the block's name, None for rows that were all answered before.

    A block of which only the first rows were is cut to the others: it has another name then.
    """
    for number, block in enumerate(_in_blocks(rows)):
        lines = [json_line({"id": row.id, "text": row.text}) for row, answered in block if not answered]
        yield _written(folder, number, lines) if lines else None


def _in_blocks(rows: Iterable[tuple[Row, bool]]) -> Iterator[list[tuple[Row, bool]]]:
    rows = iter(rows)
    while block := list(islice(rows, BLOCK)):
        yield block


def _written(folder: Path, number: int, block: list[bytes]) -> str:
    data = b"".join(block)
    name = f"{number:07}-{hashlib.sha256(data).hexdigest()[:16]}"
    if not _rows_of(folder, name).exists():
        write_atomically(_rows_of(folder, name), data)
    return name


def _run(job: RayJob, names: list[str], on_block: Callable[[int], None]) -> None:
    """Have the blocks answered by a pool of actors: one a processor, or one an endpoint of a model server."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # It would tell its makers of each run.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # What fails is said here, in words.
    ray: Any = importlib.import_module("ray")
    data: Any = importlib.import_module("ray.data")
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        context = data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        instant = job.engine == "instant"
        actors = int(ray.cluster_resources().get("CPU", 1)) if instant else max(1, len(job.endpoints))
        blocks = data.from_items([{"block": name} for name in names], override_num_blocks=len(names))
        done = blocks.map(
            Worker,
            fn_constructor_args=(job,),
            compute=data.ActorPoolStrategy(size=min(actors, len(names))),
            num_cpus=1 if instant else 0,
        )
        for result in done.iter_rows():
            if result["error"]:
                raise EngineUnreachable(result["error"], result["mend"] or None)
            on_block(result["rows"])
    finally:
        ray.shutdown()


def _rows_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.rows.jsonl"


def _answers_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.answers.jsonl"
