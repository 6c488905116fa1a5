"""The parts of a session put together from the configuration."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from devrouter.app.dismissed import Dismissed
from devrouter.app.engines import build_model_engine
from devrouter.app.feedback import Feedback
from devrouter.app.feedback_file import default_feedback_file
from devrouter.app.ignores import Ignores, default_state_file
from devrouter.app.model_calls import ModelCalls
from devrouter.app.session import Session
from devrouter.app.tasks import spawn
from devrouter.app.triage import Triager
from devrouter.engines.instant.engine import InstantEngine

if TYPE_CHECKING:
    from devrouter.app.configuration import Configuration
    from devrouter.app.opened import Listener
    from devrouter.app.settings import Settings


def make_session(listener: Listener, configuration: Configuration) -> Session:
    """A session with the engines that the user's settings name."""
    ignores = Ignores(default_state_file())
    triager, model = _engines(configuration.user(), ignores)
    session = Session(listener, triager, model, configuration, ignores, Feedback(default_feedback_file()))
    spawn(session.check_model(), "engine check")
    return session


def reload_session(session: Session, configuration: Configuration) -> None:
    """Read the configuration again; the engines are made anew only where their own settings changed."""
    before = configuration.user()
    configuration.forget()
    after = configuration.user()
    own = attrgetter("engine", "model", "ollama", "openai", "transformers", "remote")
    if own(before) != own(after):
        session.use_model(*_engines(after, session.ignores))
        spawn(session.check_model(), "engine check")
    else:
        session.reload()


def _engines(settings: Settings, ignores: Ignores) -> tuple[Triager, ModelCalls]:
    triager = Triager(InstantEngine(), build_model_engine(settings), Dismissed(ignores).secrets_in)
    return triager, ModelCalls(triager, settings)
