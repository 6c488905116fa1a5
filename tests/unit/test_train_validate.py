"""The gate of exports: one that is worse than F16 is refused, and few rows decide nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devrouter.core.gaps import gaps_from_phrases
from devrouter.evaluation.rows import read_answers, sha256_of
from runtime.tiny_gguf import write_tiny_gguf
from tests.unit.measuring import exported, good, run_here, work
from tests.unit.training import labelled, write
from train.asked import Reply, answer_of, read_data
from train.manifest import check_manifest
from train.validate import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devrouter.evaluation.rows import GoldRow
    from tests.unit.measuring import Done, Work


def validate(place: Work, *more: str | Path) -> Done:
    return run_here(main, place.gguf, "--data", place.data.path, "-o", place.measured, *more)


def verdicts(place: Work) -> dict[str, str]:
    return {each["quantization"]: each["verdict"] for each in place.result("validate.json")["exports"]}


def broken(share: float) -> Callable[[int, GoldRow], str]:
    """Replies of which this share, evenly spread, break off."""

    def replied(number: int, row: GoldRow) -> str:
        whole = good(number, row)
        return whole[:-3] if int((number + 1) * share) > int(number * share) else whole

    return replied


def wrong(field: str, value: str, share: float) -> Callable[[int, GoldRow], str]:
    """Replies of which this share has another label."""

    def replied(number: int, row: GoldRow) -> str:
        decision = json.loads(good(number, row))
        if int((number + 1) * share) > int(number * share):
            decision[field] = value
        return json.dumps(decision)

    return replied


# Verdicts


def test_a_damaged_export_is_refused_with_the_table_that_shows_it(tmp_path: Path) -> None:
    place = work(tmp_path, ["F16", "Q8_0", "Q4_K_M"], rows=200)
    place.stage("F16", good)
    place.stage("Q8_0", good)
    place.stage("Q4_K_M", broken(0.2), modes=["free"])
    place.stage("Q4_K_M", good, modes=["constrained"])
    done = validate(place)
    assert done.returncode == 1
    assert "devrouter-Q4_K_M.gguf is refused" in done.stderr
    assert verdicts(place) == {"F16": "passed", "Q8_0": "passed", "Q4_K_M": "refused"}
    table = (place.measured / "validate.md").read_text(encoding="utf-8")
    assert done.stdout.strip() == table.strip()
    row = next(line for line in table.splitlines() if line.startswith("| Q4_K_M | **refused**"))
    cells = [cell.strip() for cell in row.split("|")][3:-1]
    assert cells[0].startswith("80.0 % (-20.0; ")
    assert cells[0].endswith("✗")
    assert all(cell.startswith("100.0 % (+0.0; ") and not cell.endswith("✗") for cell in cells[1:])
    assert "valid JSON (free): 80.0 %, F16 100.0 %" in table
    assert check_manifest(place.measured / "validate.json")["step"] == "validate"


def test_a_refused_export_cannot_be_served_by_accident_and_one_that_passes_later_can(tmp_path: Path) -> None:
    place = work(tmp_path, rows=150)
    modelfile, refusal = (place.gguf / f"devrouter-Q8_0.{end}" for end in ("Modelfile", "refused.md"))
    before = modelfile.read_bytes()
    place.stage("F16", good)
    place.stage("Q8_0", wrong("route", "large_api", 0.3))
    assert validate(place).returncode == 1
    assert not modelfile.exists()
    assert "do not serve it" in refusal.read_text(encoding="utf-8")
    assert "route (constrained): 70.0 %, F16 100.0 %" in refusal.read_text(encoding="utf-8")
    assert validate(place, "--set", "validate.margin=0.5").returncode == 0
    assert modelfile.read_bytes() == before
    assert not refusal.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("intent", "explain"), ("complexity", "high"), ("route", "large_api")]
)
def test_each_label_is_judged_in_replies_held_to_the_schema(tmp_path: Path, field: str, value: str) -> None:
    place = work(tmp_path, rows=150)
    place.stage("F16", good)
    place.stage("Q8_0", wrong(field, value, 0.2), modes=["constrained"])
    place.stage("Q8_0", good, modes=["free"])
    assert validate(place).returncode == 1
    judged = place.result("validate.json")["exports"][1]["judged"]
    assert {each["figure"] for each in judged if each["verdict"] == "refused"} == {field}


def test_few_rows_neither_refuse_by_noise_nor_let_through(tmp_path: Path) -> None:
    """Four of a hundred are wrong: 150 rows cannot tell that from three, and say how many can."""
    place = work(tmp_path, rows=150)
    place.stage("F16", good)
    place.stage("Q8_0", wrong("intent", "explain", 0.04))
    done = validate(place)
    assert done.returncode == 1
    assert verdicts(place)["Q8_0"] == "undecided"
    assert "150 rows cannot tell whether it lost 3 points" in done.stdout
    assert (place.gguf / "devrouter-Q8_0.Modelfile").exists()


def test_noise_that_goes_both_ways_passes_where_the_rows_are_enough(tmp_path: Path) -> None:
    place = work(tmp_path, rows=600)
    place.stage("F16", wrong("intent", "explain", 0.02))
    place.stage("Q8_0", lambda number, row: wrong("intent", "explain", 0.02)(number + 25, row))
    assert validate(place).returncode == 0
    intent = place.result("validate.json")["exports"][1]["judged"][1]
    assert intent["compared"]["only_first_right"] == intent["compared"]["only_second_right"] == 12


def test_twenty_rows_let_nothing_through_even_if_all_replies_are_the_same(tmp_path: Path) -> None:
    place = work(tmp_path, rows=20)
    place.stage("F16", good)
    place.stage("Q8_0", good)
    assert validate(place).returncode == 1
    assert verdicts(place)["Q8_0"] == "undecided"


def test_it_says_how_many_replies_are_those_of_f16(tmp_path: Path) -> None:
    place = work(tmp_path, rows=120)
    place.stage("F16", good)
    place.stage("Q8_0", lambda number, row: good(number, row) + "\n" * (number < 30))
    assert validate(place).returncode == 0
    found = place.result("validate.json")["exports"][1]["identical"]
    assert {mode: (each["count"], each["total"]) for mode, each in found.items()} == {
        "free": (90, 120),
        "constrained": (90, 120),
    }
    assert "| 90 of 120 |" in (place.measured / "validate.md").read_text(encoding="utf-8")


# What a valid reply is


@pytest.mark.parametrize(
    ("reply", "valid"),
    [
        ("{}", True),
        ("\n{}\n", True),
        ("```json\n{}\n```", False),
        ("Here it is: {}", False),
        ("{} I hope this helps.", False),
        ("[{}]", False),
    ],
)
def test_only_the_object_as_it_stands_is_valid(tmp_path: Path, reply: str, *, valid: bool) -> None:
    row = work(tmp_path, rows=1).data.rows[0]
    text = reply.replace("{}", good(0, row))
    answer = answer_of(row, Reply(text, cut=False, tokens_in=1, tokens_out=1, milliseconds=1.0))
    assert (answer.decision is not None) == valid
    assert (answer.problem is None) == valid


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"intent": "fix"}, "intent"),
        ({"route": "Small_Local"}, "route"),
        ({"missing": "nothing"}, "missing"),
        ({"missing": [1]}, "missing"),
        ({"tone": "polite"}, "tone"),
        ({"rewrite": None}, "rewrite"),
    ],
)
def test_exactly_the_five_fields_and_their_values_are_valid(
    tmp_path: Path, change: dict[str, object], named: str
) -> None:
    row = work(tmp_path, rows=1).data.rows[0]
    text = json.dumps(json.loads(good(0, row)) | change)
    answer = answer_of(row, Reply(text, cut=False, tokens_in=1, tokens_out=1, milliseconds=1.0))
    assert answer.decision is None
    assert named in (answer.problem or "")


def test_a_reply_that_was_cut_says_so(tmp_path: Path) -> None:
    row = work(tmp_path, rows=1).data.rows[0]
    answer = answer_of(row, Reply('{"rewrite": "a', cut=True, tokens_in=1, tokens_out=77, milliseconds=1.0))
    assert "cut at 77 tokens" in (answer.problem or "")


# The reference


def test_without_f16_nothing_is_compared(tmp_path: Path) -> None:
    place = work(tmp_path, ["Q8_0", "Q6_K"], rows=3)
    done = validate(place)
    assert done.returncode == 1
    assert "holds no F16 export" in done.stderr
    assert "run export.py with F16 among export.quantizations" in done.stderr
    assert not place.measured.exists()


def test_a_base_that_was_dequantised_is_named_as_damage(tmp_path: Path) -> None:
    base = tmp_path / "base-q4.gguf"
    write_tiny_gguf(base)
    content = base.read_bytes()
    at = content.index(b"general.file_type") + len(b"general.file_type") + 4
    base.write_bytes(content[:at] + (15).to_bytes(4, "little") + content[at + 4 :])
    place = work(tmp_path / "work", rows=120, base=str(base))
    place.stage("F16", good)
    place.stage("Q8_0", good)
    done = validate(place)
    assert done.returncode == 0
    assert "F16 is a damaged reference: its base was dequantised from base-q4.gguf (Q4_K_M)" in done.stdout
    assert "base-q4.gguf (Q4_K_M)" in place.result("validate.json")["remark"]
    assert str(tmp_path) not in (place.measured / "validate.json").read_text(encoding="utf-8")
    base.unlink()
    assert "F16 may be a damaged reference: its base was base-q4.gguf" in validate(place).stdout


def test_a_whole_base_is_no_damage_unless_the_user_knows_better(tmp_path: Path) -> None:
    place = work(tmp_path, rows=120)
    place.stage("F16", good)
    place.stage("Q8_0", good)
    assert "damaged" not in validate(place).stdout
    assert "dequantised from Q4_K_M" in validate(place, "--set", "validate.base_was=Q4_K_M").stdout


def test_exports_of_two_models_are_not_compared(tmp_path: Path) -> None:
    place = work(tmp_path, rows=3)
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("[]", encoding="utf-8")
    exported(place.exports["Q8_0"].path, "Q8_0", other)
    done = validate(place)
    assert done.returncode == 1
    assert "devrouter-Q8_0.gguf: was not made of the same model as devrouter-F16.gguf" in done.stderr


def test_an_export_that_was_changed_is_refused(tmp_path: Path) -> None:
    place = work(tmp_path, rows=3)
    with place.exports["Q8_0"].path.open("ab") as file:
        file.write(b"\0")
    done = validate(place)
    assert done.returncode == 1
    assert "devrouter-Q8_0.gguf: was changed after the step export made it" in done.stderr


# Rows


def test_a_broken_row_is_named_by_file_line_and_key(tmp_path: Path) -> None:
    place = work(tmp_path, rows=3)
    bad = write(tmp_path / "bad.jsonl", [labelled("one"), labelled("two", intent="fix")])
    done = run_here(main, place.gguf, "--data", bad, "-o", place.measured)
    assert done.returncode == 1
    assert f"{bad}, line 2: intent" in done.stderr


def test_absent_files_and_two_of_one_name_are_refused(tmp_path: Path) -> None:
    place = work(tmp_path, rows=3)
    done = run_here(main, place.gguf, "--data", tmp_path / "none.jsonl", "-o", place.measured)
    assert done.returncode == 1
    assert "none.jsonl: no such file" in done.stderr
    other = tmp_path / "other"
    other.mkdir()
    twice = write(other / "test.jsonl", [labelled("one")])
    done = run_here(main, place.gguf, "--data", place.data.path, twice, "-o", place.measured)
    assert done.returncode == 1
    assert "two files are named test" in done.stderr


def test_part_of_the_rows_is_always_the_same_part(tmp_path: Path) -> None:
    path = work(tmp_path, rows=40).data.path
    few, more = read_data(path, 10).rows, read_data(path, 20).rows
    assert len(few) == 10
    assert {row.id for row in few} < {row.id for row in more}
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(reversed(lines)), encoding="utf-8")
    assert {row.id for row in read_data(path, 10).rows} == {row.id for row in few}


def test_answers_are_those_of_devrouter_eval(tmp_path: Path) -> None:
    """Another program reads them, and gaps are found in a reply's phrases as the product finds them."""
    place = work(tmp_path, rows=120)
    missing = ["full stack trace", "the parser's code", "please give more details"]

    def lacking(number: int, row: GoldRow) -> str:
        return json.dumps(json.loads(good(number, row)) | {"missing": missing})

    place.stage("F16", lacking)
    place.stage("Q8_0", lacking)
    assert validate(place).returncode == 0
    path = place.measured / "quality" / "llama_cpp-Q8_0-constrained" / "test.jsonl"
    header, answers = read_answers(path.read_bytes(), str(path), place.data.rows)
    assert (header.engine, header.version) == ("llama_cpp-Q8_0-constrained", place.exports["Q8_0"].sha256)
    assert header.data_sha256 == sha256_of(place.data.rows)
    expected = [(gap.phrase, gap.kind) for gap in gaps_from_phrases(missing, place.data.rows[0].text)]
    assert [(gap.phrase, gap.kind) for gap in answers[0].gaps] == expected
    assert len(expected) == 2
    made = check_manifest(path)
    assert made["counts"] == {"rows": 120, "valid": 120}
