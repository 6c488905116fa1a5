"""A rewrite is offered only where it is the same request with every name still in it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.fidelity import check_rewrite
from devrouter.core.pieces import Piece, Rule, protected_pieces

# Drafts as people write them, each with a rewrite that says the same.
DRAFTS = {
    "fix this bug its giving me keyerror on the users dict": (
        "Fix the KeyError raised when accessing the users dict."
    ),
    "add a retry to fetch_orders in src/client.py, max 3 attempts, dont touch the logging": (
        "Add a retry to `fetch_orders` in `src/client.py`, max 3 attempts. Don't touch the logging."
    ),
    "why is useEffect running twice in React 18.2 when i run `npm run dev` on port 5173?": (
        "Why is useEffect running twice in React 18.2 when I run `npm run dev` on port 5173?"
    ),
    'the api says "token has expired" after 15min tho JWT_TTL is 3600 see https://example.org/auth#ttl': (
        'The API says "token has expired" after 15min though JWT_TTL is 3600. See https://example.org/auth#ttl.'
    ),
    "make the build faster, --no-cache is needed: CVE-2024-3094. without changing Dockerfile.prod": (
        "Make the build faster. --no-cache is needed: CVE-2024-3094. Do it without changing Dockerfile.prod."
    ),
    "rename getUserById to findUser in UserRepository.java and only there": (
        "Rename getUserById to findUser in UserRepository.java, and only there."
    ),
    "explain std::unique_ptr vs std::shared_ptr to a python dev": (
        "Explain std::unique_ptr vs std::shared_ptr to a Python developer."
    ),
    "review pull #482 by @mara-k, never mind the changes in C:\\build\\out\\cache.bin": (
        "Review pull #482 by @mara-k. Never mind the changes in C:\\build\\out\\cache.bin."
    ),
    "write tests for ${selection}, use pytest.mark.parametrize, 100% branches": (
        "Write tests for ${selection} using pytest.mark.parametrize, covering 100% of the branches."
    ),
    "speed up, it takes 4.7s on 2,300,000 rows:\n```sql\nSELECT * FROM events e WHERE e.kind = 'x';\n```": (
        "Speed this up, it takes 4.7s on 2,300,000 rows:\n"
        "```sql\nSELECT * FROM events e WHERE e.kind = 'x';\n```"
    ),
    "port scripts/sync.sh to go 1.22, the flag -n must still work, also RSYNC_OPTS": (
        "Port scripts/sync.sh to Go 1.22. The flag -n must still work, and so must RSYNC_OPTS."
    ),
    "npe in OrderService.total() line 88, NullPointerException, happens 1 in 50 requests": (
        "There is an NPE in OrderService.total(), line 88: a NullPointerException in 1 in 50 requests."
    ),
    "the <Modal> does not close on esc when `isOpen` is set by props.open": (
        "The <Modal> does not close on Esc when `isOpen` is set by props.open."
    ),
    "replace moment by date-fns in ./src/dates.ts and ../shared/format.ts, keep the format 'DD.MM.YYYY'": (
        "Replace moment by date-fns in ./src/dates.ts and ../shared/format.ts. Keep the format 'DD.MM.YYYY'."
    ),
    "docker compose up fails with exit code 137 on my 8GB mac, image node:20-alpine": (
        "docker compose up fails with exit code 137 on my 8GB Mac with the image node:20-alpine."
    ),
    "add the col created_at to tbl invoices, default now(), not null, postgres 15": (
        "Add the column created_at to the table invoices, default now(), not null, in Postgres 15."
    ),
    "set up ci so that merges on 2025-03-01 onwards need 2 approvals, see .github/CODEOWNERS": (
        "Set up CI so that merges from 2025-03-01 onwards need 2 approvals; see .github/CODEOWNERS."
    ),
    "terraform plan wants to destroy aws_db_instance.main cant have that, version is 1.9.3": (
        "Terraform plan wants to destroy aws_db_instance.main, which can't happen. The version is 1.9.3."
    ),
    "what does (?<=\\d)px mean here and why not \\bpx": "What does (?<=\\d)px mean here, and why not \\bpx?",
    "after upgrade to pydantic v2.7 i get ValidationError for Settings.max_conn = 10": (
        "After the upgrade to pydantic v2.7 I get a ValidationError for Settings.max_conn = 10."
    ),
    "log says ECONNREFUSED 127.0.0.1:6379 but redis is running with no password": (
        "The log says ECONNREFUSED 127.0.0.1:6379, but Redis is running with no password."
    ),
    "implement the thing from #file:docs/spec.md, steps 1. parse 2. check, in app/core/engine.rb": (
        "Implement what #file:docs/spec.md describes, steps 1. parse 2. check, in app/core/engine.rb."
    ),
    'refactor parse(), it returns None for "a;b;;c" and should return 4 items incl the empty one': (
        'Refactor parse(): it returns None for "a;b;;c" and should return 4 items, including the empty one.'
    ),
    "unity 2022.3.14f1 PlayerController.cs jumps at 60fps but not at 144fps, Time.deltaTime is used": (
        "In Unity 2022.3.14f1, PlayerController.cs jumps at 60fps but not at 144fps. Time.deltaTime is used."
    ),
}


@pytest.mark.parametrize(("draft", "rewrite"), DRAFTS.items(), ids=range(len(DRAFTS)))
def test_a_faithful_rewrite_is_kept(draft: str, rewrite: str) -> None:
    verdict = check_rewrite(draft, rewrite)
    assert verdict.kept, verdict.reason
    assert verdict.reason is None
    assert verdict.lost == ()


MUTATIONS = [
    pytest.param(draft, piece, id=f"{number}-{piece.rule.name.lower()}-{place}")
    for number, draft in enumerate(DRAFTS)
    for place, piece in enumerate(protected_pieces(draft))
    if draft.count(piece.text) == 1
]


@pytest.mark.parametrize(("draft", "piece"), MUTATIONS)
def test_dropping_any_protected_piece_withholds_the_rewrite(draft: str, piece: Piece) -> None:
    verdict = check_rewrite(draft, draft.replace(piece.text, " "))
    assert not verdict.kept
    assert verdict.reason is not None
    assert verdict.reason.startswith("Withheld: the rewrite ")
    assert verdict.reason.endswith(".")


@pytest.mark.parametrize(("draft", "piece"), MUTATIONS)
def test_altering_any_protected_piece_withholds_the_rewrite(draft: str, piece: Piece) -> None:
    places = [index for index, character in enumerate(piece.text) if character.isalnum()]
    index = random.Random(piece.text).choice(places)  # noqa: S311
    altered = piece.text[:index] + ("7" if piece.text[index] != "7" else "8") + piece.text[index + 1 :]
    assert not check_rewrite(draft, draft.replace(piece.text, altered)).kept


def test_the_mutations_cover_every_rule() -> None:
    assert {parameters.values[1].rule for parameters in MUTATIONS} >= set(Rule) - {Rule.TAG}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Fix it. Don't ask the users' friends; I'm sure it's fine.", []),
        ("1. first\n2) second\n - third 3) fourth", []),
        ("He said 'not now' and left", ["not now"]),
        ("see src/app.py, please.", ["src/app.py"]),
        ("see (https://example.org/a_b?c=1).", ["https://example.org/a_b?c=1"]),
        ("and/or he/she, e.g. this, i.e. that", []),
        ("fix it.then run", []),
        ("v1.2 and 3.11 and 10ms and 5%", ["v1.2", "3.11", "10ms", "5%"]),
        ("DO NOT touch THis, HEllo", []),
        ("my_var myVar MyVar MY_VAR mod.attr a::b $HOME .env", None),
        ("a - b -- c -v --dry-run", ["-v", "--dry-run"]),
        ("app.py:42 and PR#60", ["app.py", "42", "#60"]),
        ("`one two` and ``a`b``", ["one two", "a`b"]),
        ("a “curly one” and «french»", ["curly one", "french"]),
        ("{{name}} is ${input:x}", ["{{name}}", "${input:x}"]),
    ],
)
def test_what_is_protected(text: str, pieces: list[str] | None) -> None:
    found = [piece.text for piece in protected_pieces(text)]
    assert found == (text.replace("and ", "").split() if pieces is None else pieces)
    for piece in protected_pieces(text):
        assert piece.text in text[slice(*piece.span)]


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("fix the bug in the parser", ""),
        ("fix the bug in the parser", "  \n"),
        ("how do i read a file in python?", "Sure! How do I read a file in Python?"),
        ("how do i read a file in python?", "To fix this, you can open the file with the built-in function."),
        ("how do i read a file in python?", "You can open it with a context manager and read what it gives."),
        ("how do i read a file in python?", "A file is read by opening it first and closing it afterwards."),
        ("write a loop", "Here is a loop that counts up."),
        ("write a loop", "Write a loop.\n```python\nfor i in x: pass\n```"),
        ("fix the login page", "Fix the login page.<|im_end|>"),
        ("fix the login page", '{"rewrite": "Fix the login page."}'),
        ("fix the login page", "Fix the React login page."),
        ("fix the login page", "Fix the login page in src/login.tsx."),
        ("fix the login page", "Fix the login page within 5 days."),
        ("fix the login page", "Fix the login page. " * 40),
        (
            "fix the header, never change the footer of the page",
            "Fix the header of the page and change the footer.",
        ),
        ("change only the header of this page", "Change the header of this page."),
        ("deploy it without downtime for the users", "Deploy it with downtime for the users."),
        (
            "add a field to the form. " + "Also the mail should be checked and the phone number too. " * 5,
            "Add a field.",
        ),
        (
            "please explain what this function does to me",
            "Bitte erkläre mir, was diese Funktion macht und warum.",
        ),
    ],
)
def test_what_is_no_rewrite_is_withheld(draft: str, rewrite: str) -> None:
    assert not check_rewrite(draft, rewrite).kept


@pytest.mark.parametrize(
    ("draft", "rewrite"),
    [
        ("no not a modal", "No, not a modal."),
        ("heres my code, why is it slow", "Here's my code. Why is it slow?"),
        ("use open api and js", "Use OpenAPI and JavaScript."),
        ("sort it in pyhton", "Sort it in Python."),
        ("flags/options are what exactly", "What exactly are flags and options?"),
        ("it takes 10ms", "It takes 10 ms."),
        ("look at foo_bar and 'the other thing'", "Look at `foo_bar` and “the other thing”."),
        ("check this\r\n```\r\na\r\nb\r\n```\r\n", "Check this:\n```\na\nb\n```\n"),
    ],
)
def test_spelling_and_marks_may_change(draft: str, rewrite: str) -> None:
    verdict = check_rewrite(draft, rewrite)
    assert verdict.kept, verdict.reason


def test_the_reason_names_what_is_lost() -> None:
    verdict = check_rewrite("see src/app.py, user_id and 42 of them", "See all of them there.")
    assert verdict.reason == "Withheld: the rewrite drops `src/app.py` and 2 other names."
    assert verdict.lost == ("src/app.py", "user_id", "42")
    block = check_rewrite("check\n```\nx = 1\n```", "Check:\n```\nx = 2\n```")
    assert block.reason == "Withheld: the rewrite drops or changes a code block."


def test_an_unchanged_text_is_kept_whatever_it_holds() -> None:
    for text in ("", "Sure", "```", "<|im_start|>", "Here is nothing"):
        assert check_rewrite(text, text).kept


@given(st.text(), st.text())
def test_no_text_makes_it_fail(draft: str, rewrite: str) -> None:
    verdict = check_rewrite(draft, rewrite)
    assert verdict.kept == (verdict.reason is None)


@given(
    st.lists(
        st.sampled_from([*"`\"'<>{}$#@/\\.-_~:1aA \n\r", "```", "http://", "“", "”", "{{", "}}"]), max_size=60
    )
)
def test_pieces_lie_in_the_text_in_order_without_overlap(parts: list[str]) -> None:
    text = "".join(parts)
    end = 0
    for piece in protected_pieces(text):
        assert end <= piece.span.start < piece.span.end <= len(text)
        end = piece.span.end


@pytest.mark.parametrize(
    "unit", ["a.", "`", "'a ", '"x ', "/a", "_", "1.", "a:", "${", "{{", "<a", "-", "#a", "@a", "``` ", "\n"]
)
def test_a_long_run_of_anything_is_read_to_the_end(unit: str) -> None:
    # A pattern of quadratic cost would not end within the test's time limit.
    text = unit * (100_000 // len(unit))
    assert check_rewrite(text, text + " and") is not None
