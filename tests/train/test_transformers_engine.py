"""The engine that runs a model in this process, with a tiny random Qwen2 made here."""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from devrouter.core.draft import Destination, Draft
from devrouter.engines.engine import DraftTooLong, EngineError, Health, ModelMissing, ReplyBroken
from devrouter.engines.exchange import ModelOptions
from devrouter.engines.transformers import TransformersEngine
from runtime.tiny_gguf import chat_template

if TYPE_CHECKING:
    from pathlib import Path

    from devrouter.engines.reply import OnProgress

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore"),  # Torch's and Transformers' own.
]

DRAFT = Draft("why does my flask app give 500??", 1, "en", Destination.CHAT)
SYSTEM = "You triage prompts that developers write. Reply with one JSON object."
REPLY = {
    "rewrite": "Why does my Flask app return a 500 error?",
    "intent": "debug",
    "complexity": "low",
    "route": "small_local",
    "missing": ["full stack trace"],
}
BORROWED = {name: REPLY[name] for name in ("rewrite", "missing")}


def make_model(folder: Path, reply: str | None, *, system: str | None = SYSTEM, context: int = 8192) -> str:
    """One table for weights: each piece of the reply has its successor, the first follows anything else.

    Pieces of ten characters are tokens of their own, beside the single bytes. Without a reply it never ends.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    said = reply or "and so on "
    pieces = [said[start : start + 10].replace(" ", "\u0120") for start in range(0, len(said), 10)]
    vocabulary = {token: number for number, token in enumerate([*alphabet, *special, *pieces])}
    assert len(vocabulary) == len(alphabet) + len(special) + len(pieces)
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",  # noqa: S106
        pad_token="<|endoftext|>",  # noqa: S106
        additional_special_tokens=["<|im_start|>"],
        chat_template=chat_template(system),
    )
    size = len(vocabulary)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=size,
            hidden_size=size,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=1,
            num_key_value_heads=1,
            head_dim=8,
            max_position_embeddings=context,
            tie_word_embeddings=False,
            eos_token_id=vocabulary["<|im_end|>"],
        )
    )
    first, end = vocabulary[pieces[0]], vocabulary["<|im_end|>"]
    successor = {vocabulary[one]: vocabulary[two] for one, two in pairwise(pieces)}
    successor[vocabulary[pieces[-1]]] = end if reply is not None else first
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        for token in range(size):
            model.lm_head.weight[successor.get(token, first), token] = 1.0
    # What a base model's files suggest must not change the reply.
    model.generation_config.update(do_sample=True, temperature=5.0, repetition_penalty=9.0)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return str(folder)


def engine_of(model: str, **limits: Any) -> TransformersEngine:
    patience = {"first_token_timeout": 120.0, "total_timeout": 120.0}
    return TransformersEngine(ModelOptions(model=model, **{**patience, **limits}))


async def test_a_true_devrouter_answers_all_five_fields_and_the_same_each_time(tmp_path: Path) -> None:
    engine = engine_of(make_model(tmp_path / "router", json.dumps(REPLY)))
    state = await engine.state()
    assert (state.health, engine.fields) == (Health.OK, frozenset(REPLY))
    assert state.message == (
        "router (Transformers), context 8,192 tokens: answers all five fields; its tokenizer's chat "
        "template holds the system prompt."
    )
    heard: list[int] = []
    answer = await engine.decide(DRAFT, lambda progress: heard.append(progress.rewrite_length))
    assert answer.decision.to_dict() == REPLY
    assert answer.engine == "router (Transformers)"
    assert heard == sorted(heard)
    assert heard[-1] == len(str(REPLY["rewrite"]))
    assert (await engine.decide(DRAFT)).decision == answer.decision


async def test_without_a_triage_prompt_it_answers_two_fields(tmp_path: Path) -> None:
    engine = engine_of(make_model(tmp_path, json.dumps(BORROWED), system=None))
    answer = await engine.decide(DRAFT)
    assert engine.fields == frozenset(BORROWED)
    assert answer.decision.rewrite == REPLY["rewrite"]
    assert "holds no system prompt" in (await engine.state()).message


async def test_words_instead_of_json_are_a_broken_reply(tmp_path: Path) -> None:
    engine = engine_of(make_model(tmp_path, "It is a bug in your app."))
    with pytest.raises(ReplyBroken, match="in words"):
        await engine.decide(DRAFT)


async def test_a_reply_without_end_is_cut_and_a_cancel_frees_the_thread(tmp_path: Path) -> None:
    """The thread generates one reply at a time: the second call's piece can only come after a stop."""
    model = make_model(tmp_path, None)
    with pytest.raises(ReplyBroken, match=r"in words|cut"):
        await engine_of(model, num_predict=300).decide(DRAFT)
    engine = engine_of(model, num_ctx=1_000_000, num_predict=1_000_000)
    for _ in range(2):
        started = asyncio.Event()
        task = asyncio.create_task(engine.decide(DRAFT, _setting(started)))
        async with asyncio.timeout(60):
            await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert engine._thread is not None
    async with asyncio.timeout(60):  # The thread takes other work: it is free.
        await asyncio.get_running_loop().run_in_executor(engine._thread, int)


def _setting(event: asyncio.Event) -> OnProgress:
    return lambda _: event.set()


async def test_a_draft_over_the_context_is_refused(tmp_path: Path) -> None:
    """Tokens are bytes here, four times the estimate, so the engine's own count is what tells."""
    engine = engine_of(make_model(tmp_path, json.dumps(REPLY), context=1024))
    with pytest.raises(DraftTooLong, match="the context holds 1,024"):
        await engine.decide(Draft("rename it " * 110, 1, "en", Destination.CHAT))


async def test_files_that_are_no_model_are_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    state = await engine_of(str(tmp_path)).state()
    assert state.health is Health.ERROR
    assert state.message.startswith(f"The model {tmp_path} cannot be loaded by Transformers: ")
    assert "\n" not in state.message


async def test_what_is_absent_is_told_with_what_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelMissing, match=r"set `transformers\.model`"):
        await engine_of("").decide(DRAFT)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    with pytest.raises(ModelMissing, match=r"it has no config\.json"):
        await engine_of(str(tmp_path / "none")).decide(DRAFT)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EngineError, match="not installed") as caught:
        await engine_of("owner/name").decide(DRAFT)
    assert caught.value.mend == "pip install 'devrouter-ls[transformers]'"


def test_naming_the_engine_loads_nothing() -> None:
    from devrouter.app.engines import build_model_engine
    from devrouter.app.settings import Settings, TransformersSettings

    before = {name for name in ("torch", "transformers") if name in sys.modules}
    engine = build_model_engine(Settings(engine="transformers", transformers=TransformersSettings("a/b")))
    assert isinstance(engine, TransformersEngine)
    assert engine.name == "b (Transformers)"
    assert {name for name in ("torch", "transformers") if name in sys.modules} == before
