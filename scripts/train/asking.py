"""Asking a model many questions so that nothing is lost and nothing is paid twice.

Each answer is on the disk before it counts. What an earlier run answered or rejected is not asked again. A
first Ctrl-C lets the calls that are on their way finish; a second one does not.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devrouter.cli.terminal import plural, progress_bar
from train.rows import AppendedRows, FileError
from train.teacher import CallFailed, CannotGoOn, Message, Reply, Teacher, connected, endpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tqdm import tqdm

    from train.config import ModelSettings

_NAMED = 10
"""Questions left over that are named on standard error."""


class NoAnswer(Exception):
    """The reply is not what was asked for. `str(error)` is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one row, and about how many tokens it and the reply have."""

    id: str
    messages: tuple[Message, ...]
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Inquiry:
    """How questions are asked. `read` makes a reply's text a row, or raises `NoAnswer`.

    `asked_by` names the model and its instruction; a file holds the answers of one only.
    """

    model: ModelSettings
    schema: dict[str, Any]
    seed: int
    give_up_after: int
    asked_by: str
    read: Callable[[Question, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Answers:
    """All answers so far and all rejected replies, each with its question's id.

    `unfinished` is one sentence where questions are left, None where there are none.
    """

    rows: tuple[dict[str, Any], ...]
    rejected: tuple[dict[str, Any], ...]
    unfinished: str | None


def inquire(
    questions: Sequence[Question], inquiry: Inquiry, output: Path, *, yes: bool, dry_run: bool
) -> Answers | None:
    """Ask what was not asked yet, after saying what it costs; None where nothing was to be sent.

    An answer is a row of `output`: the question's id, what `read` made of the reply, the asker and the tokens
    spent. Replies that are no answer, and questions too long, stand in `output`'s `.rejected.jsonl`.
    """
    rejected_path = output.with_suffix(".rejected.jsonl")
    with AppendedRows(output) as answers, AppendedRows(rejected_path) as rejected:
        waiting = unanswered(questions, answers, rejected, asked_by=inquiry.asked_by)
        outcome = _Outcome()
        if waiting or dry_run:
            print(estimate(waiting, inquiry.model))
        if dry_run or (waiting and not agreed(yes=yes)):
            return None
        if waiting:
            with progress_bar(len(waiting), title=inquiry.model.name) as bar:
                outcome = asyncio.run(_Run(inquiry, answers, rejected, bar).run(iter(waiting)))
        _report(outcome, answers, rejected, inquiry.model)
        return Answers(tuple(answers.rows), tuple(rejected.rows), _unfinished(outcome))


def cost_of(tokens_in: int, tokens_out: int, model: ModelSettings) -> str:
    price = (tokens_in * model.price_in + tokens_out * model.price_out) / 1_000_000
    money = f"{price:,.2f} {model.currency}" if model.price_in or model.price_out else "no price set"
    return f"{tokens_in:,} tokens in, {tokens_out:,} out: {money}"


def estimate(questions: Sequence[Question], model: ModelSettings) -> str:
    """What is about to be sent where, and about what it will cost."""
    tokens_in = sum(question.tokens_in for question in questions)
    tokens_out = sum(question.tokens_out for question in questions)
    endpoint = endpoint_of(model)
    remark = endpoint.remark.replace("Drafts leave", "Prompts leave")
    cost = cost_of(tokens_in, tokens_out, model)
    return f"{plural(len(questions), 'call')} to {model.name} at {endpoint.url}, about {cost}.{remark}"


def agreed(*, yes: bool) -> bool:
    """Ask the user whether to go on. Raises `FileError` where there is nobody to ask."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise FileError("nothing was sent: say --yes where nobody can be asked, or --dry-run to see the cost")
    return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}


def unanswered(questions: Sequence[Question], *done: AppendedRows, asked_by: str) -> list[Question]:
    """The questions that the files hold nothing about. Raises `FileError` where somebody else was asked."""
    known = set()
    for rows in done:
        for row in rows.rows:
            if row.get("asked_by") != asked_by:
                raise FileError(
                    f"{rows.path}: holds answers of {row.get('asked_by')}, not of {asked_by}; name another "
                    "output, or remove it to begin again"
                )
            known.add(row["id"])
    return [question for question in questions if question.id not in known]


@dataclass(slots=True)
class _Outcome:
    """One run. `left` holds the questions without answer and why, `stopped` why it ended early."""

    answered: int = 0
    rejected: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    left: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None


def _report(outcome: _Outcome, answers: AppendedRows, rejected: AppendedRows, model: ModelSettings) -> None:
    said = f"{plural(outcome.answered, 'row')} answered, {outcome.rejected:,} rejected"
    print(f"{said} (see {rejected.path})" if outcome.rejected else said)
    print(f"this run: {cost_of(outcome.tokens_in, outcome.tokens_out, model)}")
    rows = [*answers.rows, *rejected.rows]
    tokens_in, tokens_out = (sum(row.get(key, 0) for row in rows) for key in ("tokens_in", "tokens_out"))
    print(f"all runs: {cost_of(tokens_in, tokens_out, model)}")
    for name, reason in list(outcome.left.items())[:_NAMED]:
        print(f"not answered: {name}: {reason}", file=sys.stderr)
    if len(outcome.left) > _NAMED:
        print(f"and {len(outcome.left) - _NAMED:,} more", file=sys.stderr)


def _unfinished(outcome: _Outcome) -> str | None:
    if outcome.stopped:
        return f"stopped: {outcome.stopped}; the same command goes on from here"
    if outcome.left:
        return f"{plural(len(outcome.left), 'row')} not answered; the same command tries them again"
    return None


class _Run:
    """One run: so many workers as calls may go side by side, each taking the next question."""

    def __init__(
        self, inquiry: Inquiry, answers: AppendedRows, rejected: AppendedRows, bar: tqdm[Any]
    ) -> None:
        self._inquiry = inquiry
        self._answers = answers
        self._rejected = rejected
        self._bar = bar
        self._failed_in_a_row = 0
        self._outcome = _Outcome()

    async def run(self, waiting: Iterator[Question]) -> _Outcome:
        inquiry = self._inquiry
        with suppress(NotImplementedError):  # On Windows a Ctrl-C ends the calls too.
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupted)
        async with (
            connected(inquiry.model, inquiry.schema, inquiry.seed) as teacher,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(inquiry.model.concurrency):
                group.create_task(self._work(teacher, waiting))
        return self._outcome

    def _interrupted(self) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)  # The next one ends the run.
        self._stop("interrupted")
        self._bar.write("the calls on their way may finish; Ctrl-C again ends them", file=sys.stderr)

    async def _work(self, teacher: Teacher, waiting: Iterator[Question]) -> None:
        while self._outcome.stopped is None and (question := next(waiting, None)):
            try:
                await self._answer(teacher, question)
                self._failed_in_a_row = 0
            except CallFailed as error:
                self._outcome.left[question.id] = str(error)
                self._failed_in_a_row += 1
                if self._failed_in_a_row >= self._inquiry.give_up_after:
                    self._stop(f"{self._failed_in_a_row} calls in a row failed, the last: {error}")
            except (CannotGoOn, OSError) as error:
                self._stop(str(error))
            self._bar.update()

    async def _answer(self, teacher: Teacher, question: Question) -> None:
        """Ask, and once more where the reply is no answer, saying what is wrong with it."""
        model = self._inquiry.model
        needed = question.tokens_in + question.tokens_out
        if needed > model.context or question.tokens_out > model.reply:
            reason = f"Too long: with its reply it needs about {needed:,} tokens. Nothing was sent."
            self._reject(question, reason, [])
            return
        replies = [await self._ask(teacher, question.messages, needed)]
        reason = self._keep(question, replies)
        if reason and not replies[-1].cut:
            said = {"role": "assistant", "content": replies[-1].text}
            mend = f"That is no answer. {reason} Reply with the JSON object only."
            again = (*question.messages, said, {"role": "user", "content": mend})
            replies.append(await self._ask(teacher, again, needed + question.tokens_out))
            reason = self._keep(question, replies)
        if reason:
            self._reject(question, reason, replies)

    async def _ask(self, teacher: Teacher, messages: Sequence[Message], tokens: int) -> Reply:
        reply = await teacher.ask(messages, tokens)
        self._outcome.tokens_in += reply.tokens_in
        self._outcome.tokens_out += reply.tokens_out
        return reply

    def _keep(self, question: Question, replies: Sequence[Reply]) -> str:
        """Keep what the last reply says; or a sentence that says what is wrong with it."""
        reply, model = replies[-1], self._inquiry.model
        if reply.tokens_in >= model.context:
            return "The server cut the prompt to its context."
        try:
            row = self._inquiry.read(question, reply.text)
        except NoAnswer as error:
            return f"{error} It was cut at {model.reply:,} tokens." if reply.cut else str(error)
        self._answers.append({"id": question.id, **row, **self._signed(replies)})
        self._outcome.answered += 1
        return ""

    def _reject(self, question: Question, reason: str, replies: Sequence[Reply]) -> None:
        said = {"replies": [reply.text for reply in replies]}
        self._rejected.append({"id": question.id, "reason": reason, **said, **self._signed(replies)})
        self._outcome.rejected += 1

    def _signed(self, replies: Sequence[Reply]) -> dict[str, Any]:
        return {
            "asked_by": self._inquiry.asked_by,
            "tokens_in": sum(reply.tokens_in for reply in replies),
            "tokens_out": sum(reply.tokens_out for reply in replies),
        }

    def _stop(self, reason: str) -> None:
        self._outcome.stopped = self._outcome.stopped or reason
