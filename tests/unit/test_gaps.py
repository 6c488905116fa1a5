"""Missing context: its kind, the words it concerns, and whether the draft gives it after all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.draft import Destination
from devrouter.core.gaps import GapKind, gaps_from_phrases, hidden_for, is_answered, kind_of, make_gap


@pytest.mark.parametrize(
    ("phrase", "kind"),
    [
        ("Flask version", "version"),
        ("Rails and Ruby versions", "version"),
        ("full stack trace", "error"),
        ("the exact error message", "error"),
        ("output of the failing test", "error"),
        ("the `Upload` handler's code", "code"),
        ("the code that raises the error", "code"),
        ("the branch's diff", "code"),
        ("current docker-compose.yml", "code"),
        ("operating system", "environment"),
        ("browser", "environment"),
        ("where the service runs", "environment"),
        ("programming language", "stack"),
        ("test framework and language", "stack"),
        ("JavaScript or TypeScript", "stack"),
        ("expected and actual output", "behaviour"),
        ("steps to reproduce", "behaviour"),
        ("whether negative numbers may occur", "requirements"),
        ("what to do with this function", "requirements"),
        ("date format", "requirements"),
        ('what "this" is', "target"),
        ("which function", "target"),
        ("which repository", "target"),
        ("number of rows", "scale"),
        ("profiler output", "scale"),
        ("how accuracy will be judged", "acceptance"),
        ("who will read it", "audience"),
        ("docstring style (Google, NumPy, reST)", "audience"),
        ("", "requirements"),
    ],
)
def test_kind_of_a_phrase(phrase: str, kind: str) -> None:
    assert kind_of(phrase) == kind


@pytest.mark.parametrize(
    ("phrase", "text", "words"),
    [
        ("Flask version", "my flask app returns 404", "flask"),
        ("the `Upload` handler's code", "why does Upload fail? it worked", "Upload"),
        ("contents of `src/app.py`", "fix src/app.py", "src/app.py"),
        ("which function", "make the function faster", "the function"),
        ('what "this" is', "can you fix this please", "this"),
        ("stack trace", "the import fails every night", "fails"),
        ("exact error message", "i get a TypeError here", "TypeError"),
        ("number of rows", "the query is slow", "slow"),
        ("programming language", "write a function that sorts", "function"),
        ("framework version", "my Django app is broken", "Django"),
        ("the users' roles", "users can log in", "users"),
        ("table schema", "look\n```\ntable x\n```\nat the tables", "tables"),
        ("column names", "look\n```\ncolumn x\n```\nat it", "column"),
        ("item features", "the item's cart\nitems are lost", "item"),
    ],
)
def test_the_anchor_is_the_words_a_gap_concerns(phrase: str, text: str, words: str) -> None:
    gap = make_gap(phrase, kind_of(phrase), text)
    assert text[slice(*gap.anchor)] == words
    assert gap.anchored


def test_a_gap_without_words_in_the_draft_stands_at_the_first_line() -> None:
    text = "\n  make it nice \nand quick"
    gap = make_gap("deadline for delivery", GapKind.REQUIREMENTS, text)
    assert text[slice(*gap.anchor)] == "make it nice"
    assert not gap.anchored


TRACE = 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\nKeyError: 1'
CODE = "fix login\n```python\ndef login(user):\n    return user.name\n```"


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("Flask version", "i use Flask 3.0 on a server"),
        ("Flask version", "flask==3.0.1 is installed"),
        ("React version", '"react": "^18.2.0"'),
        ("Python version", "runs in python3.11"),
        ("Node version", "node v20 fails"),
        ("Rails and Ruby versions", "rails 7.1 with ruby 3.3"),
        ("the quickjob version", "quickjob 4.1 stops"),
        ("framework version", "we are on Django 5"),
        ("the code", CODE),
        ("the function's code", CODE),
        ("the login function's code", CODE),
        ("the `login` function", CODE),
        ("code of `auth.py`", "auth.py:\n```python\nx = 1\n```"),
        ("the code", "why null?\nconst a = 1;\nlet b = f(a);\nconsole.log(b);\n"),
        ("full stack trace", f"it breaks\n{TRACE}"),
        ("the error message", f"it breaks\n{TRACE}"),
        ("the exact error", 'it says "cannot open the file for writing"'),
        ("error message", "error[E0382]: borrow of moved value: `x`"),
        ("operating system", "on ubuntu 22.04 it hangs"),
        ("browser", "in firefox the menu is gone"),
        ("programming language", "write it in go"),
        ("programming language", "src/main.rs is too long"),
        ("test framework", "use pytest"),
        ("language and test framework", "python with pytest"),
        ("JavaScript or TypeScript", "in TypeScript please"),
        ("number of rows", "the table has 2 million rows"),
        ("number of users", "around 300 active users"),
        ("expected and actual output", "it should return 4 but I get 5"),
        ("steps to reproduce", "Steps to reproduce: open, click"),
        ('what "this" is', f"explain this\n{CODE}"),
    ],
)
def test_a_gap_that_the_draft_fills_is_answered(phrase: str, text: str) -> None:
    assert is_answered(phrase, kind_of(phrase), text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("Flask version", "i use Flask with 3 workers"),
        ("Flask version", "flask and Python 3.11"),
        ("Flask version", "Flask (3 workers)"),
        ("Rails and Ruby versions", "rails 7.1 with ruby"),
        ("the code", "fix the login code"),
        ("the caller's code", CODE),
        ("the `logout` function", CODE),
        ("the payment handler's code", CODE),
        ("how users are loaded", CODE),
        ("code of `auth.py`", CODE),
        ("the code", f"it breaks\n```\n{TRACE}\n```"),
        ("the full code", "fix\n```python\ndef f():\n    ...\n```"),
        ("full stack trace", "KeyError: 'id' in the loop"),
        ("the error message", "I get an error when I click"),
        ("the worker's log", f"it breaks\n{TRACE}"),
        ("operating system", "I use Docker and Python"),
        ("programming language", "go through this list and sort it"),
        ("programming language", "the html of the page"),
        ("language and test framework", "python tests"),
        ("JavaScript or TypeScript", "the button is blue"),
        ("JavaScript or TypeScript", "from JavaScript to TypeScript"),
        ("number of users", "3 servers for all users"),
        ("expected and actual output", "it does not work"),
        ('what "this" is', "explain this"),
        ("business rules", "the business rules of 2024"),
    ],
)
def test_a_gap_that_is_only_touched_is_not_answered(phrase: str, text: str) -> None:
    assert not is_answered(phrase, kind_of(phrase), text)


def test_phrases_become_gaps() -> None:
    text = "my Flask 3.0 upload fails"
    phrases = [
        "- Full stack trace.",
        "the full stack trace",
        "Flask version",
        "be more specific",
        "please provide more details",
        "Provide the full code",
        "more context",
        "",
        "one\ntwo",
        "x" * 121,
        "operating system",
        "code of the upload",
        "size of the files",
        "expected behaviour",
        "Python version",
    ]
    gaps = gaps_from_phrases(phrases, text)
    assert [(gap.phrase, gap.kind) for gap in gaps] == [
        ("Full stack trace", GapKind.ERROR),
        ("operating system", GapKind.ENVIRONMENT),
        ("code of the upload", GapKind.CODE),
        ("size of the files", GapKind.SCALE),
        ("expected behaviour", GapKind.BEHAVIOUR),
    ]
    assert text[slice(*gaps[2].anchor)] == "upload"


def test_an_agent_looks_up_code_versions_stack_and_environment_by_itself() -> None:
    assert hidden_for(Destination.CHAT) == frozenset()
    assert hidden_for(Destination.AGENT) == {"code", "version", "stack", "environment"}


PARTS = st.lists(
    st.sampled_from(
        [
            "```",
            "\n",
            "\r",
            "Flask",
            " version",
            "3.11",
            "`a`",
            "this",
            "the ",
            "code",
            " İ",
            "\ud800",
            "error",
            ".",
            "s",
            '"',
        ]
    ),
    max_size=30,
).map("".join)


@given(PARTS | st.text(), PARTS | st.text())
def test_no_phrase_and_no_text_make_it_fail(phrase: str, text: str) -> None:
    for gap in [*gaps_from_phrases([phrase], text), *(make_gap(phrase, kind, text) for kind in GapKind)]:
        assert 0 <= gap.anchor.start <= gap.anchor.end <= len(text)
    for kind in GapKind:
        is_answered(phrase, kind, text)


@pytest.mark.parametrize(
    "unit",
    [
        "a ",
        "error ",
        "expect ",
        "1 ",
        "a.",
        "```\n",
        "function ",
        "at x",
        "def f(\n",
        '"',
        "\n",
        "1,",
        "...\n",
    ],
)
def test_a_long_draft_is_read_to_the_end(unit: str) -> None:
    # A pattern of quadratic cost would not end within the test's time limit.
    text = unit * (100_000 // len(unit))
    phrases = ["expected and actual output", "number of a", "the code", "stack trace", "a version"]
    assert len(gaps_from_phrases(phrases, text)) <= 5
