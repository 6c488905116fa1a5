"""The settings of the pipeline: `config.toml`, a file that overrides it, and single values from the command.

    options = parser(__doc__).parse_args()
    settings = settings_of(options)

A key that is not in `config.toml`, and a value of another type, is refused by name.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter, ValidationError

from devrouter.cli.exit_status import CommandError
from devrouter.evaluation.rows import FileError, Label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = Path(__file__).with_name("config.toml")

# Read by pydantic: an unknown key or a wrong type is refused.
_STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}

Share = Annotated[float, Field(ge=0, le=1)]
Similarity = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Quantization = Literal["F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M"]


@dataclass(frozen=True, slots=True)
class CollectSettings:
    text_field: str
    source_field: str
    group_field: str
    near: Similarity
    run: Count

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model that is asked, and how fast. Times in seconds, lengths in tokens, prices a million tokens."""

    api: Literal["ollama", "openai"]
    url: str
    name: str
    key_variable: str
    context: Count
    reply: Count
    concurrency: Count
    requests_a_minute: Count
    tokens_a_minute: Count
    attempts: Count
    first_wait: Seconds
    longest_wait: Seconds
    timeout: Seconds
    price_in: Annotated[float, Field(ge=0)]
    price_out: Annotated[float, Field(ge=0)]
    currency: str

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class TeachSettings:
    give_up_after: Count
    model: ModelSettings

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    needs_rewrite: bool
    minimum_score: Annotated[int, Field(ge=1, le=5)]
    agree_on: tuple[Label, ...]
    cap_per_intent: Annotated[int, Field(ge=0)]
    give_up_after: Count
    model: ModelSettings

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class SplitSettings:
    validation_share: Share
    holdout_sources: tuple[str, ...]
    against: tuple[str, ...]
    near: Similarity
    run: Count

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    base: Annotated[str, Field(min_length=1)]
    method: Literal["lora", "full"]
    recipe: Literal["rewrite_first", "labels_first"]
    cpu_precision: Literal["float32", "bfloat16"]
    epochs: Annotated[float, Field(gt=0)]
    batch: Count
    rows_at_a_time: Count
    learning_rate: Annotated[float, Field(gt=0)]
    warmup: Share
    weight_decay: Share
    rank: Count
    alpha: Count
    dropout: Share
    targets: tuple[str, ...]
    max_length: Count
    validation_rows: Count
    log_every: Count
    checkpoint_minutes: Annotated[float, Field(ge=0)]
    checkpoints: Annotated[int, Field(ge=2)]

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class ExportSettings:
    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    quantizations: tuple[Quantization, ...]

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class ValidateSettings:
    margin: Annotated[float, Field(gt=0, lt=1)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    slots: Count
    base_was: str

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class PerformanceSettings:
    """Lengths in characters; `threads` 0 takes every core."""

    lengths: Annotated[tuple[Count, ...], Field(min_length=1)]
    repeats: Count
    slots: Annotated[tuple[Count, ...], Field(min_length=1)]
    calls: Count
    threads: Annotated[int, Field(ge=0)]

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class CardSettings:
    """Licences as Hugging Face names them (`apache-2.0`); an empty text is a thing that nobody stated."""

    license: str
    base_model: str
    base_license: str
    data_license: str
    language: tuple[str, ...]

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class CompareSettings:
    quantization: Quantization
    agreement: Share
    transformers_rows: Count

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class Settings:
    """One field for each table of `config.toml`."""

    seed: int
    collect: CollectSettings
    teach: TeachSettings
    judge: JudgeSettings
    split: SplitSettings
    training: TrainingSettings
    export: ExportSettings
    validate: ValidateSettings
    performance: PerformanceSettings
    card: CardSettings
    compare: CompareSettings

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT


def read_settings(overriding: Path | None = None, single: Sequence[str] = ()) -> Settings:
    """The defaults, over them a file, over that single values (`judge.cap_per_intent=100`).

    Raises `FileError` that names the file or option and the key.
    """
    values = _toml(DEFAULTS.read_text(encoding="utf-8"), str(DEFAULTS))
    if overriding is not None:
        values = _merged(values, _toml(_text_of(overriding), str(overriding)))
    for written in single:
        values = _merged(values, _single(written))
    try:
        return TypeAdapter(Settings).validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        unknown = first["type"] == "unexpected_keyword_argument"
        reason = f"is no key of {DEFAULTS.name}" if unknown else first["msg"]
        raise FileError(f"settings: {'.'.join(map(str, first['loc']))}: {reason}") from None


def parser(description: str | None) -> argparse.ArgumentParser:
    """A command's parser, with the two options that all of them have."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--config", type=Path, help="a TOML file with what differs from scripts/train/config.toml"
    )
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting, such as judge.minimum_score=5",
    )
    return made


def settings_of(options: argparse.Namespace) -> Settings:
    return read_settings(options.config, options.set)


def run_command(main: Callable[[], None]) -> None:
    """Run a step. What is wrong with a file or a setting ends it with one sentence and exit status 1."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # trl tells its makers of each trainer it starts.
    try:
        main()
    except (FileError, CommandError) as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {place}{(error.strerror or str(error)).lower()}")
    except KeyboardInterrupt:
        sys.exit(130)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise FileError(f"{path}: is not UTF-8; save it as that") from None


def _toml(text: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{place}: is not TOML: {error}") from None


def _single(written: str) -> dict[str, Any]:
    """`a.b=1` as a table. What is no TOML value is a text, so that texts need no quotation marks."""
    key, equals, value = written.partition("=")
    if not equals or not key.strip():
        raise FileError(f"--set {written}: is not of the form key=value")
    try:
        found: Any = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        found = value
    for name in reversed(key.strip().split(".")):
        found = {name: found}
    table: dict[str, Any] = found
    return table


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        merged[key] = _merged(below[key], value) if both else value
    return merged
