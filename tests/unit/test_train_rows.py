"""What the steps of the training pipeline hand on, and the settings that all of them read."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.training import ROOT, labelled, prompt, write
from train.config import read_settings
from train.manifest import check_manifest, manifest_path, write_manifest
from train.near import NearIndex
from train.rows import AppendedRows, FileError, Labelled, Prompt, id_of, normalised, read_rows, write_rows

if TYPE_CHECKING:
    from pathlib import Path


class TestRows:
    def test_the_dataset_of_the_repository_is_of_this_form(self) -> None:
        for name in ("train", "test"):
            assert read_rows(ROOT / "data" / f"{name}.jsonl", Labelled)

    def test_a_row_comes_back_as_it_was_written(self, tmp_path: Path) -> None:
        rows = [Prompt(id_of("é"), "é", "test", group="talk 1"), Prompt(id_of("b\nc"), "b\nc", "test")]
        write_rows(tmp_path / "new" / "prompts.jsonl", rows)
        assert read_rows(tmp_path / "new" / "prompts.jsonl", Prompt) == rows

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"intent": "bug"}, "line 2: intent: Input should be 'debug'"),
            ({"text": "  "}, "line 2: text: is empty"),
            ({"text": 5}, "line 2: text: Input should be a valid string"),
            ({"missing": ["a version"]}, "line 2: missing.0"),
            ({"id": ""}, "line 2: id: "),
        ],
    )
    def test_a_broken_row_is_named_by_line_and_key(
        self, tmp_path: Path, change: dict[str, Any], said: str
    ) -> None:
        path = write(tmp_path / "rows.jsonl", [labelled("one"), labelled("two") | change])
        with pytest.raises(FileError, match=said):
            read_rows(path, Labelled)

    @pytest.mark.parametrize(("end", "said"), [(b'{"id": 1', "line 2"), (b"\xff\n", "line 2")])
    def test_a_line_that_is_no_json_is_named(self, tmp_path: Path, end: bytes, said: str) -> None:
        path = write(tmp_path / "rows.jsonl", [prompt("one")])
        path.write_bytes(path.read_bytes() + end)
        with pytest.raises(FileError, match=said):
            read_rows(path, Prompt)

    def test_an_id_stands_once(self, tmp_path: Path) -> None:
        path = write(tmp_path / "rows.jsonl", [prompt("one"), prompt("two"), prompt("one")])
        with pytest.raises(FileError, match=r"line 3: the id .* was used in line 1"):
            read_rows(path, Prompt)

    def test_texts_that_differ_in_form_alone_have_one_id(self) -> None:
        assert normalised("\ufeff e\u0301a\r\nb\rc \n") == "\u00e9a\nb\nc"
        assert id_of("e\u0301\r\n") == id_of("\u00e9")

    def test_a_row_without_a_rewrite_is_no_decision(self, tmp_path: Path) -> None:
        path = write(tmp_path / "rows.jsonl", [labelled("one", rewrite=None), labelled("two")])
        without, with_one = read_rows(path, Labelled)
        assert with_one.decision.rewrite == "two"
        with pytest.raises(ValueError, match="has no rewrite"):
            _ = without.decision


class TestAppendedRows:
    def test_half_a_last_line_goes_and_a_whole_one_without_its_end_stays(self, tmp_path: Path) -> None:
        path = tmp_path / "labels.jsonl"
        for torn, left in (('{"id": "b", "te', ["a"]), ('{"id": "b"}', ["a", "b"])):
            path.write_text(f'{{"id": "a"}}\n{torn}', encoding="utf-8")
            with AppendedRows(path) as rows:
                assert [row["id"] for row in rows.rows] == left
                rows.append({"id": "c"})
            names = [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]
            assert names == [*left, "c"]

    def test_a_damaged_line_in_the_middle_is_named_and_nothing_is_lost(self, tmp_path: Path) -> None:
        path = tmp_path / "labels.jsonl"
        path.write_bytes(b'{"id": "a"}\n\x00\x00\n{"id": "b"}\n')
        before = path.read_bytes()
        with pytest.raises(FileError, match="line 2: is damaged"):
            AppendedRows(path)
        assert path.read_bytes() == before

    def test_a_file_without_a_row_is_not_left_behind(self, tmp_path: Path) -> None:
        with AppendedRows(tmp_path / "rejected.jsonl"):
            pass
        assert list(tmp_path.iterdir()) == []


class TestSettings:
    def test_every_value_comes_from_the_file(self) -> None:
        assert asdict(read_settings())["split"]["against"] == ("data/test.jsonl",)

    def test_a_file_and_single_values_override_what_they_name(self, tmp_path: Path) -> None:
        mine = tmp_path / "mine.toml"
        mine.write_text("[teach.model]\nname = 'big'\nattempts = 2\n", encoding="utf-8")
        found = read_settings(mine, ["teach.model.attempts=3", 'split.holdout_sources=["a"]', "seed=4"])
        assert (found.teach.model.name, found.teach.model.attempts, found.seed) == ("big", 3, 4)
        assert found.split.holdout_sources == ("a",)
        assert found.teach.model.api == read_settings().teach.model.api

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("judge.minimum_scores=4", r"judge\.minimum_scores: is no key of config\.toml"),
            ("judge.minimum_score=9", r"judge\.minimum_score: .*less than or equal to 5"),
            ("teach.model.api=grpc", r"teach\.model\.api: Input should be 'ollama' or 'openai'"),
            ("split.near=no", r"split\.near: Input should be a valid number"),
            ("seed", "--set seed: is not of the form key=value"),
        ],
    )
    def test_a_wrong_value_is_named(self, written: str, said: str) -> None:
        with pytest.raises(FileError, match=said):
            read_settings(None, [written])

    def test_a_file_that_is_no_toml_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "mine.toml").write_text("[teach", encoding="utf-8")
        with pytest.raises(FileError, match=r"mine\.toml: is not TOML"):
            read_settings(tmp_path / "mine.toml")


class TestManifest:
    @staticmethod
    def made(folder: Path) -> Path:
        source, out = folder / "in.txt", folder / "out"
        source.write_text("in", encoding="utf-8")
        out.mkdir(exist_ok=True)
        (out / "a.txt").write_text("a", encoding="utf-8")
        write_manifest(out, "step", settings={"rate": 1}, seed=3, inputs=[source], counts={"rows": 1})
        return out

    def test_what_is_as_it_was_made_is_let_pass(self, tmp_path: Path) -> None:
        out = self.made(tmp_path)
        found = check_manifest(out)
        assert (found["step"], found["seed"], found["settings"], found["counts"]) == (
            "step",
            3,
            {"rate": 1},
            {"rows": 1},
        )
        assert list(found["outputs"]) == ["out/a.txt"]
        assert "pydantic" in found["versions"]

    def test_the_same_work_makes_the_same_manifest_and_names_no_folder_above(self, tmp_path: Path) -> None:
        once = manifest_path(self.made(tmp_path)).read_bytes()
        assert manifest_path(self.made(tmp_path)).read_bytes() == once
        assert str(tmp_path).encode() not in once

    def test_what_was_changed_or_is_gone_is_named(self, tmp_path: Path) -> None:
        out = self.made(tmp_path)
        (out / "a.txt").write_text("b", encoding="utf-8")
        with pytest.raises(FileError, match=r"a\.txt: was changed after the step step made it"):
            check_manifest(out)
        (out / "a.txt").unlink()
        with pytest.raises(FileError, match=r"a\.txt: is gone"):
            check_manifest(out)

    def test_another_input_is_told_and_one_that_is_gone_let_pass(self, tmp_path: Path) -> None:
        out = self.made(tmp_path)
        (tmp_path / "in.txt").write_text("other", encoding="utf-8")
        with pytest.raises(FileError, match=r"was made of another .*in\.txt"):
            check_manifest(out)
        (tmp_path / "in.txt").unlink()
        assert check_manifest(out)

    def test_a_step_that_did_not_end_has_none(self, tmp_path: Path) -> None:
        with pytest.raises(FileError, match="its step did not end"):
            check_manifest(tmp_path / "model")


class TestNearness:
    TEXT = "Why does my Flask app crash when I upload a large file to the server on port 5000?"

    def test_case_and_punctuation_make_no_difference(self) -> None:
        index = NearIndex[str](0.8, 5)
        index.add("one", self.TEXT)
        assert index.find(self.TEXT.lower().replace("?", " !!")) == [("one", 1.0)]

    def test_the_true_similarity_decides_and_the_nearest_comes_first(self) -> None:
        index = NearIndex[str](0.5, 3)
        index.add("other", "Write a Dockerfile for a Go service that listens on port 5000 please")
        index.add("near", self.TEXT.replace("large", "huge"))
        index.add("same", self.TEXT)
        found = index.find(self.TEXT)
        assert [key for key, _ in found] == ["same", "near"]
        assert 0.5 <= found[1][1] < 1

    def test_only_equal_ones_at_a_threshold_of_one_and_short_texts_are_compared_whole(self) -> None:
        index = NearIndex[str](1.0, 5)
        index.add("short", "fix this")
        index.add("signs", "?!")
        assert index.find("Fix this.") == [("short", 1.0)]
        assert index.find("fix that") == []
        assert index.find("?!") == [("signs", 1.0)]
        assert index.find("?") == []
