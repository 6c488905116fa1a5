"""The instant engine's rewrite mends slips, touches nothing else, and leaves a clean draft alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.fidelity import check_rewrite, protected_pieces
from devrouter.engines.instant.rewrite import tidy
from devrouter.engines.instant.spelling import ORDINARY_WORDS, SPELLING

DATASET = Path(__file__).resolve().parents[2] / "data" / "train.jsonl"

MENDED = {
    "typos": ("wirte a fucntion that retruns teh sum", "Write a function that returns the sum."),
    "contractions": ("it doesnt work and i dont know why", "It doesn't work and I don't know why."),
    "question": (
        "why does my flask app crash when i upload teh file",
        "Why does my Flask app crash when I upload the file?",
    ),
    "first person": ("im new to this. i have tried pandas", "I'm new to this. I have tried pandas."),
    "its": ("its not working since tuesday morning", "It's not working since tuesday morning."),
    "case of a typo": ("Teh test fails on Monday", "The test fails on Monday."),
    "spacing": (
        "Please explain  how teh cache works , and why it is cleared at night. what would break without it ?",
        "Please explain how the cache works, and why it is cleared at night. What would break without it?",
    ),
    "run-on list": (
        "please do this: 1) rename the class 2) move it to utils 3) add tests",
        "Please do this:\n1) rename the class\n2) move it to utils\n3) add tests",
    ),
    "names of technologies": (
        "i need a small script in javascript that reads teh file from mongodb and prints it",
        "I need a small script in JavaScript that reads the file from MongoDB and prints it.",
    ),
    "no stop behind a label": (
        "teh help should say this instead:\n\nUsage: enable the agent by name",
        "The help should say this instead:\n\nUsage: enable the agent by name",
    ),
    "an i that is no writer": ("where i this erro in my code", "Where i this error in my code."),
    "typo beside code": (
        "what does thsi do?\n\n```py\nthsi = teh(i)\n```",
        "What does this do?\n\n```py\nthsi = teh(i)\n```",
    ),
}

UNCHANGED = {
    "clean": "How do I reverse a list in Python?",
    "terse": "css grid two columns",
    "only spaces and capitals to gain": "Please explain  how the cache works , and why. what would break ?",
    "only capitals and a mark to gain": "why does my flask app crash when i upload a file",
    "only a full stop to gain": "Rename the class and move it to the package that holds the others like it",
    "empty": "",
    "white space": " \n\t\n",
    "command first": "npm install fails with EACCES on the build server since we moved it to a new host",
    "loop variable": "for i in range(3): print(i)",
    "typo in a code span": "Why is `fucntion` not a keyword?",
    "typo in a quotation": 'The log says "teh end" and stops.',
    "typo in a path": "Open src/fucntion/retrun.py, please.",
    "typo in a URL": "See https://example.org/teh/fucntion for more.",
    "slots": "Explain ${input:teh} and {{ fucntion }} to me.",
    "identifier": "Where is dont_panic called?",
    "indented code": "Explain:\n\n    teh = fucntion(i)\n",
    "stack trace": 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: teh fucntion',
    "front matter": "---\nmode: agent\ndescription: teh fucntion\n---\n",
    "file reference": "Tidy #file:teh.py and keep its tests.",
    "shell loop": "Explain this:\n\nwhile read -r x; do\n  echo $x\ndone",
    "table": "| teh | fucntion |\n|---|---|\n| a  | b |",
    "docker build": "docker build . fails",
    "numbered references": "Compare (1) and (2) and (3).",
}


@pytest.mark.parametrize(("draft", "wanted"), MENDED.values(), ids=MENDED)
def test_slips_are_mended(draft: str, wanted: str) -> None:
    assert tidy(draft) == wanted


@pytest.mark.parametrize("draft", UNCHANGED.values(), ids=UNCHANGED)
def test_what_is_clean_or_protected_stays(draft: str) -> None:
    assert tidy(draft) == draft


def test_line_endings_and_outer_white_space_stay() -> None:
    assert (
        tidy("\r\n  teh first line\r\nteh second line.\r\n") == "\r\n  The first line\r\nthe second line.\r\n"
    )


def test_a_very_long_draft_is_returned_as_it_is() -> None:
    draft = "teh fucntion is broken. " * 500
    assert tidy(draft) == draft


def test_every_rewrite_of_the_dataset_keeps_what_the_draft_says() -> None:
    refused = []
    changed = 0
    for line in DATASET.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rewrite = tidy(row["text"])
        changed += rewrite != row["text"]
        if not check_rewrite(row["text"], rewrite).kept:
            refused.append(row["id"])
    assert not refused
    assert changed > 100


PIECES = st.sampled_from(
    [
        *(
            "teh",
            "fucntion",
            "i",
            "have",
            "im",
            "dont",
            "its",
            "not",
            "the",
            "in",
            "javascript",
            "how",
            "do",
            "why",
        ),
        *(
            " ",
            " ",
            " ",
            "  ",
            "\n",
            "\r\n",
            "\n\n",
            ". ",
            "? ",
            ", ",
            " , ",
            " ?",
            ":",
            "!",
            "1) ",
            "2) ",
            "3) ",
            "- ",
        ),
        *(
            "`teh`",
            "src/app.py",
            "'teh'",
            '"retrun"',
            "${x}",
            "{{y}}",
            "#file:a",
            "--flag",
            "v1.2",
            "3",
            "$i",
            "e.g. ",
        ),
        *(
            "```\nteh\n```",
            "    teh",
            "foo_bar",
            "fooBar",
            "KeyError",
            "https://x.y/teh",
            "x = 1;",
            "\U000f0000",
            "\u2028",
        ),
    ]
)
DRAFTS = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=200))


@given(DRAFTS)
def test_a_rewrite_of_a_rewrite_is_itself(draft: str) -> None:
    once = tidy(draft)
    assert tidy(once) == once


@given(DRAFTS)
def test_every_protected_piece_stands_in_the_rewrite(draft: str) -> None:
    rewrite = tidy(draft)
    # A name whose case is free ("javascript", "keyerror") may take its usual one.
    assert all(piece.any_case or draft[slice(*piece.span)] in rewrite for piece in protected_pieces(draft))


def test_the_table_of_misspellings_mends_in_one_step_and_mends_no_word() -> None:
    assert not {right.lower() for right in SPELLING.values()} & SPELLING.keys()
    assert not ORDINARY_WORDS & SPELLING.keys()
