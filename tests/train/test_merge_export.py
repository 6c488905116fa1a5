"""Merging and exporting: what is half done, was changed or lost its prompt is refused."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.engines.gguf import read_metadata
from tests.train.conftest import in_process
from train import export, merge
from train.manifest import check_manifest, manifest_path, write_manifest
from train.rows import FileError
from train.tiny import TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),  # Torch's and Transformers' own.
]


def copied(folder: Path, target: Path) -> Path:
    """A copy of a step's folder together with its manifest."""
    shutil.copytree(folder, target)
    shutil.copy(manifest_path(folder), manifest_path(target))
    return target


def signed_anew(folder: Path, settings: dict[str, Any]) -> None:
    """A manifest that holds, so that only the content can be what is refused."""
    write_manifest(folder, "test", settings=settings, seed=0, inputs=[])


def lose_the_prompt(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(TEMPLATE)


def test_the_exports_hold_the_prompt_and_each_has_its_modelfile(exported: Path) -> None:
    found = export.exports_in(exported)
    assert [item.quantization for item in found] == ["F16", "Q8_0"]
    for item in found:
        assert merge.system_prompt() in str(read_metadata(item.path).chat_template).replace("\\n", "\n")
        modelfile = item.path.with_suffix(".Modelfile").read_text()
        assert modelfile.startswith(f"FROM ./{item.path.name}\n")
        assert merge.system_prompt() in modelfile
        (most, *_) = check_manifest(item.path)["counts"]["weights"]
        assert most == item.quantization
    assert found[0].path.stat().st_size > found[1].path.stat().st_size


def test_half_a_tuned_folder_is_refused(tuned: Path, tmp_path: Path) -> None:
    output = tmp_path / "merged"
    with pytest.raises(FileError, match=r"holds neither adapter nor model, so tune\.py did not end"):
        in_process(merge.main, tmp_path, "-o", output)
    half = tmp_path / "half"
    shutil.copytree(tuned / "adapter", half / "adapter")
    with pytest.raises(FileError, match=r"has no manifest .*its step did not end"):
        in_process(merge.main, half, "-o", output)
    shutil.copy(manifest_path(tuned / "adapter"), manifest_path(half / "adapter"))
    cut = half / "adapter" / "adapter_model.safetensors"
    cut.write_bytes(cut.read_bytes()[:1000])
    with pytest.raises(FileError, match=r"adapter_model\.safetensors: was changed after the step tune"):
        in_process(merge.main, half, "-o", output)
    assert not output.exists()


def test_a_template_that_lost_its_prompt_is_refused_by_merge(tuned: Path, base: Path, tmp_path: Path) -> None:
    lost = copied(tuned / "adapter", tmp_path / "adapter")
    lose_the_prompt(lost)
    with pytest.raises(FileError, match=r"chat_template\.jinja: was changed after the step tune"):
        in_process(merge.main, tmp_path, "-o", tmp_path / "merged")
    signed_anew(lost, {"base": str(base), "recipe": "rewrite_first"})
    with pytest.raises(FileError, match="lost the system prompt"):
        in_process(merge.main, tmp_path, "-o", tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_the_prompt_of_the_other_recipe_is_refused(
    tuned: Path, merged: Path, base: Path, tmp_path: Path
) -> None:
    """It lists the fields in another order than the model learned to write them."""
    mixed = copied(tuned / "adapter", tmp_path / "adapter")
    signed_anew(mixed, {"base": str(base), "recipe": "labels_first"})
    with pytest.raises(FileError, match=r"holds that of training\.recipe=rewrite_first"):
        in_process(merge.main, tmp_path, "-o", tmp_path / "merged")
    other = copied(merged, tmp_path / "other")
    signed_anew(other, {"recipe": "labels_first"})
    with pytest.raises(FileError, match=r"holds that of training\.recipe=rewrite_first"):
        in_process(export.main, other, "-o", tmp_path / "gguf")
    assert not (tmp_path / "merged").exists()
    assert not (tmp_path / "gguf").exists()


def test_a_template_that_lost_its_prompt_is_refused_by_export(merged: Path, tmp_path: Path) -> None:
    lost = copied(merged, tmp_path / "merged")
    lose_the_prompt(lost)
    with pytest.raises(FileError, match=r"chat_template\.jinja: was changed after the step merge"):
        in_process(export.main, lost, "-o", tmp_path / "gguf")
    signed_anew(lost, {"recipe": "rewrite_first"})
    with pytest.raises(FileError, match="lost the system prompt"):
        in_process(export.main, lost, "-o", tmp_path / "gguf")
    assert not (tmp_path / "gguf").exists()


def test_what_the_converter_refuses_is_told_and_leaves_nothing(merged: Path, tmp_path: Path) -> None:
    """A tokenizer that llama.cpp does not know: served, it would cut words otherwise than in training."""
    strange = copied(merged, tmp_path / "merged")
    tokenizer = json.loads((strange / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": r"\w+|\W"}
    (strange / "tokenizer.json").write_text(json.dumps(tokenizer))
    signed_anew(strange, {"recipe": "rewrite_first"})
    with pytest.raises(FileError, match=r"converter could not convert it to F16: .*pre-tokenizer"):
        in_process(export.main, strange, "-o", tmp_path / "gguf")
    assert not list((tmp_path / "gguf").iterdir())


def test_an_export_that_was_refused_gets_no_modelfile_until_it_comes_out_otherwise(
    merged: Path, tmp_path: Path
) -> None:
    options = (merged, "-o", tmp_path, "--set", 'export.quantizations=["Q8_0"]')
    in_process(export.main, *options)
    path = tmp_path / "devrouter-Q8_0.gguf"
    modelfile, refusal = path.with_suffix(".Modelfile"), export.refusal_of(path)
    modelfile.unlink()
    refusal.write_text("it lost a third of the labels")
    in_process(export.main, *options)
    assert (modelfile.exists(), refusal.exists()) == (False, True)
    path.write_bytes(b"another model")
    in_process(export.main, *options)
    assert (modelfile.exists(), refusal.exists()) == (True, False)


def test_an_export_that_was_changed_is_refused_by_who_reads_it(exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gguf"
    shutil.copytree(exported, folder)
    (folder / "devrouter-Q8_0.gguf").write_bytes(b"GGUF")
    with pytest.raises(FileError, match=r"devrouter-Q8_0\.gguf: was changed after the step export"):
        export.exports_in(folder)
