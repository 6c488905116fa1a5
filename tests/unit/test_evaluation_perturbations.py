"""What is done to texts to see whether an engine's labels stay."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.decision import Complexity, Intent
from devrouter.core.pieces import protected_pieces
from devrouter.core.tiers import Route
from devrouter.evaluation.perturbations import MOST_ROWS, Change, changed_rows, changed_text
from devrouter.evaluation.rows import GoldRow

MIXED = """\
Please explain why `load_users()` in src/app/users.py fails with a KeyError since version 3.11.4 was installed

```python
def load_users(path):
    return json.load(open(path))
```

The importer worked yesterday, nothing else has changed and the file config/settings.toml is still there"""
KEPT = ("`load_users()`", "src/app/users.py", "KeyError", "3.11.4", "config/settings.toml")
BLOCK = MIXED[MIXED.index("```python") : MIXED.rindex("```") + 3]


def row(text: str, row_id: str | int = "a", paraphrase: str | None = None) -> GoldRow:
    return GoldRow(row_id, text, Intent.DEBUG, Complexity.LOW, Route.SMALL_LOCAL, (), paraphrase=paraphrase)


# Typos


@pytest.mark.parametrize("seed", range(20))
def test_typos_leave_code_paths_names_and_numbers_alone(seed: int) -> None:
    changed = changed_text(row(MIXED), Change.TYPOS, seed)
    assert changed != MIXED
    assert BLOCK in changed
    for piece in KEPT:
        assert piece in changed


@pytest.mark.parametrize("seed", range(20))
def test_about_one_letter_is_wrong_in_eight_words(seed: int) -> None:
    words = ["explain", "carefully", "which", "modules", "depend", "upon", "these", "settings"] * 4
    changed = changed_text(row(" ".join(words)), Change.TYPOS, seed).split(" ")
    wrong = [(right, got) for right, got in zip(words, changed, strict=True) if right != got]
    assert len(wrong) == 4
    for right, got in wrong:
        assert got[0] == right[0]
        swapped = sorted(got) == sorted(right)
        doubled_or_dropped = abs(len(got) - len(right)) == 1
        assert swapped or doubled_or_dropped
        assert SequenceMatcher(None, right, got).ratio() > 0.7


def test_typos_hang_on_the_row_and_the_seed_alone() -> None:
    assert changed_text(row(MIXED), Change.TYPOS, 1) == changed_text(row(MIXED), Change.TYPOS, 1)
    assert len({changed_text(row(MIXED), Change.TYPOS, seed) for seed in range(5)}) > 1
    assert len({changed_text(row(MIXED, row_id), Change.TYPOS, 1) for row_id in range(5)}) > 1


@given(st.text())
def test_typos_change_no_protected_piece_of_any_text(text: str) -> None:
    changed = changed_text(row(text), Change.TYPOS, 0)
    for piece in protected_pieces(text):
        assert text[slice(*piece.span)] in changed


# The others


def test_case() -> None:
    assert changed_text(row(MIXED), Change.LOWER, 0) == MIXED.lower()
    capitals = changed_text(row(MIXED), Change.CAPITALS, 0)
    assert capitals.startswith("PLEASE EXPLAIN WHY `load_users()` IN src/app/users.py FAILS WITH A KeyError")
    assert BLOCK in capitals
    assert "THE IMPORTER WORKED YESTERDAY, NOTHING" in capitals


def test_paraphrase_stands_in_where_there_is_one() -> None:
    rows = [row("why", 1, "for what reason"), row("how", 2), row("what", 3, " ")]
    changed = changed_rows(rows, Change.PARAPHRASE, 0)
    assert [(each.id, each.text) for each in changed] == [(1, "for what reason")]


def test_politeness_and_a_code_block_leave_the_text_whole() -> None:
    polite = changed_text(row(MIXED), Change.POLITE, 0)
    assert f"\n\n{MIXED}\n\n" in polite
    assert "please" in polite
    with_code = changed_text(row(MIXED), Change.CODE, 0)
    assert with_code.startswith(f"{MIXED}\n\n```python\n")
    assert with_code.endswith("\n```")


# Rows


@pytest.mark.parametrize("change", Change)
def test_labels_stay_and_what_a_change_leaves_as_it_is_stays_away(change: Change) -> None:
    rows = [row("why 1", 1), row("WHY DOES IT FAIL", 2, "for what reason"), row("why does it fail", 3)]
    changed = changed_rows(rows, change, 0)
    originals = {each.id: each for each in rows}
    assert changed
    for each in changed:
        assert each.text != originals[each.id].text
        assert each.intent is Intent.DEBUG
    kept_away = {Change.LOWER: 3, Change.CAPITALS: 2}.get(change)
    assert kept_away not in {each.id for each in changed}


def test_at_most_400_rows_the_same_ones_in_every_file_and_in_order() -> None:
    rows = [row(f"why does number {number} fail", number) for number in range(1000)]
    changed = changed_rows(rows, Change.POLITE, 0)
    ids = [each.id for each in changed]
    assert len(changed) == MOST_ROWS == 400
    assert ids == sorted(ids, key=int)
    assert {each.id for each in changed_rows(rows[::-1], Change.POLITE, 7)} == set(ids)
    fewer = {each.id for each in changed_rows(rows[:500], Change.POLITE, 0)}
    assert {each for each in ids if int(each) < 500} <= fewer
