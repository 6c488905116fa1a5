"""Prose and code are told apart, so that a pasted file does not decide what is asked."""

from __future__ import annotations

import pytest

from devrouter.engines.instant.features import extract, shortened, split

CODE = {
    "fence": ("Why?\n```\nplain words here\n```\nThanks.", "plain words here"),
    "unclosed fence": ("Why?\n~~~\nplain words", "plain words"),
    "indented": ("Look:\n    plain words", "    plain words"),
    "statement": ("Look:\nreturn x;", "return x;"),
    "assignment": ("Look:\ntotal = a + b", "total = a + b"),
    "import": ("Look:\nfrom os import path", "from os import path"),
    "SQL": ("Slow:\nSELECT id FROM users", "SELECT id FROM users"),
    "loop": ("Look:\nfor i in range(3):", "for i in range(3):"),
    "stack frame": ("It says:\n  at Object.run (a.js:1)", "  at Object.run (a.js:1)"),
    "shell": ("I ran\n$ make all", "$ make all"),
}
PROSE = [
    "Use the second option if you can.",
    "For each of the following items, explain:",
    "If this is not possible, tell me why:",
    "from my side that is all",
    "class names should be plural",
    "- item one",
]


@pytest.mark.parametrize(("draft", "code"), CODE.values(), ids=CODE)
def test_code_is_told_from_prose(draft: str, code: str) -> None:
    assert split(draft).code == code


@pytest.mark.parametrize("line", PROSE)
def test_prose_is_no_code(line: str) -> None:
    assert split(line).prose == line


@pytest.mark.parametrize(
    ("draft", "asked"),
    [
        ("Hi there! Why is it slow? Thank you very much in advance!", "Why is it slow?"),
        ("Hello, I hope you are well.\n\nAdd a test.\n\nThanks", "Add a test."),
        ("hey everyone\ncould you please help me with this? fix the import", "fix the import"),
        ("thanks, now add a test", "thanks, now add a test"),
        ("Hello world in Rust", "Hello world in Rust"),
        ("hope is a variable. rename it", "hope is a variable. rename it"),
        ("thanks!", "thanks!"),
    ],
)
def test_courtesies_are_not_what_is_asked(draft: str, asked: str) -> None:
    assert split(draft).prose.split() == asked.split()


def test_names_and_numbers_count_as_what_they_are() -> None:
    text = "Move src/app/main.py, fooBar and foo_bar from v1.2.3 to 42, see https://example.org/x and `y`."
    prose = extract(split(text), len(text)).prose
    for name in ("<file>", "<name>", "<version>", "<number>", "<url>", "<span>"):
        assert prose[name], name
    assert not prose["foobar"]


def test_of_a_long_draft_head_and_tail_are_read() -> None:
    head, tail = "h" * 5_000, "t" * 5_000
    assert shortened(f"{head}{'m' * 200_000}{tail}") == shortened(f"{head}{'n' * 50}{tail}")


def test_a_short_draft_is_read_whole() -> None:
    assert shortened("x" * 6_000) == "x" * 6_000


def test_a_fence_that_the_left_out_middle_closed_is_closed() -> None:
    code = "```\n" + "call();\n" * 1_000 + "```\n"
    parts = split(shortened(code + "Why is it slow? " * 100))
    assert "Why is it slow?" in parts.prose
    assert "Why" not in parts.code
