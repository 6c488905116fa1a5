"""Convert a folder of safetensors to GGUF with llama.cpp's own converter; `export.py` runs this by itself.

    python scripts/train/convert.py work/merged work/devrouter-F16.gguf F16

A process of its own, because the converter brings its own version of the package `gguf`. It knows a tokenizer
by what it makes of a sample text, and refuses one of a new vocabulary; here one that cuts words exactly as
Qwen2's does is taken for what it is.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from runtime.get_converter import fetch
from train.tiny import WORDS


def main() -> None:
    source, target, quantization = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    converter = fetch()
    sys.path[:0] = [str(converter), str(converter / "gguf-py")]
    gguf: Any = importlib.import_module("gguf")
    conversion: Any = importlib.import_module("conversion")
    base: Any = importlib.import_module("conversion.base")
    _know_qwen2_by_its_words(base.TextModel, source)
    settings = conversion.ModelBase.load_hparams(source, is_mistral_format=False)
    architecture = conversion.get_model_architecture(settings, conversion.ModelType.TEXT)
    types = {"F16": gguf.LlamaFileType.MOSTLY_F16, "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}
    conversion.get_model_class(architecture)(source, types[quantization], target).write()


def _know_qwen2_by_its_words(model: Any, source: Path) -> None:  # noqa: ANN401
    known = model.get_vocab_base_pre

    def name_of(self: Any, tokenizer: Any) -> str:  # noqa: ANN401
        try:
            name: str = known(self, tokenizer)
        except NotImplementedError:
            if not _cuts_as_qwen2(source):
                raise
            return "qwen2"
        return name

    model.get_vocab_base_pre = name_of


def _cuts_as_qwen2(source: Path) -> bool:
    cutter = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))["pre_tokenizer"]
    parts = cutter.get("pretokenizers", []) if cutter else []
    return [part.get("pattern") for part in parts] == [{"Regex": WORDS}, None]


if __name__ == "__main__":
    main()
