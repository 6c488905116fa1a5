"""Nothing in the core raises, whatever a draft, a rewrite or a document holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.draft import Destination, Document, Region, draft_of, prompts_in, selection_region
from devrouter.core.edits import Edit, smallest_edit, with_line_endings
from devrouter.core.fidelity import check_rewrite
from devrouter.core.fill import fill_in
from devrouter.core.gaps import GapKind, gaps_from_phrases, hidden_for, is_answered, kind_of, make_gap
from devrouter.core.language import language_of
from devrouter.core.pieces import protected_pieces
from devrouter.core.text import Lines, Span, Units, first_line, trimmed
from devrouter.core.tiers import Route, TierPolicy, effective_tier, estimate_tokens

# What drafts are made of, and what breaks careless code: half-open constructs, odd line ends, surrogates.
CONSTRUCTS = """
    ``` ```prompt ~~~ ` `` " ' “ ” --- ( ) [ ] { \\ - 1. > # <b> &amp; ${file} #file:x @workspace , . ? 3.11
    v2 0x1f 1e9 src/app.py C:\\x\\y https://x.y/z?a=b#c snake_case camelCase --flag TypeError: Flask Traceback
    the fix bug 500 error version 漢字 für İ ß ١٢ ² 😀
"""
CHARACTERS = list("  \n\n\r\t\u2028\x0c\x00\ufeff\ud83d\ude00\u0301")
FRAGMENTS = [*CONSTRUCTS.split(), *CHARACTERS, *CHARACTERS, "\r\n", "\r\n"]
TEXTS = st.text(max_size=80) | st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)
NAMES = st.sampled_from(["a.md", "a.prompt.md", "AGENTS.md", "claude-prompt-1.md", "a.py"]) | st.text(
    max_size=20
)
LANGUAGES = st.sampled_from(["markdown", "prompt", "skill", "plaintext"])


@given(TEXTS, st.integers(-9, 99), st.integers(-9, 99))
def test_any_text_has_lines_language_and_length(text: str, one: int, other: int) -> None:
    lines = Lines(text)
    for units in Units:
        assert 0 <= lines.offset(*lines.position(one, units), units) <= len(text)
        assert 0 <= lines.offset(one, other, units) <= len(text)
    start, end = trimmed(text, first_line(text))
    assert 0 <= start <= end <= len(text)
    assert language_of(text)
    assert estimate_tokens(text) >= (1 if text else 0)


@given(TEXTS, NAMES, LANGUAGES, st.lists(TEXTS, max_size=3), st.integers(-9, 99), st.integers(-9, 99))
def test_any_document_has_its_prompts(
    text: str, name: str, language_id: str, globs: list[str], one: int, other: int
) -> None:
    source = Document(f"file:///{name}", language_id, 1, text)
    regions = list(prompts_in(source, agent_patterns=globs, include=globs))
    selected = selection_region(source, Span(one, other))
    for region in [*regions, *([selected] if selected else [])]:
        assert draft_of(source, region).text.strip()
    assert draft_of(source, Region(Span(0, len(text)), Destination.AGENT)).text == text


@given(TEXTS, TEXTS)
def test_any_rewrite_is_judged_and_applied(old: str, new: str) -> None:
    verdict = check_rewrite(old, new)
    assert verdict.kept == (verdict.reason is None)
    edit = smallest_edit(old, with_line_endings(new, old))
    assert (edit.apply(old) if edit else old) == with_line_endings(new, old)
    for piece in protected_pieces(old):
        assert 0 <= piece.span.start < piece.span.end <= len(old)


@given(TEXTS, st.lists(TEXTS, max_size=8))
def test_any_phrases_become_gaps_of_the_text(text: str, phrases: list[str]) -> None:
    for phrase in phrases:
        gap = make_gap(phrase, kind_of(phrase), text)
        assert 0 <= gap.anchor.start <= gap.anchor.end <= len(text)
        assert is_answered(phrase, gap.kind, text) in (True, False)
    gaps = gaps_from_phrases(phrases, text)
    assert len(gaps) <= 5
    edit = fill_in(text, gaps)
    assert isinstance(edit, Edit)
    assert len(edit.apply(text)) >= len(text)


@pytest.mark.parametrize("destination", list(Destination))
def test_hidden_kinds_are_kinds(destination: Destination) -> None:
    assert hidden_for(destination) <= set(GapKind)


@given(
    st.sampled_from(Route),
    st.none() | st.floats(0, 1),
    st.integers(),
    st.dictionaries(st.sampled_from(Route), st.integers()),
)
def test_any_confidence_and_length_has_a_tier(
    route: Route, confidence: float | None, length: int, limits: dict[Route, int]
) -> None:
    assert effective_tier(route, confidence, length, TierPolicy(context_limits=limits)).reason.endswith(".")
