"""Findings keep still: what stays, what goes and what waits while a prompt is typed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from devrouter.app.findings import Findings, Prompt
from devrouter.core.draft import Destination, Region
from devrouter.core.edits import smallest_edit
from devrouter.core.gaps import Gap, GapKind
from devrouter.core.text import Span, first_line

TEXT = "The login page is broken since the upgrade. Please fix it."


def gap(text: str, phrase: str, kind: GapKind, words: str | None = None) -> Gap:
    """A gap anchored at `words`, or at the first line."""
    if words is None:
        return Gap(phrase, kind, first_line(text), anchored=False)
    start = text.index(words)
    return Gap(phrase, kind, Span(start, start + len(words)), anchored=True)


def login(text: str) -> Gap:
    return gap(text, "the login page's code", GapKind.CODE, "login page")


def wanted(text: str) -> Gap:
    return gap(text, "expected behaviour", GapKind.BEHAVIOUR)


@dataclass
class Screen:
    """One document with one prompt that is the whole text."""

    text: str
    findings: Findings = field(default_factory=Findings)

    def prompt(self, *gaps: Gap) -> Prompt:
        return Prompt(Region(Span(0, len(self.text)), Destination.CHAT), self.text, gaps)

    def types(self, new: str, *gaps: Gap) -> None:
        edit = smallest_edit(self.text, new)
        self.text = new
        self.findings.typing(edit, [self.prompt(*gaps)])

    def rests(self, *gaps: Gap) -> None:
        self.findings.resting([self.prompt(*gaps)])

    @property
    def shown(self) -> list[tuple[str, str]]:
        return [(f.gap.phrase, self.text[f.span.start : f.span.end]) for f in self.findings.shown]


@pytest.fixture
def screen() -> Screen:
    screen = Screen(TEXT)
    screen.rests(login(TEXT), wanted(TEXT))
    return screen


def test_a_finding_moves_with_its_words_when_text_is_typed_before_it(screen: Screen) -> None:
    screen.types("Hello! " + TEXT)
    assert ("the login page's code", "login page") in screen.shown


def test_a_finding_stays_although_the_engine_no_longer_names_it_in_mid_typing(screen: Screen) -> None:
    for length in range(1, 40):
        screen.types(TEXT + " It started after lunch and nobody knows why."[:length])
        assert ("the login page's code", "login page") in screen.shown


def test_a_new_finding_waits_for_rest(screen: Screen) -> None:
    longer = TEXT + " Use the new library."
    fresh = gap(longer, "which library", GapKind.STACK, "the new library")
    screen.types(longer, login(longer), wanted(longer), fresh)
    assert "which library" not in dict(screen.shown)
    screen.rests(login(longer), wanted(longer), fresh)
    assert dict(screen.shown)["which library"] == "the new library"


def test_at_rest_exactly_what_the_engine_says_is_shown(screen: Screen) -> None:
    screen.types(TEXT + " Now.")
    screen.rests(wanted(screen.text))
    assert [phrase for phrase, _ in screen.shown] == ["expected behaviour"]


def test_an_edit_of_its_words_removes_a_finding_that_no_longer_holds(screen: Screen) -> None:
    screen.types(TEXT.replace("login page", "logout"), wanted(TEXT))
    assert "the login page's code" not in dict(screen.shown)


def test_an_edit_of_its_words_moves_a_finding_that_still_holds(screen: Screen) -> None:
    edited = TEXT.replace("login page", "login main page")
    screen.types(edited, gap(edited, "the login page's code", GapKind.CODE, "login main page"))
    assert ("the login page's code", "login main page") in screen.shown


def test_a_finding_goes_at_once_when_the_draft_answers_it() -> None:
    text = "Flask gives me a wrong redirect. Why?"
    screen = Screen(text)
    screen.rests(gap(text, "Flask version", GapKind.VERSION, "Flask"))
    answered = "Flask gives me a wrong redirect. Why? This is Flask 3.0.3."
    screen.types(answered, gap(answered, "Flask version", GapKind.VERSION, "Flask"))
    assert screen.shown == []


def test_a_finding_without_words_stays_on_the_first_line_whatever_is_typed_there(screen: Screen) -> None:
    screen.types("Now t" + TEXT[1:], login(TEXT))
    assert dict(screen.shown)["expected behaviour"] == "Now t" + TEXT[1:]


def test_a_finding_without_words_goes_with_its_line_when_that_is_replaced(screen: Screen) -> None:
    screen.types("What is a tuple in Python?")
    assert screen.shown == []


def test_emptying_the_prompt_removes_everything(screen: Screen) -> None:
    screen.text, before = "", screen.text
    screen.findings.typing(smallest_edit(before, ""), [])
    assert screen.shown == []


def test_a_finding_stays_with_its_prompt_when_another_prompt_appears_above_it() -> None:
    old = "notes\n" + TEXT
    findings = Findings()
    findings.resting([Prompt(Region(Span(6, len(old)), Destination.CHAT), TEXT, (login(TEXT),))])
    new = "Explain this.\n" + old
    prompts = [
        Prompt(Region(Span(0, 13), Destination.CHAT), "Explain this.", ()),
        Prompt(Region(Span(20, len(new)), Destination.CHAT), TEXT, ()),
    ]
    findings.typing(smallest_edit(old, new), prompts)
    (kept,) = findings.shown
    assert kept.prompt == 1
    assert new[kept.span.start : kept.span.end] == "login page"


def test_the_next_keystroke_does_not_replace_a_models_findings(screen: Screen) -> None:
    deep = gap(TEXT, "what the upgrade changed", GapKind.REQUIREMENTS, "the upgrade")
    screen.findings.model_answered(0, screen.prompt(deep))
    screen.types(TEXT + " T", login(TEXT), wanted(TEXT))
    screen.rests(login(TEXT), wanted(TEXT))
    assert [phrase for phrase, _ in screen.shown] == ["what the upgrade changed"]


def test_a_models_answer_no_longer_stands_once_most_of_the_prompt_is_new(screen: Screen) -> None:
    deep = gap(TEXT, "what the upgrade changed", GapKind.REQUIREMENTS, "the upgrade")
    screen.findings.model_answered(0, screen.prompt(deep))
    longer = TEXT + " And so on, with quite another request that has nothing to do with the first."
    screen.types(longer, wanted(longer))
    screen.rests(wanted(longer))
    assert [phrase for phrase, _ in screen.shown] == ["expected behaviour"]


def test_a_failed_model_call_leaves_the_instant_findings(screen: Screen) -> None:
    screen.findings.model_answered(0, screen.prompt())
    assert screen.shown == []
    screen.findings.model_failed(0, screen.prompt(login(TEXT)))
    assert [phrase for phrase, _ in screen.shown] == ["the login page's code"]
