"""Our own messages, beside those of LSP. `vscode-client/src/protocol.ts` mirrors this file.

- `devrouter/status`, server to client: how things are for one document. Sent only to clients that announce
  it, by the experimental capability `{"devrouter": {"status": true}}` or the initialization option `status`.
- `devrouter/triage`, client to server: every prompt of an open document, or the selection as one prompt.
- `devrouter/triageText`, client to server: a text that no editor holds, such as a chat's first message. The
  embedded engine alone reads it.
- `devrouter/answer`, client to server: a prompt for the local tier's model to answer. The answer comes as
  partial results under the `partialResultToken`; the request ends when it is whole, or fails.
- `devrouter/addContext`, client to server: what only the client knows, to be added to a prompt's context;
  the answer is the edit.
- The commands that change something an edit cannot.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

STATUS = "devrouter/status"
TRIAGE = "devrouter/triage"
TRIAGE_TEXT = "devrouter/triageText"
ANSWER = "devrouter/answer"
ADD_CONTEXT = "devrouter/addContext"

IGNORE_HERE = "devrouter.server.ignoreHere"
IGNORE_KIND = "devrouter.server.ignoreKind"
IGNORE_IN_PROJECT = "devrouter.server.ignoreInProject"
DISMISS = "devrouter.server.dismissSecret"
LIST_IGNORED = "devrouter.server.listIgnored"
SHOW_AGAIN = "devrouter.server.showAgain"
SET_TIER = "devrouter.server.setTier"
PICK_TIER = "devrouter.server.pickTier"
APPLY_REWRITE = "devrouter.server.applyRewrite"
ASK_MODEL = "devrouter.server.askModel"
TELL_USE = "devrouter.server.tellUse"


class PositionMessage(TypedDict):
    """As LSP's Position, in the units that client and server agreed on."""

    line: int
    character: int


class RangeMessage(TypedDict):
    """As LSP's Range."""

    start: PositionMessage
    end: PositionMessage


class TierMessage(TypedDict):
    """The effective tier and the sentence that says what decided."""

    route: str
    reason: str


class TierChoiceMessage(TypedDict):
    """One of the three tiers as the user set it up. `name` is empty where they gave none.

    `contextLimit` is in tokens, `price` that of a million input tokens in the user's currency.
    """

    route: str
    name: str
    models: list[str]
    contextLimit: int | None
    price: float | None


class StatusMessage(TypedDict):
    """`devrouter/status`. `intent` to `tokens` are null where the document holds no prompt.

    `health` is `ok`, `warning` or `error`; `message` one sentence; `mend` the command that helps, or null.
    `chosen` is the tier that the user set for the document, which wins over `tier`; `tiers` are the three to
    choose from.
    """

    uri: str
    version: int
    health: str
    message: str
    mend: str | None
    busy: bool
    prompts: int
    gaps: int
    engine: str | None
    intent: str | None
    complexity: str | None
    tier: TierMessage | None
    confidence: float | None
    tokens: int | None
    chosen: str | None
    tiers: list[TierChoiceMessage]


class TriageParams(TypedDict):
    """`devrouter/triage`: an open document, and a range for a selection that shall be read as one prompt."""

    textDocument: dict[str, str]
    range: NotRequired[RangeMessage]


class GapMessage(TypedDict):
    """One missing item and the words it concerns."""

    phrase: str
    kind: str
    range: RangeMessage


class PromptMessage(TypedDict):
    """One prompt. `decision` holds exactly the five fields, `text` the prompt as it would be sent.

    `secrets` is how many secrets the text holds, `masked` the text with a placeholder for each.
    """

    range: RangeMessage
    destination: str
    text: str
    decision: dict[str, Any]
    gaps: list[GapMessage]
    confidence: dict[str, float]
    tier: TierMessage
    answeredBy: dict[str, str]
    engine: str
    withheld: str | None
    repaired: list[str]
    problems: list[str]
    secrets: int
    masked: str


class TriageMessage(TypedDict):
    """The answer to `devrouter/triage`. `textHash` is the SHA-256 of the server's text in UTF-8."""

    version: int
    textHash: str
    prompts: list[PromptMessage]


class TriageTextParams(TypedDict):
    """`devrouter/triageText`."""

    text: str


class TextTriageMessage(TypedDict):
    """The answer to `devrouter/triageText`, null for a text without words. `tiers` are the three.

    `secrets` is how many secrets the text holds.
    """

    secrets: int
    intent: str
    complexity: str
    tier: TierMessage
    tiers: list[TierChoiceMessage]


class AnswerParams(TypedDict):
    """`devrouter/answer`: the prompt as it is sent, and the document whose settings hold."""

    textDocument: dict[str, str]
    text: str
    partialResultToken: str


class AnswerPartMessage(TypedDict):
    """A piece of the answer, and the model in Ollama that writes it."""

    model: str
    text: str


class IgnoredMessage(TypedDict):
    """One thing that is ignored, as `devrouter.server.listIgnored` answers for the project of a document.

    `key` goes to `devrouter.server.showAgain`; `uri` is the document it is ignored in, the settings file that
    says so, or empty where it holds everywhere. `phrase` is `*` for all of the kind, and null where only a
    hash is kept and no open document holds the finding. `since` is in seconds since the epoch, or null.
    """

    key: str
    kind: str
    uri: str
    phrase: str | None
    since: float | None


class ProblemMessage(TypedDict):
    """A problem that the editor shows: where, as in "src/app.py:12", and what."""

    place: str
    text: str


class AddContextParams(TypedDict):
    """`devrouter/addContext`: the prompt at the start of the range of an open document."""

    textDocument: dict[str, str]
    range: RangeMessage
    problems: list[ProblemMessage]


class ContextEditMessage(TypedDict):
    """The answer to `devrouter/addContext`: the edit of this version; null where the prompt has it all."""

    version: int
    range: RangeMessage
    text: str
