# ruff: noqa: RUF001  (quotation marks of every style are what is tested)
"""What is offered of a rewrite: small losses put back, and nothing that says the same or lacks a piece."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devrouter.core.edits import Edit, smallest_edit, with_line_endings
from devrouter.core.fidelity import Guarded, guard
from devrouter.core.meaning import says_the_same
from devrouter.core.text import Span

if TYPE_CHECKING:
    from types import ModuleType


def load_oracle() -> ModuleType:
    folder = str(Path(__file__).resolve().parents[2] / "scripts" / "evaluate")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("oracle")
    finally:
        sys.path.remove(folder)


oracle: Any = load_oracle()

BLOCK = "```py\nfor row in rows:\n    print(row['id'])\n```"
TRACE = (
    'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    return 1 / 0\nZeroDivisionError: no'
)

REPAIRED = {
    "a dropped block": (
        f"why is thsi so slow\n{BLOCK}",
        "Why is this so slow?",
        f"Why is this so slow?\n\n{BLOCK}",
        ("the code block",),
    ),
    "an altered block where it stands": (
        f"why is thsi so slow\n{BLOCK}\nit has many rowss",
        f"Why is this so slow?\n{BLOCK.replace('print', 'log')}\nIt has many rows.",
        f"Why is this so slow?\n{BLOCK}\nIt has many rows.",
        ("the code block",),
    ),
    "a message": (
        "i get KeyError: 'id' when i loop over teh rows, how do i fix it",
        "I get an error when I loop over the rows. How do I fix it?",
        "I get an error when I loop over the rows. How do I fix it?\n\nKeyError: 'id'",
        ("`KeyError: 'id'`",),
    ),
    "a quoted error": (
        'the page says "token has expired" after teh login, why is that',
        "The page shows an error after the login. Why is that?",
        'The page shows an error after the login. Why is that?\n\n"token has expired"',
        ("`token has expired`",),
    ),
    "a stack trace": (
        f"my job stops wiht this\n{TRACE}\nwhat should i do",
        "My job stops with an error. What should I do?",
        f"My job stops with an error. What should I do?\n\n{TRACE}",
        ("the error output",),
    ),
}


@pytest.mark.parametrize(("draft", "rewrite", "offered", "names"), REPAIRED.values(), ids=REPAIRED)
def test_a_small_loss_is_put_back_and_named(
    draft: str, rewrite: str, offered: str, names: tuple[str, ...]
) -> None:
    assert guard(draft, rewrite) == Guarded(offered, names)


@pytest.mark.parametrize(
    ("draft", "rewrite", "rule"),
    [
        (f"look at src/app.py, its slow\n{BLOCK}", "Look at the file; it's slow.", "code block"),
        (
            f"compare these three pls\n{BLOCK}\n{BLOCK.replace('id', 'a')}\n{BLOCK.replace('id', 'b')}",
            "Compare these three code blocks. They are listed below; each prints a row of its own.",
            "code block",
        ),
        ('rename the "save all" buton', "Rename the button.", "quotation"),
        (f"why is thsi so slow\n{BLOCK}", "You can make it faster by printing less.", "answer"),
    ],
    ids=["a path too", "three blocks", "a quotation that is no error", "an answer"],
)
def test_more_than_a_small_loss_withholds_the_rewrite(draft: str, rewrite: str, rule: str) -> None:
    guarded = guard(draft, rewrite)
    assert guarded.rewrite is None
    assert guarded.repaired == ()
    assert guarded.withheld is not None
    assert guarded.rule == rule


def test_a_repaired_rewrite_that_says_what_the_draft_says_is_not_offered() -> None:
    assert guard(f"why is this slow?\n\n{BLOCK}", "Why is this slow?") == Guarded(None)


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("fix  the\tlogin\r\n\r\n", "Fix the login."),
        ("how do i read a file in python", "How do I read a file in Python?"),
        ("pls explain the loop thx", "Please explain the loop."),
        ("it says “ok” and ‘no’", "It says \"ok\" and 'no'."),
        ("hi, um, sort the list", "Sort the list"),
        ("wrapped\nin two lines", "Wrapped in two lines."),
        ("cafe\u0301 menu", "Caf\u00e9 menu"),
        ("warum ist das langsam", "Warum ist das langsam?"),
    ],
)
def test_what_differs_in_taste_is_not_offered(draft: str, rewrite: str) -> None:
    assert guard(draft, rewrite) == Guarded(None)


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("explain teh loop", "explain the loop"),
        ("it doesnt start", "it doesn't start"),
        ("the test is slow it was quick before", "The test is slow. It was quick before."),
        ("do this: 1) rename it 2) move it 3) test it", "Do this:\n1) rename it\n2) move it\n3) test it"),
        ("explain loop", "Explain the loop."),
    ],
)
def test_what_reads_better_is_offered(draft: str, rewrite: str) -> None:
    assert guard(draft, rewrite) == Guarded(rewrite)


def test_equal_meaning_has_no_direction() -> None:
    assert says_the_same("Fix it.", "fix it")
    assert says_the_same("fix it", "Fix it.")


# --- Properties

WORDS = """
fix the loop in a why does it not stop only when i call without never 3 10ms 5 MB v1.2 `a + b` "not found"
src/app.py user_id getUser KeyError https://example.org/a?b=1 @mara #42 --flag my-app ${x} café e\u0301 漢字
data-testid ist das nicht schnell 😀 — “ok” 1. - > # \u200d
"""
PIECES = [
    *WORDS.split(),
    "\u2028",
    "\u00a0",
    " ",
    " ",
    "\n",
    "\r\n",
    "\r",
    ". ",
    "? ",
    "x" * 5_000,
    "```",
    "~~~",
]
FENCES = [
    "\n```py\nx = 1\n```\n",
    "\r\n```\r\na\r\n\r\nb\r\n```\r\n",
    "\n~~~\n```\n~~~\n",
    "\n````\n```\n````\n",
]
DRAFTS = st.lists(st.sampled_from([*PIECES, *FENCES]), min_size=1, max_size=24).map(" ".join)


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[str, str]:
    """A draft and a rewrite of it: words dropped, swapped, doubled, in another case, or put in."""
    draft = draw(DRAFTS)
    words = re.split(r"( )", draft)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        change = draw(st.sampled_from(["drop", "swap", "upper", "lower", "insert", "ends"]))
        if change == "drop":
            words[at] = ""
        elif change == "swap":
            other = draw(st.integers(0, len(words) - 1))
            words[at], words[other] = words[other], words[at]
        elif change == "upper":
            words[at] = words[at].upper()
        elif change == "lower":
            words[at] = words[at].lower()
        elif change == "insert":
            words.insert(at, draw(st.sampled_from(PIECES)))
        else:
            words = [re.sub(r"\r\n|\r", "\n", word) for word in words]
    return draft, "".join(words)


@given(rewritten())
@example(("fix teh loop\n```\nx", "Fix the loop.\n```\nx\n```"))
@example(("see `a\r\nb`", "See `a`."))
def test_nothing_that_is_offered_lacks_a_protected_piece(pair: tuple[str, str]) -> None:
    draft, rewrite = (text.strip() for text in pair)
    offered = guard(draft, rewrite).rewrite
    if offered is not None:
        assert oracle.lost(draft, offered) == []


@given(rewritten())
def test_applying_what_is_offered_and_undoing_it_restores_the_text(pair: tuple[str, str]) -> None:
    draft, rewrite = pair
    offered = guard(draft, rewrite).rewrite
    new = with_line_endings(offered, like=draft) if offered is not None else draft
    edit = smallest_edit(draft, new)
    if edit is not None:
        assert edit.apply(draft) == new
        undo = Edit(Span(edit.span.start, edit.span.start + len(edit.text)), draft[slice(*edit.span)])
        assert undo.apply(new) == draft


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_are_guarded(draft: str, rewrite: str) -> None:
    guarded = guard(draft, rewrite)
    assert guarded == guard(draft, rewrite)
    assert guarded.rewrite is None or guarded.withheld is None
    assert (guarded.withheld is None) == (guarded.rule is None)
    assert not guarded.repaired or guarded.rewrite is not None


@pytest.mark.parametrize(
    "unit", ["fix teh `a` in b.py 3 ms, ", "don't x ", "“", "Error: ", "a-b-", "you my ", "\n> "]
)
def test_the_work_grows_with_the_text_and_no_faster(unit: str) -> None:
    def steps(length: int) -> int:
        text = unit * (length // len(unit))
        counted = 0

        def count(*_: object) -> None:
            nonlocal counted
            counted += 1

        sys.setprofile(count)
        try:
            guard(text, text.replace("teh", "the") + " now and here")
        finally:
            sys.setprofile(None)
        return counted

    assert steps(64_000) < 5 * steps(16_000) + 20_000
