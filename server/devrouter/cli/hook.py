"""`devrouter hook`: tells a terminal agent what a prompt may lack, as the agent's prompt-submit hook.

An agent waits for its hook at every prompt and takes a failing one for a refusal. So the instant engine
answers alone, and whatever goes wrong here is one sentence on standard error and the exit status zero.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter import __version__
from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.cli.terminal import note, put

if TYPE_CHECKING:
    import argparse

    from devrouter.app.settings import Settings
    from devrouter.core.decision import Answer

EVENT = "UserPromptSubmit"

HELP = "a terminal agent's hook: tells the agent what a prompt may lack"
DESCRIPTION = f"""\
Reads one prompt on standard input and prints what an agent should know of it: at most two sentences, nothing
for a prompt that is easy or lacks nothing. It takes what Claude Code gives a {EVENT} hook and answers
in that form; any other text is a prompt, answered with text. The prompt is not changed, repeated or kept, no
model is asked, and the exit status is always 0, since a failing hook would stop the prompt.
"""
EXAMPLES = """\
examples:
  devrouter hook < input.json                         as an agent calls it
  echo "make the import faster" | devrouter hook      what an agent would be told
"""

_COMMAND = re.compile(r"\s*(?:/[\w:-]+(?:\s|\Z)|!|#[^\n]*\s*\Z|<task-notification>)")
"""What an agent's prompt line takes that is no prompt: its commands, the shell's, a line for its memory, and
what it tells itself when a task in the background ends. A path is no command."""


@dataclass(frozen=True, slots=True)
class Input:
    """One prompt, the folder whose settings count, and whether the agent speaks JSON."""

    prompt: str
    folder: Path
    is_json: bool


def add_arguments(_: argparse.ArgumentParser) -> None:
    """The agent passes none."""


def run(arguments: argparse.Namespace) -> ExitStatus:
    # The process ends before there is garbage worth a search, and the agent waits for its end.
    gc.disable()
    try:
        given = _input()
        context = _context(given, arguments)
    except CommandError as error:
        _say(str(error))
    except Exception as error:  # noqa: BLE001  (nothing may stop the prompt; a message could repeat its text)
        _say(f"a defect in devrouter {__version__}: {type(error).__name__}; please report it")
    else:
        if context and sys.stdout is None:
            _say("standard output is closed")
        elif context:
            put(_answer(context) if given.is_json else context, sys.stdout)
    gc.freeze()
    return ExitStatus.OK


def context_for(answer: Answer, settings: Settings) -> str:
    """At most two sentences for the agent, without a word of the prompt; empty where it needs none.

    What an agent can look up is no gap for it. In an easy task a wrong guess is seen and undone sooner than
    a question is answered.
    """
    from devrouter.app.ignores import is_ignored_in_project
    from devrouter.core.decision import Complexity
    from devrouter.core.draft import Destination
    from devrouter.core.gaps import shown_gaps

    complexity = answer.decision.complexity
    gaps = shown_gaps(answer.gaps, Destination.AGENT, settings.findings.disabled_kinds)
    kinds = dict.fromkeys(gap.kind for gap in gaps if not is_ignored_in_project(gap, settings))
    if not kinds or complexity is Complexity.LOW:
        return ""
    advice = "ask before you make large changes" if complexity is Complexity.HIGH else "state what you assume"
    return (
        f"The request may lack: {', '.join(_MISSING[kind] for kind in kinds)}. "
        f"Where neither the conversation nor the repository tells, {advice}."
    )


_MISSING = {
    "error": "the exact error output",
    "behaviour": "what happens and what should happen instead",
    "requirements": "what exactly is wanted",
    "target": "which thing is meant",
    "scale": "sizes and measured times",
    "acceptance": "how the result will be checked",
    "audience": "who will read the result",
}
"""By the kind of a gap, for an agent; a gap's own phrase may repeat words of the prompt."""


def _context(given: Input, arguments: argparse.Namespace) -> str:
    """Raises `CommandError` where the settings are not what the user meant, or the weights are damaged."""
    from devrouter.app.settings_sources import load_settings
    from devrouter.core.draft import Destination, Draft
    from devrouter.core.language import language_of
    from devrouter.engines.instant.engine import InstantEngine

    if _COMMAND.match(given.prompt):
        return ""
    loaded = load_settings(given.folder, user_config=arguments.config)
    if loaded.problems:
        raise CommandError(ExitStatus.CONFIGURATION, loaded.problems[0])
    engine = InstantEngine()
    try:
        engine.load()
    except (OSError, ValueError) as error:
        reason = f"the instant engine's weights cannot be read ({error}): install DevRouter again"
        raise CommandError(ExitStatus.DEFECT, reason) from None
    draft = Draft(given.prompt, 0, language_of(given.prompt), Destination.AGENT)
    return context_for(engine.answer(draft), loaded.settings)


def _input() -> Input:
    """Standard input as a prompt. Raises `CommandError` where it is none."""
    from devrouter.cli.documents import LIMIT, decode, read_input_bytes

    data = read_input_bytes()
    while sys.stdin.buffer.read(LIMIT):
        pass  # An agent may not expect that nobody reads what it still writes.
    _, _, text = decode("standard input", data)
    if not text.lstrip().startswith("{"):
        return Input(_required(text), Path(), is_json=False)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise _unusable("is not valid JSON") from None
    if (event := fields.get("hook_event_name")) != EVENT:
        raise _unusable(f"is not that of a {EVENT} hook" if event else "has no hook_event_name")
    if not isinstance(prompt := fields.get("prompt"), str):
        raise _unusable("has no prompt")
    folder = fields.get("cwd")
    return Input(_required(prompt), Path(folder if isinstance(folder, str) else ""), is_json=True)


def _required(prompt: str) -> str:
    if not prompt.strip():
        raise _unusable("holds no prompt")
    return prompt.strip()


def _say(reason: str) -> None:
    note(f"no context is added to this prompt: {reason}", level="warning")


def _unusable(reason: str) -> CommandError:
    return CommandError(ExitStatus.INPUT, f"standard input {reason}")


def _answer(context: str) -> str:
    return json.dumps({"hookSpecificOutput": {"hookEventName": EVENT, "additionalContext": context}})
