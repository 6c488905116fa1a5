"""Settings and engines of one command, as its `--engine` and `--config` say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import note
from devrouter.engines.engine import (
    DraftTooLong,
    EngineError,
    EngineState,
    Health,
    ReplyBroken,
)

if TYPE_CHECKING:
    import argparse
    import asyncio
    from collections.abc import Coroutine, Sequence

    from devrouter.app.ignores import Ignores
    from devrouter.app.settings import Settings
    from devrouter.app.settings_sources import LoadedSettings
    from devrouter.app.triage import Triager
    from devrouter.core.decision import Triage
    from devrouter.core.draft import Draft
    from devrouter.core.gaps import Gap
    from devrouter.engines.engine import Engine, ModelEngine

Result = TypeVar("Result")

ENGINES = ("auto", "instant", "ollama", "openai", "transformers")


class Asker:
    """Answers drafts for one command.

    An engine named on the command line must answer: its failure is the command's. With `auto`, or an engine
    from the configuration, the instant answer stands in for a model that fails.
    """

    def __init__(self, arguments: argparse.Namespace, *, quiet: bool = False) -> None:
        """`quiet` leaves it to the caller to tell the settings' problems."""
        self._engine: str | None = arguments.engine
        self._config: Path | None = arguments.config
        self._loaded: dict[Path, LoadedSettings] = {}
        self._noted: set[str] = set()
        self._quiet = quiet
        self._triager: Triager | None = None
        self._ignores: Ignores | None = None
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner is not None:
            self._runner.close()

    @property
    def strict(self) -> bool:
        """True where the command line names a model engine."""
        return self._engine not in {None, "auto", "instant"}

    def loaded_settings(self, path: Path | None) -> LoadedSettings:
        """The settings for the document at `path`, or for the current folder; each problem is noted once.

        Raises `CommandError` where `--config` names a file that cannot be used.
        """
        from devrouter.app.settings_sources import load_settings

        path = (path or Path()).absolute()
        if path not in self._loaded:
            options = {} if self._engine is None else {"engine": self._engine}
            if self._config is not None:
                _require_readable(self._config)
            loaded = load_settings(path, user_options=options, user_config=self._config)
            for problem in loaded.problems:
                if self._config is not None and problem.startswith(f"{self._config.absolute()}:"):
                    raise CommandError(ExitStatus.CONFIGURATION, problem)
                self._note(problem)
            self._loaded[path] = loaded
        return self._loaded[path]

    def settings(self, path: Path | None) -> Settings:
        return self.loaded_settings(path).settings

    def triage(self, draft: Draft, settings: Settings) -> Triage:
        """The triage of one draft. Raises `EngineError` where the engine named on the command line fails."""
        triager = self._opened()
        if triager.model is None:
            return triager.instant(draft, settings)
        if self.strict:
            return self.run(triager.ask_model(draft, settings))
        return self.run(triager.triage(draft, settings))

    def instant(self, draft: Draft, settings: Settings) -> Triage:
        """The instant engine's triage alone."""
        return self._opened().instant(draft, settings)

    def triagers(self, endpoints: Sequence[str] = ()) -> list[Triager]:
        """Who answers, for a caller that asks many drafts at a time: one, or one for each endpoint.

        Raises `EndpointRefused`.
        """
        if not endpoints:
            return [self._opened()]
        from devrouter.app.engines import build_endpoint_engines

        return [
            self._triager_with(engine) for engine in build_endpoint_engines(self.settings(None), endpoints)
        ]

    def is_ignored(self, uri: str, gap: Gap, draft: Draft, settings: Settings) -> bool:
        """True for a finding that the user chose not to see, here or in the project."""
        return self._ignored().is_ignored(uri, gap, draft.text, settings)

    def engine_states(self) -> dict[str, EngineState]:
        """How the instant engine is, and the model engine where the settings ask for one, by name."""
        from devrouter.engines.instant.engine import InstantEngine

        instant = InstantEngine()
        instant.load()
        engines: list[Engine] = [instant]
        if (model := self._model()) is not None:
            engines.append(model)
        return {engine.name: self.run(engine.state()) for engine in engines}

    def model_trial(self) -> EngineState | None:
        """One real decision of the model, timed; None without a model, or with one that is not there."""
        from devrouter.engines.trial import try_decision

        model = self._model()
        if model is None or self.run(model.state()).health is Health.ERROR:
            return None
        return self.run(try_decision(model))

    def _model(self) -> ModelEngine | None:
        from devrouter.app.engines import build_model_engine

        return build_model_engine(self.settings(None))

    def _ignored(self) -> Ignores:
        if self._ignores is None:
            from devrouter.app.ignores import Ignores, default_state_file

            self._ignores = Ignores(default_state_file())
        return self._ignores

    def _opened(self) -> Triager:
        if self._triager is None:
            self._triager = self._triager_with(self._model_in_use())
        return self._triager

    def _triager_with(self, model: ModelEngine | None) -> Triager:
        from devrouter.app.dismissed import Dismissed
        from devrouter.app.triage import Triager
        from devrouter.engines.instant.engine import InstantEngine

        return Triager(InstantEngine(), model, Dismissed(self._ignored()).secrets_in)

    def _model_in_use(self) -> ModelEngine | None:
        """The model engine, unless it is absent and need not answer.

        Asked once, so that a folder of prompts does not wait for an absent server again and again.
        """
        model = self._model()
        if model is None or self.strict:
            return model
        state = self.run(model.state())
        if state.health is not Health.ERROR:
            return model
        if self.settings(None).engine != "auto":
            self._note(f"{with_mend(state.message, state.mend)}; the instant engine answers alone")
        return None

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Wait for an engine. Files are read outside the loop, where an interrupt ends reading at once."""
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        return self._runner.run(work)

    def _note(self, problem: str) -> None:
        if not self._quiet and problem not in self._noted:
            self._noted.add(problem)
            note(problem, level="warning")


def status_of(error: EngineError) -> ExitStatus:
    """The exit status of an engine's failure."""
    return ExitStatus.REPLY if isinstance(error, ReplyBroken | DraftTooLong) else ExitStatus.ENGINE


def with_mend(message: str, mend: str | None) -> str:
    """The sentence, and the command that repairs it."""
    return f"{message.rstrip('.')}; to mend it: {mend}" if mend else message


def _require_readable(config: Path) -> None:
    try:
        config.open("rb").close()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(ExitStatus.CONFIGURATION, f"{config}: cannot be read: {reason}") from None
