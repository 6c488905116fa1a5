"""Every setting: its group, type, default, description and scope. Editors' schemas are made from this file.

A setting of scope `machine` (endpoints, keys, who may be asked) is only the user's to set; one of scope
`resource` may also come from a repository. `settings_table` lists them by key, `settings_sources` reads the
places they come from, `settings_schema` writes them for editors. Values here are plain: pydantic is loaded
only to check what was read, never for `Settings()`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from devrouter.core.gaps import GapKind
from devrouter.core.rules import TierRule
from devrouter.core.tiers import Route, TierPolicy


class Scope(StrEnum):
    """Who may set a setting: the user alone, or a repository as well. The words are VS Code's."""

    MACHINE = "machine"
    RESOURCE = "resource"


def _machine(description: str, **limits: object) -> Mapping[str, Any]:
    """Metadata of a field. `limits` are pydantic's words (gt, le, pattern ...); a list's bind its items."""
    return {"scope": Scope.MACHINE, "description": description, "limits": limits}


def _resource(description: str, **limits: object) -> Mapping[str, Any]:
    return {"scope": Scope.RESOURCE, "description": description, "limits": limits}


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """When the model is asked, and how long it may take. Seconds throughout."""

    trigger: Literal["pause", "save", "request"] = field(
        default="pause",
        metadata=_machine(
            "When the model is asked: `pause` when typing rests, `save` on save, `request` only "
            "when you ask for it. The instant engine answers in every case."
        ),
    )
    pause_seconds: float = field(
        default=0.8,
        metadata=_machine(
            "With the trigger `pause`: how many seconds typing must rest before the model is asked.",
            ge=0,
            le=60,
        ),
    )
    connect_timeout: float = field(
        default=2.0,
        metadata=_machine("Seconds to wait for the connection to the model server.", gt=0, le=3600),
    )
    first_token_timeout: float = field(
        default=30.0,
        metadata=_machine(
            "Seconds to wait for the first token of a reply; loading the model counts.", gt=0, le=3600
        ),
    )
    total_timeout: float = field(
        default=60.0, metadata=_machine("Seconds that a whole reply may take.", gt=0, le=3600)
    )


@dataclass(frozen=True, slots=True)
class OllamaSettings:
    host: str = field(
        default="",
        metadata=_machine(
            "Address of the Ollama server. Empty: the variable OLLAMA_HOST, or 127.0.0.1:11434 without it."
        ),
    )
    model: str = field(default="devrouter", metadata=_machine("Name of the model in Ollama.", min_length=1))
    keep_alive: str = field(
        default="5m",
        metadata=_machine(
            "How long Ollama keeps the model in memory after it answers, as in `1h30m`; `-1m` for ever.",
            pattern=r"^(0|-?(\d+(\.\d+)?(ms|s|m|h))+)$",
        ),
    )
    num_ctx: int = field(
        default=8192,
        metadata=_machine("Context length in tokens: draft and answer together.", ge=256, le=1_048_576),
    )
    num_predict: int = field(
        default=1408, metadata=_machine("Longest answer in tokens.", ge=16, le=1_048_576)
    )


@dataclass(frozen=True, slots=True)
class OpenAISettings:
    base_url: str = field(
        default="http://127.0.0.1:8080/v1",
        metadata=_machine(
            "Base address of an OpenAI-compatible server, such as those of llama.cpp, vLLM or LM Studio.",
            pattern=r"^https?://\S+$",
        ),
    )
    model: str = field(
        default="", metadata=_machine("Name of the model on that server. Empty: the first that it offers.")
    )
    api_key_variable: str = field(
        default="",
        metadata=_machine(
            "Name of the environment variable that holds the API key, never the key. Empty: no key is sent.",
            pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$",
        ),
    )


@dataclass(frozen=True, slots=True)
class TransformersSettings:
    model: str = field(
        default="",
        metadata=_machine(
            "Model of the engine `transformers`: a folder, or a name on the Hugging Face hub, which is then "
            "downloaded."
        ),
    )


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    allowed: tuple[str, ...] = field(
        default=(),
        metadata=_machine(
            "Hosts other than this machine that your drafts may be sent to, by name.",
            min_length=1,
            max_length=253,
        ),
    )


@dataclass(frozen=True, slots=True)
class FindingsSettings:
    delay_seconds: float = field(
        default=0.5,
        metadata=_resource("How many seconds typing must rest before a new finding appears.", ge=0, le=60),
    )
    severity: Literal["information", "hint"] = field(
        default="information",
        metadata=_resource(
            "How findings are shown: `information` underlines the words, `hint` is more discreet."
        ),
    )
    disabled_kinds: tuple[GapKind, ...] = field(
        default=(), metadata=_resource("Kinds of missing context that are never reported.")
    )
    personal_data: bool = field(
        default=False,
        metadata=_resource("Whether e-mail addresses and phone numbers in a prompt are shown, as hints."),
    )
    code_lens: Literal["auto", "on", "off"] = field(
        default="auto",
        metadata=_resource(
            "The line above a prompt with its intent and tier. `auto`: where no status is shown."
        ),
    )


@dataclass(frozen=True, slots=True)
class FeedbackSettings:
    keep: Literal["off", "labels", "text"] = field(
        default="off",
        metadata=_machine(
            "What is kept, on this machine alone, of what you make of the answers: `off` nothing, `labels` "
            "hashes and labels, `text` your prompts and their rewrites as well."
        ),
    )


@dataclass(frozen=True, slots=True)
class PromptsSettings:
    agent_patterns: tuple[str, ...] = field(
        default=(),
        metadata=_resource(
            "More files that are drafts for a coding agent, as glob patterns such as `**/agent-draft-*.md`.",
            min_length=1,
            max_length=1000,
        ),
    )
    include: tuple[str, ...] = field(
        default=(),
        metadata=_resource(
            "Files to check that are otherwise left alone (instructions, skills), as glob patterns.",
            min_length=1,
            max_length=1000,
        ),
    )


@dataclass(frozen=True, slots=True)
class TierSettings:
    """What one of the three tiers stands for with this user."""

    name: str = field(
        default="",
        metadata=_machine("Name shown for this tier. Empty: its name in the contract.", max_length=100),
    )
    models: tuple[str, ...] = field(
        default=(),
        metadata=_machine(
            "Models that serve this tier, the preferred one first.", min_length=1, max_length=200
        ),
    )
    context_limit: int | None = field(
        default=None,
        metadata=_resource(
            "Tokens that a draft for this tier may have; a longer one goes to a larger tier.", ge=1
        ),
    )
    price: float | None = field(
        default=None,
        metadata=_machine("Price of a million input tokens, only shown, in a currency of your choice.", ge=0),
    )


@dataclass(frozen=True, slots=True)
class TiersSettings:
    floor: Route = field(
        default=Route.SMALL_LOCAL, metadata=_resource("The smallest tier that is ever suggested.")
    )
    ceiling: Route = field(
        default=Route.LARGE_API, metadata=_resource("The largest tier that is ever suggested.")
    )
    minimum_confidence: float = field(
        default=0.5,
        metadata=_resource(
            "Probability of the suggested tier, from 0 to 1, under which the next larger one is taken.",
            ge=0,
            le=1,
        ),
    )
    rules: tuple[TierRule, ...] = field(
        default=(),
        metadata=_resource(
            "Work that always goes to one tier, as `route` with `intent`, `complexity`, `path` (a glob) or "
            "`words`; the first rule that holds decides, yours before those of a project."
        ),
    )
    small_local: TierSettings = field(default_factory=TierSettings)
    medium_api: TierSettings = field(default_factory=TierSettings)
    large_api: TierSettings = field(default_factory=TierSettings)

    def of(self, route: Route) -> TierSettings:
        tier: TierSettings = getattr(self, route.value)
        return tier


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings of this kind and phrase are not shown; the phrase `*` stands for all of the kind."""

    kind: GapKind
    phrase: str

    # Read by pydantic.
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "str_min_length": 1,
        "str_max_length": 1000,
    }


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. `Settings()` holds the defaults."""

    engine: Literal["auto", "instant", "ollama", "openai", "transformers"] = field(
        default="auto",
        metadata=_machine(
            "Who answers: `instant` the embedded engine alone; `ollama` or `openai` that server as well; "
            "`transformers` a model in this process as well; `auto` whichever model server is reachable."
        ),
    )
    model: ModelSettings = field(default_factory=ModelSettings)
    ollama: OllamaSettings = field(default_factory=OllamaSettings)
    openai: OpenAISettings = field(default_factory=OpenAISettings)
    transformers: TransformersSettings = field(default_factory=TransformersSettings)
    remote: RemoteSettings = field(default_factory=RemoteSettings)
    findings: FindingsSettings = field(default_factory=FindingsSettings)
    prompts: PromptsSettings = field(default_factory=PromptsSettings)
    feedback: FeedbackSettings = field(default_factory=FeedbackSettings)
    tiers: TiersSettings = field(default_factory=TiersSettings)
    ignore: tuple[Ignore, ...] = field(
        default=(),
        metadata=_resource(
            "Findings that are not shown: kind and phrase, `*` for all of a kind. Those of all sources count."
        ),
    )

    @property
    def tier_policy(self) -> TierPolicy:
        limits = {route: self.tiers.of(route).context_limit for route in Route}
        return TierPolicy(
            floor=self.tiers.floor,
            ceiling=self.tiers.ceiling,
            minimum_confidence=self.tiers.minimum_confidence,
            context_limits={route: limit for route, limit in limits.items() if limit is not None},
        )
