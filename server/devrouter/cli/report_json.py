"""Findings for programs: JSON, or SARIF 2.1.0. Lines and columns count from one, columns in characters."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from devrouter import __version__
from devrouter.core.gaps import GapKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from devrouter.cli.checked import CheckedDocument, CheckedPrompt
    from devrouter.core.text import Span

_MEANINGS = {
    GapKind.ERROR: "The exact message, stack trace, log or failing output is missing.",
    GapKind.CODE: "The code, file, query or configuration that is talked about is missing.",
    GapKind.VERSION: "The version of a language, framework, library or tool is missing.",
    GapKind.ENVIRONMENT: "The operating system, runtime, deployment or hardware is missing.",
    GapKind.STACK: "The language, framework or library is missing.",
    GapKind.BEHAVIOUR: "Expected against actual behaviour, or the steps to reproduce it, are missing.",
    GapKind.REQUIREMENTS: "Rules, formats or constraints that decide the answer are missing.",
    GapKind.TARGET: "It is not said which thing is meant.",
    GapKind.SCALE: "Data sizes, load, measured times or targets are missing.",
    GapKind.ACCEPTANCE: "It is not said how the result will be checked.",
    GapKind.AUDIENCE: "It is not said who will read or use the result.",
}
_WARNING = "secret"
_RULES = {
    **{kind.value: meaning for kind, meaning in _MEANINGS.items()},
    _WARNING: "The prompt holds a key, a token or a password.",
}


def as_json(documents: Sequence[CheckedDocument], errors: Sequence[str]) -> dict[str, Any]:
    """Everything that is known of each prompt."""
    return {
        "version": __version__,
        "files": [
            {
                "path": document.source.name,
                "prompts": [_prompt(document, prompt) for prompt in document.prompts],
            }
            for document in documents
        ],
        "errors": list(errors),
        "summary": {
            "files": len(documents),
            "prompts": sum(len(document.prompts) for document in documents),
            "findings": sum(document.findings for document in documents),
            "secrets": sum(document.secrets for document in documents),
            "rewrites": sum(document.rewrites for document in documents),
        },
    }


def as_sarif(documents: Sequence[CheckedDocument], errors: Sequence[str]) -> dict[str, Any]:
    """A SARIF 2.1.0 log (OASIS standard): one rule a kind, one result a finding."""
    notifications = [{"level": "error", "message": {"text": error}} for error in errors]
    notifications += [
        {"level": "warning", "message": {"text": f"{document.source.name}: {problem}"}}
        for document in documents
        for prompt in document.prompts
        for problem in prompt.triage.problems
    ]
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "devrouter", "version": __version__, "rules": _rules()}},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {"executionSuccessful": not errors, "toolExecutionNotifications": notifications}
                ],
                "results": [
                    result
                    for document in documents
                    for prompt in document.prompts
                    for result in _results(document, prompt)
                ],
            }
        ],
    }


def _prompt(document: CheckedDocument, prompt: CheckedPrompt) -> dict[str, Any]:
    triage = prompt.triage
    return {
        **_range(document, prompt.region.span.start, prompt.region.span.end),
        "destination": prompt.region.destination.value,
        "language": prompt.draft.language,
        "decision": triage.decision.to_dict(),
        "tier": {"route": triage.tier.route.value, "reason": triage.tier.reason},
        "confidence": dict(triage.confidence),
        "answered_by": dict(triage.answered_by),
        "has_rewrite": prompt.has_rewrite,
        "withheld": triage.withheld,
        "repaired": list(triage.repaired),
        "problems": list(triage.problems),
        "secrets": [
            {"kind": secret.kind, **_range(document, *secret.span.moved(prompt.region.span.start))}
            for secret in triage.secrets
        ],
        "findings": [
            {
                "kind": gap.kind.value,
                "phrase": gap.phrase,
                "anchored": gap.anchored,
                **_range(document, *prompt.span_of(gap)),
                "facts": [
                    {"name": fact.name, "value": fact.value, "source": fact.source}
                    for fact in prompt.known.get(gap, ())
                ],
            }
            for gap in prompt.gaps
        ],
    }


def _range(document: CheckedDocument, start: int, end: int) -> dict[str, int]:
    line, column = document.place(start)
    end_line, end_column = document.place(end)
    return {"line": line, "column": column, "end_line": end_line, "end_column": end_column}


def _rules() -> list[dict[str, Any]]:
    return [
        {
            "id": rule,
            "shortDescription": {"text": meaning},
            "defaultConfiguration": {"level": "warning" if rule == _WARNING else "note"},
        }
        for rule, meaning in _RULES.items()
    ]


def _results(document: CheckedDocument, prompt: CheckedPrompt) -> Iterator[dict[str, Any]]:
    for secret in prompt.triage.secrets:
        span = secret.span.moved(prompt.region.span.start)
        # A hash of the value in a file that others read would let them try out passwords on it.
        yield _result(document, span, _WARNING, secret.message, f"{_WARNING}\0{secret.kind}")
    for gap in prompt.gaps:
        span = prompt.span_of(gap)
        # The words, not the place, so that a finding is the same one after a paragraph was put above it.
        words = f"{gap.kind.value}\0{gap.phrase}\0{document.source.text[slice(*span)]}"
        yield _result(document, span, gap.kind.value, f"Missing: {gap.phrase}", words)


def _result(document: CheckedDocument, span: Span, rule: str, message: str, same: str) -> dict[str, Any]:
    """One result; two runs tell the same finding of a file by `same`."""
    line, column = document.place(span.start)
    end_line, end_column = document.place(span.end)
    return {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": "warning" if rule == _WARNING else "note",
        "message": {"text": message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _artifact(document)},
                    "region": {
                        "startLine": line,
                        "startColumn": column,
                        "endLine": end_line,
                        "endColumn": end_column,
                    },
                }
            }
        ],
        "partialFingerprints": {
            "words/v1": hashlib.sha256(same.encode("utf-8", "surrogatepass")).hexdigest()
        },
    }


def _artifact(document: CheckedDocument) -> str:
    """A URI reference, relative as the file was named: code scanning resolves it against the repository."""
    path = document.source.path
    if path is not None and path.is_absolute():
        return path.as_uri()
    return quote(Path(document.source.name).as_posix())
