"""Whether a rewrite may be offered: the same request, with every name, number and line of code still in it.

The guard judges the text alone, whoever wrote it. It would rather withhold a good rewrite than offer one that
loses a path: the draft stays as it is, and the user reads why. A lost code block or error text is put back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devrouter.core import demands, same_request, shape
from devrouter.core.kept import compared, invented, lost_pieces
from devrouter.core.meaning import says_the_same
from devrouter.core.pieces import Piece, Rule, protected_pieces, quoted
from devrouter.core.repair import put_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["RULES", "Guarded", "Piece", "Rule", "Verdict", "check_rewrite", "guard", "protected_pieces"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is one sentence for the user where the rewrite is withheld; `lost` holds the pieces it drops.

    `rule` is the key of `RULES` that decided.
    """

    kept: bool
    reason: str | None = None
    lost: tuple[str, ...] = ()
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Guarded:
    """What may be offered. With neither `rewrite` nor `withheld` it says what the draft says already.

    `repaired` names what was put back ("the code block", "`KeyError: 'id'`"); `withheld` is one sentence for
    the user and `rule` the key of `RULES` that decided.
    """

    rewrite: str | None
    repaired: tuple[str, ...] = ()
    withheld: str | None = None
    rule: str | None = None


def guard(original: str, rewrite: str) -> Guarded:
    """What of a rewrite of `original` may be offered. Never raises, linear in the length of both."""
    if says_the_same(original, rewrite):
        return Guarded(None)
    verdict = check_rewrite(original, rewrite)
    if verdict.kept:
        return Guarded(rewrite)
    repaired = put_back(original, rewrite)
    if repaired is not None and check_rewrite(original, repaired.text).kept:
        same = says_the_same(original, repaired.text)
        return Guarded(None) if same else Guarded(repaired.text, repaired.names)
    return Guarded(None, withheld=verdict.reason, rule=verdict.rule)


def check_rewrite(original: str, rewrite: str) -> Verdict:
    """Judge a rewrite of `original` as it is. Never raises, linear in the length of both."""
    if rewrite == original:
        return Verdict(kept=True)
    return next(_problems(original, rewrite), Verdict(kept=True))


def _problems(original: str, rewrite: str) -> Iterator[Verdict]:
    """What is wrong with the rewrite, the cheap and the weighty first."""
    for rule, check in _OF_THE_WHOLE.items():
        if problem := check(original, rewrite):
            yield _withheld(rule, problem)
    before, after = compared(original, rewrite)
    if lost := lost_pieces(before, after):
        yield _withheld(lost[0].rule.value, f"drops {_listed(lost)}", tuple(piece.text for piece in lost))
    if added := invented(before, after):
        yield _withheld("invented", f"adds {quoted(added)}, which the draft does not name")
    if problem := demands.drops_constraint(before.changed, after.changed):
        yield _withheld("constraint", problem)
    if problem := demands.adds_requirement(original, after.changed):
        yield _withheld("requirement", problem)


_OF_THE_WHOLE: Mapping[str, Callable[[str, str], str | None]] = {
    "empty": shape.is_empty,
    "too long": shape.is_too_long,
    "too short": shape.is_too_short,
    "template": shape.leaks_template,
    "added block": shape.adds_block,
    "answer": same_request.is_answer,
    "language": same_request.changes_language,
    "other request": demands.is_other_request,
    "question": same_request.drops_question,
    "order": same_request.drops_order,
    "person": same_request.changes_person,
}

RULES: Mapping[str, str] = {
    "empty": "has text",
    "too long": "is at most two and a half times as long as the draft, a short draft a few words more",
    "too short": "is at least a quarter as long as a draft of more than 40 characters",
    "template": "holds no token or heading of a chat template",
    "added block": "has no more code blocks than the draft",
    "answer": "does not answer the draft",
    "language": "is in the draft's language",
    "other request": "shares words with the draft",
    "question": "keeps a question a question: “should I …?” does not become an order",
    "order": "keeps an order an order: “fix it” does not become “why …?”",
    "person": "speaks as the draft does: “my” does not become “your” or “the user's”",
    Rule.BLOCK: "keeps each fenced block, byte for byte but for line endings",
    Rule.CODE: "keeps each code span",
    Rule.QUOTATION: "keeps what stands in quotation marks",
    Rule.URL: "keeps each URL",
    Rule.PATH: "keeps each path",
    Rule.PLACEHOLDER: "keeps each `${placeholder}` and `{{slot}}`",
    Rule.TAG: "keeps each `<Tag>`",
    Rule.FLAG: "keeps each command-line flag",
    Rule.MENTION: "keeps each `@mention` and mail address",
    Rule.REFERENCE: "keeps each `#reference`",
    Rule.NUMBER: "keeps each number and version, with its unit",
    Rule.ERROR: "keeps each name of an error",
    Rule.IDENTIFIER: "keeps each snake_case, camelCase, PascalCase, UPPER_CASE, kebab-case and dotted name",
    "invented": "names no file, number or technology that the draft does not",
    "constraint": "keeps each “not”, “never”, “without” and “only”",
    "requirement": "asks for nothing that the draft does not ask for",
}
"""Every rule by its name: what a rewrite that is offered does. Checked in this order."""


def _withheld(rule: str, problem: str, lost: tuple[str, ...] = ()) -> Verdict:
    return Verdict(kept=False, reason=f"Withheld: the rewrite {problem}.", lost=lost, rule=rule)


def _listed(lost: list[Piece]) -> str:
    first = "or changes a code block" if lost[0].rule is Rule.BLOCK else quoted(lost[0].text)
    others = len(lost) - 1
    return first + (f" and {others} other name{'s' if others > 1 else ''}" if others else "")
