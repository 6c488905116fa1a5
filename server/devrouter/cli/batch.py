"""`devrouter batch`: many prompts from a file, answered in order; an interrupted run goes on from there."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

from devrouter.cli.asker import Asker, status_of, with_mend
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import note, plural, progress_bar
from devrouter.engines.engine import EngineError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from tqdm import tqdm

    from devrouter.cli.batch_state import BatchOutput
    from devrouter.cli.rows import BrokenRow, Row
    from devrouter.core.decision import Triage

HELP = "many prompts from a JSON Lines file, resumable"
DESCRIPTION = """\
Reads rows {"id": …, "text": …}, one JSON object a line, and writes for each, in the same order, its id, the
five fields of the decision, and gaps: a list of {"phrase", "kind"}. A row whose model failed has the instant
answer and "problems". A row that cannot be read goes to OUT.rejected with its line number and the reason.

A model server is kept busy: it is asked as many rows at a time as it has slots (llama.cpp tells how many,
others get 4). With --endpoint, given once for each OpenAI-compatible server, all of them answer the one
input; the rows of one that fails go to the others.

With --runner ray the workers of a Ray cluster answer blocks of rows, the instant engine's on each processor,
one for each endpoint otherwise; blocks that are done stand in OUT.blocks until all are.

Stopped by whatever means, the same command goes on where it stopped: OUT.state, beside the output, says which
input and engine it was begun with. Remove OUT to begin again.
"""
EXAMPLES = """\
examples:
  devrouter batch in.jsonl -o out.jsonl
  zcat in.jsonl.gz | devrouter batch - -o out.jsonl
  devrouter batch in.jsonl -o out.jsonl --engine ollama    stops when the server goes away; run it again later
  devrouter batch in.jsonl -o out.jsonl --endpoint http://127.0.0.1:8080 --endpoint http://127.0.0.1:8081

exit status: 0 all answered, 7 some rows rejected, 6 some answered without the engine asked for, others as in
`devrouter --help`
"""

_REPORTED = 20
"""Rejected rows that are named on standard error; all of them stand in OUT.rejected."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="IN.jsonl", help="the rows; - reads them from standard input")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.jsonl", help="the answers")
    parser.add_argument(
        "--endpoint",
        action="append",
        default=[],
        dest="endpoints",
        metavar="URL",
        help="an OpenAI-compatible server that answers, in place of `openai.base_url`; may be given again",
    )
    parser.add_argument(
        "--concurrency",
        type=_positive,
        metavar="N",
        help="rows at a time to each model server; its number of slots if not given",
    )
    parser.add_argument(
        "--runner",
        choices=("local", "ray"),
        default="local",
        help="ray: on the Ray cluster at RAY_ADDRESS, else one of its own; all of it must see OUT's folder",
    )
    parser.add_argument(
        "--progress", action="store_true", help="a progress bar even where standard error is no terminal"
    )


def run(arguments: argparse.Namespace) -> ExitStatus:
    from devrouter.cli.batch_state import BatchOutput, mark_of

    if arguments.endpoints:
        _require_openai(arguments)
    if arguments.runner == "ray":
        from devrouter.cli.batch_ray import require_ray

        require_ray()
    with Asker(arguments) as asker, _opened(arguments.input) as stream:
        mark = mark_of(stream)
        if not mark.size:
            name = "standard input" if arguments.input == "-" else arguments.input
            raise CommandError(ExitStatus.INPUT, f"{name}: is empty, so there is nothing to answer")
        _refuse_same_file(arguments)
        bar = progress_bar(mark.rows, wanted=arguments.progress)
        with bar, BatchOutput(arguments.output, mark, asker.settings(None).engine) as output:
            batch = _Batch(asker, output, bar)
            try:
                if arguments.runner == "ray":
                    batch.run_on_ray(stream, arguments)
                else:
                    batch.run(stream, arguments.endpoints, arguments.concurrency)
            except KeyboardInterrupt:
                bar.close()
                note(f"interrupted; {batch.so_far()}", level="error")
                return ExitStatus.INTERRUPTED
            except EngineError as error:
                bar.close()
                note(f"{with_mend(str(error), error.mend)}; {batch.so_far()}", level="error")
                return status_of(error)
    return batch.finish()


class _Batch:
    """One run over all rows, those that an earlier run answered passed over."""

    def __init__(self, asker: Asker, output: BatchOutput, bar: tqdm[NoReturn]) -> None:
        self._bar = bar
        self._asker = asker
        self._output = output
        self._answered = output.answered.rows
        self._with_problems = output.answered.with_problems
        self._rejected = 0

    def run(self, stream: IO[bytes], endpoints: Sequence[str], concurrency: int | None) -> None:
        """Answer the rows that are left. Raises `EngineError` where there is no engine left to do it."""
        from devrouter.cli.batch_pool import Pool

        pool = Pool(self._asker.triagers(endpoints), self._asker.settings(None), strict=self._asker.strict)
        rows = (row for row, answered in self._good_rows(stream) if not answered)
        self._asker.run(pool.run(rows, self._keep, self._warn, concurrency))

    def run_on_ray(self, stream: IO[bytes], arguments: argparse.Namespace) -> None:
        """The same with Ray's workers. Raises `EngineError` where one is left without an engine."""
        from devrouter.cli.batch_ray import RayJob, answer_blocks
        from devrouter.cli.batch_state import has_problems

        job = RayJob(
            self._output.blocks.absolute(),
            Path().absolute(),
            self._asker.settings(None).engine if arguments.engine is None else arguments.engine,
            arguments.config and arguments.config.absolute(),
            tuple(arguments.endpoints),
            arguments.concurrency,
        )
        for line in answer_blocks(job, self._good_rows(stream), self._advance):
            self._output.append(line)
            self._answered += 1
            self._with_problems += has_problems(line)
        self._output.drop_blocks()

    def _advance(self, rows: int) -> None:
        self._bar.update(rows)

    def _good_rows(self, stream: IO[bytes]) -> Iterator[tuple[Row, bool]]:
        """The rows that can be read, and whether an earlier run answered them."""
        from devrouter.cli.rows import BrokenRow, read_rows

        known = self._output.answered_ids()
        for row in read_rows(stream):
            if isinstance(row, BrokenRow):
                self._reject(row)
            elif (answered := next(known, None)) is None:
                yield row, False
                continue  # It counts when it is answered.
            elif answered != row.id:
                raise CommandError(
                    ExitStatus.OUTPUT,
                    f"{self._output.out}: holds the answer of another row where that of line {row.line} "
                    "should be; remove the file to begin again",
                )
            else:
                yield row, True
            self._bar.update()

    def _keep(self, row: Row, triage: Triage) -> None:
        from devrouter.cli.rows import answer_line

        self._output.append(answer_line(row, triage))
        self._answered += 1
        self._with_problems += bool(triage.problems)
        self._bar.update()

    def so_far(self) -> str:
        return f"{plural(self._answered, 'row')} answered so far, and the same command goes on from there"

    def finish(self) -> ExitStatus:
        """Say how it went."""
        parts = [f"{plural(self._answered, 'row')} answered in {self._output.out}"]
        if self._with_problems:
            parts.append(f"{self._with_problems:,} of them with problems")
        if self._rejected:
            parts.append(f"{self._rejected:,} rejected, kept in {self._output.rejected}")
        note(", ".join(parts))
        if self._rejected:
            return ExitStatus.REJECTED
        return ExitStatus.REPLY if self._with_problems and self._asker.strict else ExitStatus.OK

    def _reject(self, row: BrokenRow) -> None:
        self._rejected += 1
        self._output.reject(row.to_json_line())
        if self._rejected <= _REPORTED:
            self._warn(f"line {row.line}: {row.reason}")
        elif self._rejected == _REPORTED + 1:
            self._warn(f"more rejected rows are listed in {self._output.rejected} only")

    def _warn(self, message: str) -> None:
        with self._bar.external_write_mode(file=sys.stderr):
            note(message, level="warning")


def _opened(name: str) -> IO[bytes]:
    """The input, such that it can be read twice: standard input and pipes are kept in a temporary file."""
    if name == "-" and sys.stdin is None:
        raise CommandError(ExitStatus.INPUT, "standard input is closed, so there is nothing to read")
    try:
        stream = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115  (by the caller)
        if name != "-" and stream.seekable():
            return stream
        kept = tempfile.TemporaryFile()  # noqa: SIM115  (closed by the caller)
        shutil.copyfileobj(stream, kept)
        kept.seek(0)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(ExitStatus.INPUT, f"{name}: cannot be read: {reason}") from None
    return kept


def _positive(text: str) -> int:
    from argparse import ArgumentTypeError

    if not (text.isascii() and text.isdigit() and int(text)):
        raise ArgumentTypeError(f"{text} is not a whole number from 1")
    return int(text)


def _require_openai(arguments: argparse.Namespace) -> None:
    """Endpoints name the engine as well."""
    if arguments.engine not in {None, "openai"}:
        raise CommandError(
            ExitStatus.USAGE, f"--endpoint is for the engine openai, not for {arguments.engine}"
        )
    arguments.engine = "openai"


def _refuse_same_file(arguments: argparse.Namespace) -> None:
    if arguments.input != "-" and arguments.output.exists() and arguments.output.samefile(arguments.input):
        raise CommandError(ExitStatus.USAGE, f"{arguments.output}: is both input and output")
