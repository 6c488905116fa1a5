"""Which facts of a workspace answer a gap, and that the gap is gone once they are added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.draft import Destination, Draft
from devrouter.core.facts import Fact, facts_for, known_for, line_of
from devrouter.core.fill import Fence, add_context
from devrouter.core.gaps import is_answered, kind_of, make_gap
from devrouter.core.kinds import GapKind
from devrouter.engines.instant.engine import InstantEngine

ANGULAR = Fact(GapKind.VERSION, "Angular", "17.3.0", "package-lock.json")
FLASK = Fact(GapKind.VERSION, "Flask", "3.0.3", "uv.lock")
PYTHON = Fact(GapKind.VERSION, "Python", "3.12", ".python-version")
NODE = Fact(GapKind.VERSION, "Node.js", "20.11.1", ".nvmrc")
REDIS_CLIENT = Fact(GapKind.VERSION, "redis", "5.0.1", "uv.lock")
LANGUAGE = Fact(GapKind.STACK, "programming language", "Python 3.12", "pyproject.toml")
FRAMEWORK = Fact(GapKind.STACK, "framework", "Flask 3.0.3", "uv.lock")
REACT = Fact(GapKind.STACK, "framework", "React 18.3.1", "web/package-lock.json")
TESTING = Fact(GapKind.STACK, "test framework", "pytest 8.3.2", "uv.lock")
DATABASE = Fact(GapKind.STACK, "database", "PostgreSQL 16", "compose.yaml")
MANAGER = Fact(GapKind.STACK, "package manager", "uv", "uv.lock")
SYSTEM = Fact(GapKind.ENVIRONMENT, "operating system", "Ubuntu 24.04.1 LTS", "this machine")
IMAGE = Fact(GapKind.ENVIRONMENT, "container image", "python:3.12-slim", "Dockerfile")
BRANCH = Fact(GapKind.TARGET, "git branch", "fix-upload", ".git/HEAD")
CHANGED = Fact(GapKind.TARGET, "changed files", "src/app.py, src/rows.py (new)", ".git")
TESTS = Fact(GapKind.ACCEPTANCE, "test command", "`uv run pytest`", "pyproject.toml")
COMMITS = Fact(GapKind.AUDIENCE, "commit message convention", "Conventional Commits", "CONTRIBUTING.md")
APP = Fact(GapKind.CODE, "`app.py`", "from flask import Flask\napp = Flask(__name__)", "src/app.py")
UPLOAD = Fact(GapKind.CODE, "`upload_file`", "def upload_file(f):\n    return f.read()", "src/rows.py:12")
TWICE = (
    Fact(GapKind.CODE, "`save`", "def save(self): ...", "a.py:1"),
    Fact(GapKind.CODE, "`save`", "def save(self): ...", "b.py:1"),
)
ALL = (
    ANGULAR, FLASK, PYTHON, NODE, REDIS_CLIENT, LANGUAGE, FRAMEWORK, REACT, TESTING, DATABASE, MANAGER,
    SYSTEM, IMAGE,
    BRANCH, CHANGED, TESTS, COMMITS, APP, UPLOAD, *TWICE,
)  # fmt: skip
DRAFT = "The upload in app.py fails, see upload_file and save. How do I fix it?"

ANSWERED = [
    ("Flask version", [FLASK]),
    ("Python and Flask versions", [PYTHON, FLASK]),
    ("Node version", [NODE]),
    ("programming language", [LANGUAGE]),
    ("backend language and framework", [LANGUAGE, FRAMEWORK]),
    ("backend framework", [FRAMEWORK]),
    ("frontend framework", [REACT]),
    ("test framework", [TESTING]),
    ("test runner", [TESTING]),
    ("language and test framework", [LANGUAGE, TESTING]),
    ("database engine", [DATABASE]),
    ("package manager", [MANAGER]),
    ("Vue or React", [REACT]),
    ("operating system", [SYSTEM]),
    ("operating system and how it is run", [SYSTEM, IMAGE]),
    ("operating system and shell", [SYSTEM, IMAGE]),
    ("where it runs and how it is deployed", [IMAGE]),
    ("which branch is meant", [BRANCH]),
    ("which files are meant", [CHANGED]),
    ("test command", [TESTS]),
    ("commit message convention", [COMMITS]),
    ("content of `app.py`", [APP]),
    ("`app.py`", [APP]),
    ("code of `upload_file`", [UPLOAD]),
    ("the upload handler's code", [UPLOAD]),
    ("content of `app.py` and `upload_file`", [APP, UPLOAD]),
]
KINDS = {"test runner": GapKind.STACK, "test command": GapKind.ACCEPTANCE}
"""Of phrases whose kind their words alone do not tell."""
UNANSWERED = [
    "Django version",
    "Redis version",
    "Flask and Django versions",
    "version of the library or tool used",
    "browser and its version",
    "GPU model and driver version",
    "language and platform",
    "code of `save`",
    "code of `missing.py`",
    "the payment handler's code",
    "the diff",
    "which function is meant",
    "which part of the project is meant",
    "cases that the tests must cover",
    "who will read it",
    "full stack trace",
    "expected and actual behaviour",
    "measured times and data sizes",
    "what must keep working meanwhile",
]


@pytest.mark.parametrize(("phrase", "expected"), ANSWERED)
def test_a_gap_is_answered_by_the_facts_that_it_names(phrase: str, expected: list[Fact]) -> None:
    kind = KINDS.get(phrase) or kind_of(phrase)
    draft = DRAFT if kind is GapKind.CODE else "Fix the upload."
    assert list(facts_for(make_gap(phrase, kind, draft), ALL, draft)) == expected


@pytest.mark.parametrize("phrase", UNANSWERED)
def test_nothing_is_offered_where_no_fact_plainly_answers(phrase: str) -> None:
    assert facts_for(make_gap(phrase, kind_of(phrase), DRAFT), ALL, DRAFT) == ()


@pytest.mark.parametrize("around", [Fence(), Fence("```", ""), Fence("~~~~", "  ")])
@pytest.mark.parametrize("phrase", [phrase for phrase, _ in ANSWERED])
def test_a_filled_gap_is_answered(phrase: str, around: Fence) -> None:
    kind = KINDS.get(phrase) or kind_of(phrase)
    draft = DRAFT if kind is GapKind.CODE else "Fix the upload."
    facts = facts_for(make_gap(phrase, kind, draft), ALL, draft)
    if not facts:
        return
    edit = add_context(draft, facts, around)
    assert edit is not None
    assert not is_answered(phrase, kind, draft)
    assert is_answered(phrase, kind, edit.apply(draft))
    assert facts_for(make_gap(phrase, kind, draft), ALL, edit.apply(draft)) == ()


def test_what_the_draft_says_already_is_not_offered() -> None:
    draft = "With Python 3.11 the flask app breaks"
    gap = make_gap("Python and Flask versions", GapKind.VERSION, draft)
    assert facts_for(gap, ALL, draft) == (FLASK,)


def test_versions_that_differ_within_a_project_are_not_offered() -> None:
    draft = "my react page is blank"
    old, new = (Fact(GapKind.VERSION, "React", v, f"{v}/package.json") for v in ("17.0.2", "18.3.1"))
    gap = make_gap("React version", GapKind.VERSION, draft)
    assert facts_for(gap, (old, new), draft) == ()
    assert facts_for(gap, (old,), draft) == (old,)


def test_code_that_the_words_concerned_name_is_offered() -> None:
    draft = "Explain app.py to me"
    gap = make_gap("the code concerned", GapKind.CODE, draft)
    assert facts_for(gap, (APP,), draft) == (APP,)
    both = "Explain app.py and upload_file to me"
    assert facts_for(make_gap("the code concerned", GapKind.CODE, both), (APP, UPLOAD), both) == ()


DRAFTS = (
    "reduce the bundle size of our angular app",
    "my flask app throws an error when i upload, python. how do i fix it",
    "the page in react is blank, fix app.py",
    "write tests for upload_file",
    "my script does not install, the terminal says permission denied",
    "add a login endpoint to the api",
    "the query on the orders table is slow",
    "write a commit message",
    "refactor `upload_file` in app.py",
    "docker container crashes in production",
    "how do i centre the button on the page",
)


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_instant_engine_no_longer_reports_what_was_filled(draft: str) -> None:
    def gaps(text: str) -> dict[str, tuple[Fact, ...]]:
        answer = InstantEngine().answer(Draft(text, 0, "en", Destination.CHAT))
        return {gap.phrase: facts_for(gap, ALL, text) for gap in answer.gaps}

    before = gaps(draft)
    for phrase, facts in before.items():
        if facts:
            edit = add_context(draft, facts)
            assert edit is not None
            assert phrase not in gaps(edit.apply(draft))


def test_the_instant_engines_own_phrases_are_filled() -> None:
    """So that the property above is about something."""
    answers = [InstantEngine().answer(Draft(draft, 0, "en", Destination.CHAT)) for draft in DRAFTS]
    filled = {
        gap.kind
        for draft, answer in zip(DRAFTS, answers, strict=True)
        for gap in answer.gaps
        if facts_for(gap, ALL, draft)
    }
    assert {GapKind.VERSION, GapKind.CODE, GapKind.ENVIRONMENT} <= filled


def test_all_that_is_known_has_each_fact_once() -> None:
    phrases = ("Flask version", "Flask and Python versions", "operating system", "full stack trace")
    gaps = [make_gap(phrase, kind_of(phrase), DRAFT) for phrase in phrases]
    assert known_for(gaps, ALL, DRAFT) == (FLASK, PYTHON, SYSTEM)


@given(
    st.sampled_from(list(GapKind)),
    st.sampled_from([phrase for phrase, _ in ANSWERED] + UNANSWERED) | st.text(max_size=60),
    st.lists(
        st.builds(
            Fact,
            st.sampled_from(list(GapKind)),
            st.sampled_from([fact.name for fact in ALL]) | st.text(max_size=20),
            st.sampled_from([fact.value for fact in ALL]) | st.text(max_size=40),
            st.sampled_from(["uv.lock", "src/app.py", "this machine"]) | st.text(max_size=20),
        ),
        max_size=6,
    ),
    st.sampled_from([DRAFT, "", "x", "fix app.py\r\n\r\nplease"]) | st.text(max_size=60),
)
def test_whatever_is_offered_fills_the_gap(kind: GapKind, phrase: str, facts: list[Fact], text: str) -> None:
    gap = make_gap(phrase, kind, text)
    offered = facts_for(gap, facts, text)
    assert set(offered) <= set(facts)
    assert all(len(line_of(fact).splitlines()) <= 1 for fact in offered)
    if offered:
        edit = add_context(text, offered)
        assert edit is not None
        assert edit.apply(text).startswith(text.rstrip())
        assert is_answered(phrase, kind, edit.apply(text))
