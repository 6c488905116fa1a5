"""Every rule of the guard by name: rewrites that it must let pass, and rewrites that only it must catch."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from devrouter.core.fidelity import RULES, check_rewrite, guard
from devrouter.core.language import language_of

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "corpus" / "fidelity" / "cases.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
FOREIGN = [case for case in CASES if language_of(case["draft"]) != "en"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rule']}: {case['draft'][:30]}")
def test_a_faithful_rewrite_passes_and_an_unfaithful_one_breaks_the_rule(case: dict[str, str]) -> None:
    kept = check_rewrite(case["draft"], case["kept"])
    assert kept.kept, kept.reason
    assert check_rewrite(case["draft"], case["withheld"]).rule == case["rule"]


def test_every_rule_has_cases_and_every_case_a_rule() -> None:
    count = Counter(case["rule"] for case in CASES)
    assert count.keys() == RULES.keys()
    assert min(count.values()) >= 6


def test_the_cases_are_of_several_languages() -> None:
    assert {language_of(case["draft"]) for case in CASES} >= {"en", "de", "es", "zh", "ja"}


@pytest.mark.parametrize("case", FOREIGN, ids=lambda case: case["draft"][:30])
@pytest.mark.parametrize("other", FOREIGN, ids=lambda case: case["kept"][:30])
def test_no_draft_is_offered_in_another_language(case: dict[str, str], other: dict[str, str]) -> None:
    """Whatever a model confuses it with: the draft's own rewrite, that of another, and the two together."""
    for rewrite in (case["kept"], other["kept"], f"{other['kept']} {case['draft']}"):
        offered = guard(case["draft"], rewrite).rewrite
        assert offered is None or language_of(offered) == language_of(case["draft"])
