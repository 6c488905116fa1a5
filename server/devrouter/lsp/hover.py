"""Hover: what the prompt was read as, the tier and why, what is known, the rewrite, and who answered what."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from lsprotocol import types

from devrouter.core.decision import FIELDS
from devrouter.core.facts import heading_of, known_for, line_of
from devrouter.core.fill import context_line
from devrouter.core.kinds import GapKind
from devrouter.core.text import fence_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devrouter.app.facts import Known
    from devrouter.app.views import PromptView
    from devrouter.core.decision import Triage
    from devrouter.core.facts import Fact
    from devrouter.core.gaps import Gap
    from devrouter.core.tiers import Route
    from devrouter.lsp.server import DevRouterServer

DIFF_LINES = 40
"""A longer diff is cut: a hover is a glance, the editor shows the whole when the rewrite is applied."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$])")


async def hover(server: DevRouterServer, params: types.HoverParams) -> types.Hover | None:
    """The hover of the prompt at the position; None outside any prompt."""
    opened = await server.session.settled(params.text_document.uri)
    if opened is None:
        return None
    positions = server.positions(opened.document.text)
    offset = positions.offset(params.position)
    index = opened.prompt_at(offset)
    if index is None:
        return None
    view, document = opened.views[index], opened.document
    server.session.feedback.rewrite_shown(opened, index)
    gaps = server.session.open_gaps(opened, view)
    known = await server.known(document.uri, view.draft.text)
    found = _of_workspace(view, gaps, known, offset - view.region.span.start)
    markdown = _accepts_markdown(server)
    lines = _lines(view, opened.chosen, gaps, found, markdown=markdown)
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.Hover(
        contents=types.MarkupContent(kind=kind, value="\n\n".join(lines)),
        range=positions.range(view.region.span),
    )


_GOOD = "Good as it stands."


def summary(triage: Triage, chosen: Route | None) -> str:
    """`debug · low → small_local`."""
    decision = triage.decision
    return f"{decision.intent} · {decision.complexity} → {chosen or triage.tier.route}"


def _of_workspace(view: PromptView, gaps: Sequence[Gap], known: Known, offset: int) -> list[str]:
    """Where the context under the cursor is from, what is known of the gaps, which named files are absent."""
    text = view.draft.text
    line = context_line(text, offset)
    lines = [
        f"From {fact.source}."
        for fact in known.facts
        if line is not None and line in (f"- {line_of(fact)}", heading_of(fact))
    ]
    answers = known_for(gaps, known.facts, text)
    if answers:
        lines.append("Known: " + " · ".join(map(_with_source, answers)))
    lines += [f"“{name}” is not in the workspace." for name in known.absent_files]
    return lines


def _with_source(fact: Fact) -> str:
    if fact.kind is GapKind.CODE:
        return heading_of(fact).removesuffix(":").replace("`", "")
    return f"{line_of(fact)} ({fact.source})"


def _lines(
    view: PromptView, chosen: Route | None, gaps: Sequence[Gap], found: Sequence[str], *, markdown: bool
) -> Iterator[str]:
    """The paragraphs; what a model or the prompt says of itself is made inert where it is markdown."""
    triage = view.triage
    say: Callable[[str], str] = escaped if markdown else str
    head = say(summary(triage, chosen))
    yield (f"**{head}**" if markdown else head) + _confidence(triage)
    yield f"{say(_reason(triage, chosen))} About {triage.tokens:,} tokens."
    if triage.secrets:
        yield _secrets(triage)
    if gaps:
        yield "Missing: " + "; ".join(say(gap.phrase) for gap in gaps)
    yield from map(say, found)
    if diff := _diff(view):
        fence = fence_for(diff)
        yield f"Rewrite:\n\n{fence}diff\n{diff}\n{fence}" if markdown else f"Rewrite:\n{diff}"
        if triage.repaired:
            yield say(_put_back(triage))
    elif _is_good(view):
        yield _GOOD
    if triage.withheld:
        yield say(triage.withheld)
    yield from map(say, triage.problems)
    who = say(_who(triage))
    yield f"*{who}*" if markdown else who


def _put_back(triage: Triage) -> str:
    return f"Put back: {', '.join(triage.repaired)}."


def _secrets(triage: Triage) -> str:
    """Their kinds are our own words, not the prompt's."""
    kinds = ", ".join(dict.fromkeys(secret.kind for secret in triage.secrets))
    count = "a secret" if len(triage.secrets) == 1 else f"{len(triage.secrets)} secrets"
    return f"Holds {count} ({kinds}): mask before you send it."


def _is_good(view: PromptView) -> bool:
    """Whether somebody could have found fault with the prompt, and nobody did."""
    return view.draft.language == "en" and not (
        view.triage.gaps or view.triage.withheld or view.triage.secrets
    )


def escaped(text: str) -> str:
    """Text from a model or a prompt as inert markdown: no link, no command, no markup."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _confidence(triage: Triage) -> str:
    confidence = triage.confidence.get("route")
    # Rounded down like the sentence beside it: 0.499 is not the half it falls short of.
    return f" ({int(confidence * 100 + 1e-9)}%)" if confidence is not None else ""


def _reason(triage: Triage, chosen: Route | None) -> str:
    return f"You chose this tier; suggested: {triage.tier.route}." if chosen else triage.tier.reason


def _diff(view: PromptView) -> str:
    old, new = view.draft.text, view.triage.decision.rewrite
    if old == new:
        return ""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[2:]
    shown = [line for line in lines if not line.startswith("@@")]
    more = [f"… {len(shown) - DIFF_LINES} more lines"] if len(shown) > DIFF_LINES else []
    return "\n".join((*shown[:DIFF_LINES], *more))


def _who(triage: Triage) -> str:
    """`instant: intent, complexity, route; devrouter: rewrite, missing (812 ms)`."""
    engines: dict[str, list[str]] = {}
    for name in FIELDS:
        engines.setdefault(triage.answered_by[name], []).append(name)
    taken = triage.milliseconds
    time = f"{taken:.0f} ms" if taken < 1000 else f"{taken / 1000:.1f} s"
    if len(engines) == 1:
        return f"Answered by {next(iter(engines))} in {time}."
    parts = "; ".join(f"{engine}: {', '.join(names)}" for engine, names in engines.items())
    return f"Answered by {parts}, in {time}."


def _accepts_markdown(server: DevRouterServer) -> bool:
    text_document = server.client_capabilities.text_document
    formats = text_document and text_document.hover and text_document.hover.content_format
    return bool(formats and types.MarkupKind.Markdown in formats)
