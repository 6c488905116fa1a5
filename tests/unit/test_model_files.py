"""A GGUF's metadata, its chat template taken apart, and whether a server sends its own prompt."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.engines.chat_template import ChatTemplateError, derive_chat_template, stop_tokens
from devrouter.engines.gguf import GGUFError, Metadata, read_metadata
from devrouter.engines.verify import PROBE, is_triage_prompt, verify_in_ollama, verify_rendering
from runtime.tiny_gguf import SYSTEM, chat_template, write_tiny_gguf

if TYPE_CHECKING:
    from pathlib import Path

LLAMA_2 = """\
{{ bos_token }}[INST] {% if messages[0]['role'] == 'system' %}
<<SYS>>
{{ messages[0]['content'] }}
<</SYS>>

{{ messages[1]['content'] }}
{% else %}
{{ messages[0]['content'] }}
{% endif %} [/INST]"""


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "tuned.gguf"
    write_tiny_gguf(path)
    return path


def metadata_with(template: str | None) -> Metadata:
    start, end = "<s>", "</s>"
    return Metadata(
        "qwen2", "Q8_0", 4096, template, start, end, adds_bos=False, control_tokens=frozenset({end})
    )


def test_metadata(tuned: Path) -> None:
    metadata = read_metadata(tuned)
    assert metadata == Metadata(
        architecture="qwen2",
        quantization="F32",
        context_length=2048,
        chat_template=chat_template(SYSTEM),
        bos_token="<|endoftext|>",  # noqa: S106
        eos_token="<|im_end|>",  # noqa: S106
        adds_bos=False,
        control_tokens=frozenset({"<|endoftext|>", "<|im_start|>", "<|im_end|>"}),
    )


@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject, tuned: Path) -> None:
    """Bytes of the metadata are changed, and its end is cut off."""
    content = bytearray(tuned.read_bytes()[:8000])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = tuned.with_name("damaged.gguf")
    damaged.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(GGUFError):
        assert isinstance(read_metadata(damaged), Metadata)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 40),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 4, 1 << 60),
    ],
    ids=["empty", "zip", "version", "many pairs", "long key", "long array"],
)
def test_what_is_no_gguf(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(GGUFError, match=r"x\.gguf is (no|a|damaged)"):
        read_metadata(path)


def test_a_chat_template_taken_apart() -> None:
    template = derive_chat_template(metadata_with(chat_template("Triage {{ this }}.\nIt's \\ JSON.")))
    assert template.system == "Triage {{ this }}.\nIt's \\ JSON."
    assert template.head == "<|im_start|>system\n"
    assert template.middle == "<|im_end|>\n<|im_start|>user\n"
    assert template.tail == "<|im_end|>\n<|im_start|>assistant\n"
    assert template.for_ollama(system_given=False) == (
        "<|im_start|>system\n{{ .System }}<|im_end|>\n"
        "<|im_start|>user\n{{ .Prompt }}<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_chat_template_without_a_system_prompt_still_has_its_place() -> None:
    assert derive_chat_template(metadata_with(chat_template(None))).system is None
    llama = derive_chat_template(metadata_with(LLAMA_2))
    assert (llama.system, llama.head) == (None, "<s>[INST] <<SYS>>\n")
    added = derive_chat_template(replace(metadata_with(LLAMA_2), adds_bos=True))
    assert added.head == "[INST] <<SYS>>\n"
    assert stop_tokens(llama, metadata_with(LLAMA_2)) == ("</s>",)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "holds no chat template"),
        ("{{ messages[0]['content'] }}", "no place for a system prompt"),
        ("{{ raise_exception('System role not supported') }}", "System role not supported"),
        ("{% for %}", "cannot be rendered"),
        ("{{ ''.__class__.__mro__ }}", "cannot be rendered"),
        ("{{ cycler.__init__.__globals__.os.system('true') }}", "cannot be rendered"),
        ("{% for m in messages %}{{ m.content }}{% endfor %}{{ '{{ .X }}' }}", "prints '{{'"),
    ],
)
def test_chat_templates_that_cannot_be_used(template: str | None, message: str) -> None:
    with pytest.raises(ChatTemplateError) as caught:
        derive_chat_template(metadata_with(template))
    assert message in str(caught.value)


def test_what_ollama_must_show_of_a_true_devrouter(tuned: Path, tmp_path: Path) -> None:
    own = derive_chat_template(read_metadata(tuned))
    template = own.for_ollama(system_given=False)
    true = verify_in_ollama(tuned, template, SYSTEM)
    assert (true.verified, true.system, true.quantization, true.context_length) == (True, SYSTEM, "F32", 2048)
    bare = tmp_path / "bare.gguf"
    write_tiny_gguf(bare, system=None)
    base = tmp_path / "base.gguf"
    greeting = "You are a helpful assistant."
    write_tiny_gguf(base, system=greeting)
    given = own.for_ollama(system_given=True)
    cases = [
        (tuned, "{{ .Prompt }}", SYSTEM, "chat format was lost"),
        (tuned, template, "", "system prompt was lost"),
        (tuned, template, SYSTEM + " ", "system prompt was lost"),
        (bare, template, SYSTEM, "holds no system prompt"),
        (base, template, greeting, "a base model's own"),
        (base, given, greeting, "a base model's own"),
        (None, template, SYSTEM, "does not say where"),
        (tmp_path / "none.gguf", template, SYSTEM, "cannot be read (No such file"),
    ]
    for path, shown, system, reason in cases:
        false = verify_in_ollama(path, shown, system)
        assert (false.verified, false.system) == (False, None)
        assert reason in false.reason
    assert verify_in_ollama(bare, given, SYSTEM).verified


def test_what_llama_cpp_must_render_of_a_true_devrouter() -> None:
    template = chat_template(SYSTEM)
    prompt = derive_chat_template(metadata_with(template)).render(SYSTEM, PROBE)
    assert verify_rendering(template=template, prompt=prompt, context_length=512).verified
    other = verify_rendering(template=template, prompt=prompt.replace("triage", "x"), context_length=512)
    assert (other.verified, other.context_length) == (False, 512)
    assert not verify_rendering(template="", prompt=prompt, context_length=None).verified


@pytest.mark.parametrize(
    "greeting",
    [
        "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
        "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    ],
)
def test_a_base_models_greeting_is_no_triage_prompt(greeting: str) -> None:
    assert not is_triage_prompt(greeting)
    assert is_triage_prompt(SYSTEM)
