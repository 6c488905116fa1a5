"""Model text, streamed or whole, to a decision: validated, bounded, and every failure told in words.

A reply is one JSON object. White space around it and one code fence are accepted, because servers that ignore
the schema write them; anything else around it is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devrouter.core.decision import FIELDS, Complexity, Decision, DecisionError, Intent
from devrouter.core.tiers import Route
from devrouter.engines.engine import ReplyBroken

if TYPE_CHECKING:
    from collections.abc import Mapping

MAXIMUM_CHARACTERS = 200_000
"""A longer reply is refused while it still arrives; the longest honest one is a tenth of this."""

_FENCED = re.compile(r"\s*```(?:json)?[ \t]*\r?\n(?P<body>.*?)\r?\n?[ \t]*```\s*", re.DOTALL | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAXIMUM_PHRASE = 120  # Characters; the guide asks for short noun phrases.
_MAXIMUM_PHRASES = 5
_LABELS = {
    "intent": frozenset(Intent),
    "complexity": frozenset(Complexity),
    "route": frozenset(Route),
}
_PLACEHOLDERS = {
    "intent": Intent.OTHER.value,
    "complexity": Complexity.MEDIUM.value,
    "route": Route.MEDIUM_API.value,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reply is: the field being written (None before the first), the rewrite's length so far.

    `labels` are intent, complexity and route as far as they are written, in the order of writing.
    """

    field: str | None = None
    rewrite_length: int = 0
    labels: tuple[str, ...] = ()


OnProgress = Callable[[Progress], None]


class ReplyReader:
    """Takes a reply in pieces. `progress` is up to date after every piece; `finish` parses the whole.

    `fields` are the fields the model was asked for; the labels of others are placeholders that do not count.
    """

    def __init__(self, fields: frozenset[str] = frozenset(FIELDS)) -> None:
        self.progress = Progress()
        self._fields = fields
        self._pieces: list[str] = []
        self._length = 0
        self._scanner = _Scanner({name: _LABELS[name] for name in _LABELS.keys() & fields})

    def feed(self, piece: str) -> None:
        """Raises `ReplyBroken` once the reply is longer than any decision can be."""
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > MAXIMUM_CHARACTERS:
            raise ReplyBroken(
                f"The model's reply is longer than {MAXIMUM_CHARACTERS:,} characters: not a decision."
            )
        self._scanner.feed(piece)
        scanner = self._scanner
        self.progress = Progress(scanner.key, scanner.rewrite_length, tuple(scanner.labels.values()))

    def finish(self, *, cut_by: str | None = None) -> tuple[Decision, tuple[str, ...]]:
        """The decision and its problems. Raises `ReplyBroken` with what is wrong with the reply.

        `cut_by` names the limit that ended the reply early, None where the model ended it itself.
        """
        text = "".join(self._pieces)
        if cut_by is not None and not self._scanner.closed:
            raise ReplyBroken(f"The reply was cut {self.place} by {cut_by}.")
        values = _parse(text, self.place)
        _require_fields(values, self._fields)
        try:
            decision = Decision.from_json(json.dumps(_PLACEHOLDERS | {"missing": []} | values))
        except DecisionError as error:
            raise ReplyBroken(f"The reply is not a decision: {error}.") from None
        if _CONTROL.search(decision.rewrite):
            raise ReplyBroken("The reply is not a decision: rewrite: it holds control characters.")
        missing, problems = _bounded(decision.missing)
        return Decision(
            decision.rewrite, decision.intent, decision.complexity, decision.route, missing
        ), problems

    @property
    def place(self) -> str:
        """Where the reply stands now, to say where it broke off."""
        progress = self.progress
        if progress.field == "rewrite":
            return f"inside the rewrite, after {progress.rewrite_length:,} characters"
        return f'inside "{progress.field}"' if progress.field else "before its first field"


def _parse(text: str, place: str) -> dict[str, Any]:
    fenced = _FENCED.fullmatch(text)
    body = (fenced["body"] if fenced else text).strip()
    if not body:
        raise ReplyBroken("The model replied nothing.")
    if not body.startswith("{"):
        raise ReplyBroken("The model replied in words or in another form instead of one JSON object.")
    try:
        value, end = json.JSONDecoder(object_pairs_hook=_without_duplicates).raw_decode(body)
    except json.JSONDecodeError as error:
        if error.pos >= len(body) or error.msg.startswith("Unterminated string"):
            raise ReplyBroken(f"The reply breaks off {place}.") from None
        raise ReplyBroken(f"The reply is not valid JSON: {error.msg} at character {error.pos}.") from None
    except RecursionError:
        raise ReplyBroken("The reply is not a decision: it is nested too deep.") from None
    if body[end:].strip():
        raise ReplyBroken("The model wrote more after its JSON object: only the object may stand there.")
    result: dict[str, Any] = value
    return result


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ReplyBroken(f'The reply is not a decision: "{twice[:40]}" stands in it twice.')
    return values


def _require_fields(values: dict[str, Any], wanted: frozenset[str]) -> None:
    for name in FIELDS:
        if name in wanted and name not in values:
            raise ReplyBroken(f"The reply is not a decision: {name}: it is not there.")
    for name in values:
        if name not in wanted:
            raise ReplyBroken(f'The reply is not a decision: "{name[:40]}" is no field that was asked for.')


def _bounded(phrases: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The phrases as one line each, without empty and overlong ones, at most five; and what was left out."""
    cleaned = [" ".join(_CONTROL.sub(" ", phrase).split()) for phrase in phrases]
    good = [phrase for phrase in cleaned if 0 < len(phrase) <= _MAXIMUM_PHRASE]
    kept = tuple(dict.fromkeys(good))[:_MAXIMUM_PHRASES]
    overlong = sum(len(phrase) > _MAXIMUM_PHRASE for phrase in cleaned)
    problems = (
        (f"{overlong} of the model's missing items were no short phrases and are left out.",)
        if overlong
        else ()
    )
    return kept, problems


class _Scanner:
    """Follows a JSON object by its characters, just far enough to say which top-level field is written.

    Of the fields in `allowed` it keeps the value, where that is one of the allowed ones.
    """

    def __init__(self, allowed: Mapping[str, frozenset[str]]) -> None:
        self.key: str | None = None
        self.rewrite_length = 0
        self.labels: dict[str, str] = {}
        self._allowed = allowed
        self.closed = False
        self._depth = 0
        self._in_string = False
        self._expects_key = False
        self._string: list[str] = []
        self._after_backslash = False
        self._hexadecimals = 0  # Digits of a \\uXXXX escape still to come.

    def feed(self, text: str) -> None:
        for character in text:
            if self._in_string:
                self._inside_string(character)
            elif character == '"':
                self._in_string, self._string = True, []
            elif character in "{[":
                self._depth += 1
                self._expects_key = character == "{" and self._depth == 1
            elif character in "}]":
                self._depth -= 1
                self.closed = self._depth == 0
            elif character == "," and self._depth == 1:
                self._expects_key = True

    def _inside_string(self, character: str) -> None:
        if self._after_backslash:
            self._after_backslash = False
            self._hexadecimals = 4 if character == "u" else 0
            self._count()
        elif self._hexadecimals:
            self._hexadecimals -= 1
        elif character == "\\":
            self._after_backslash = True
        elif character == '"':
            self._in_string = False
            self._end_string("".join(self._string))
        else:
            self._count()
            if (self._expects_key or self.key in self._allowed) and len(self._string) < 40:
                self._string.append(character)

    def _end_string(self, text: str) -> None:
        if self._depth != 1:
            return
        if self._expects_key:
            self.key, self._expects_key = text, False
        elif self.key is not None and text in self._allowed.get(self.key, ()):
            self.labels[self.key] = text

    def _count(self) -> None:
        if self.key == "rewrite" and self._depth == 1 and not self._expects_key:
            self.rewrite_length += 1
