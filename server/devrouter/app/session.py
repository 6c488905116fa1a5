"""All open documents of one editor: when each engine is asked, and what becomes of its answer.

Everything here runs on one event loop; only the instant engine's work happens in a thread of its own, so that
no keystroke waits for it. A newer text supersedes an older one: at most one instant job and one model call
are under way for a document, and an answer for a version that is no longer current is dropped.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from devrouter.app.dismissed import Dismissed
from devrouter.app.facts import Workspaces
from devrouter.app.findings import Finding, Findings
from devrouter.app.ignore_settings import ignore_for_user, ignore_in_project
from devrouter.app.opened import OpenDocument, TextChanged
from devrouter.app.status import Status
from devrouter.app.tasks import spawn
from devrouter.app.views import PromptView, prompts_of, view_of, views_of
from devrouter.core.edits import smallest_edit
from devrouter.engines.engine import EngineError, EngineState, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from devrouter.app.configuration import Configuration
    from devrouter.app.feedback import Feedback
    from devrouter.app.ignores import Ignores
    from devrouter.app.model_calls import ModelCalls
    from devrouter.app.opened import Listener
    from devrouter.app.triage import Triager
    from devrouter.core.draft import Document, Region
    from devrouter.core.gaps import Gap
    from devrouter.core.tiers import Route
    from devrouter.engines.reply import OnProgress


_CALM_SECONDS, _CALM_TURNS = 0.004, 10
"""For how long no change may come until the next text is answered, and how often this is waited for."""


class Session:
    """The open documents and their engines."""

    def __init__(
        self,
        listener: Listener,
        triager: Triager,
        model: ModelCalls,
        configuration: Configuration,
        ignores: Ignores,
        feedback: Feedback,
    ) -> None:
        self._listener = listener
        self._triager = triager
        self._model = model
        self._configuration = configuration
        self.ignores = ignores
        self.feedback = feedback
        self.workspaces = Workspaces()
        self._documents: dict[str, OpenDocument] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="devrouter-instant")
        self._worker.submit(triager.load)

    def opened(self, document: Document) -> None:
        """A document was opened; its findings show as soon as the instant engine answers."""
        self.closed(document.uri)
        opened = OpenDocument(document, self._configuration.of(document.uri))
        self._documents[document.uri] = opened
        self._answer_instantly(opened)

    def changed(self, document: Document) -> None:
        """The text of an open document changed. Returns at once."""
        opened = self._documents[document.uri]
        self.feedback.changing(opened, document)
        opened.document = document
        opened.current.clear()
        opened.resting = False
        opened.stop(instant=False)
        self._after(opened, opened.settings.findings.delay_seconds, self._rest)
        self._answer_instantly(opened)

    def saved(self, uri: str) -> None:
        """A save counts as rest, and asks the model where the user chose so."""
        opened = self._documents.get(uri)
        if opened is not None:
            self.feedback.saved(opened)
            self._rest(opened)
            if self._model.trigger == "save":
                self._start_model(opened)

    def closed(self, uri: str) -> None:
        """Forget the document, and whatever was under way for it."""
        opened = self._documents.pop(uri, None)
        if opened is not None:
            self.feedback.ended(opened)
            opened.stop(instant=True)
            opened.current.set()

    @property
    def documents(self) -> Mapping[str, OpenDocument]:
        """The open documents by their URIs."""
        return self._documents

    def reload(self) -> None:
        """Settings or ignores changed: every document is answered anew, and its findings settle at once."""
        for opened in self._documents.values():
            opened.settings = self._configuration.of(opened.document.uri)
            opened.findings = Findings()
            opened.viewed = None
            # The tiers' names and models go with the status, and are settings too.
            opened.last_status = None
            opened.resting = True
            opened.current.clear()
            opened.stop(instant=False)
            self._answer_instantly(opened)

    def use_model(self, triager: Triager, model: ModelCalls) -> None:
        """Other engines were chosen; calls to the former ones are cancelled."""
        self._triager, self._model = triager, model
        self.reload()

    def choose_tier(self, uri: str, route: Route | None) -> None:
        """The user takes a tier for the document, or goes back to the suggestion."""
        opened = self._documents.get(uri)
        if opened is not None:
            opened.chosen = route
            self._tell(opened)

    async def settled(self, uri: str) -> OpenDocument | None:
        """The document once its current text is answered; None where it is not open or has no answer."""
        opened = self._documents.get(uri)
        if opened is None:
            return None
        await opened.current.wait()
        return opened if opened.viewed is opened.document else None

    def visible(self, opened: OpenDocument) -> tuple[Finding, ...]:
        """The findings on screen: what is shown less what the user ignores."""
        return tuple(
            finding
            for finding in opened.findings.shown
            if not self._is_ignored(opened, opened.views[finding.prompt], finding.gap)
        )

    def open_gaps(self, opened: OpenDocument, view: PromptView) -> tuple[Gap, ...]:
        """The gaps of the prompt as it now stands, less what the user ignores."""
        return tuple(gap for gap in view.triage.gaps if not self._is_ignored(opened, view, gap))

    def _is_ignored(self, opened: OpenDocument, view: PromptView, gap: Gap) -> bool:
        return self.ignores.is_ignored(opened.document.uri, gap, view.draft.text, opened.settings)

    async def check_model(self) -> None:
        """Look at the model, and tell how it was found."""
        await self._model.check()
        self._tell_all()

    async def ask_model(self, opened: OpenDocument, on_progress: OnProgress | None = None) -> None:
        """Ask the model for the current text and wait for it; cancelling this cancels the call.

        Raises `EngineError` where the model cannot answer, `TextChanged` where a newer text ended the call.
        """
        former = opened.model_task
        if former is not None:
            former.cancel()
        opened.model_task = asyncio.create_task(self._ask_model(opened, former, on_progress))
        try:
            await opened.model_task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise TextChanged from None

    def model_can_be_asked(self, opened: OpenDocument, view: PromptView) -> bool:
        """True where a model is set up that may read this prompt and has not answered it yet."""
        return self._model.trigger is not None and not opened.document.is_private and not view.by_model

    async def read(self, document: Document) -> tuple[PromptView, ...]:
        """The prompts of a text that no editor holds, answered instantly; nothing about it is written."""
        settings, loop = self._configuration.of(document.uri), asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, views_of, document, settings, self._triager)

    def view(self, opened: OpenDocument, region: Region) -> PromptView:
        """Any part of the document as a prompt of its own."""
        return view_of(opened.document, region, opened.settings, self._triager)

    def ignore_here(self, opened: OpenDocument, finding: Finding) -> None:
        """Stop showing this finding in this document. Raises `IgnoreError`."""
        text = opened.views[finding.prompt].draft.text
        self.ignores.ignore_here(opened.document.uri, finding.gap, text)
        self.feedback.ignored(opened, finding)
        self._show(opened)

    def ignore_kind(self, opened: OpenDocument, finding: Finding) -> None:
        """Stop showing findings of this kind in this document. Raises `IgnoreError`."""
        self.ignores.ignore_kind(opened.document.uri, finding.gap.kind)
        self.feedback.ignored(opened, finding)
        self._show(opened)

    def dismiss_secret(self, value: str) -> None:
        """Never warn of this value again, in any draft. Raises `IgnoreError`."""
        Dismissed(self.ignores).dismiss(value)
        self.reload()

    def ignore_everywhere(self, opened: OpenDocument, finding: Finding, folder: Path | None) -> Path:
        """Stop showing this finding in the project in `folder`, or in all of the user's prompts without one.

        Returns the file that now says so. Raises `IgnoreError`.
        """
        if folder is not None:
            file = ignore_in_project(finding.gap, folder)
        else:
            file = ignore_for_user(finding.gap, self._configuration.user_config)
        self.feedback.ignored(opened, finding)
        return file

    def file_problems(self) -> tuple[str, ...]:
        """What is wrong with the files of ignored findings and of feedback."""
        return (*self.ignores.problems, *self.feedback.problems)

    async def close(self) -> None:
        """Stop everything under way; nothing is published afterwards."""
        tasks = [t for o in self._documents.values() for t in (o.instant_task, o.model_task) if t is not None]
        for uri in list(self._documents):
            self.closed(uri)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._worker.shutdown(wait=False, cancel_futures=True)
        self.workspaces.close()

    # The instant engine

    def _answer_instantly(self, opened: OpenDocument) -> None:
        if opened.instant_task is None or opened.instant_task.done():
            opened.instant_task = spawn(self._run_instant(opened), "instant answer")

    async def _run_instant(self, opened: OpenDocument) -> None:
        """Answer the newest text until it is answered; texts that came and went meanwhile are skipped."""
        loop = asyncio.get_running_loop()
        try:
            overtaken = False
            while opened.viewed is not opened.document:
                if overtaken:
                    await _until_calm(opened)
                document, settings, triager = opened.document, opened.settings, self._triager
                views = await loop.run_in_executor(self._worker, views_of, document, settings, triager)
                # A reload compares by identity: the same text may have to be answered by other rules.
                if document is opened.document and settings is opened.settings and triager is self._triager:
                    self._show_instant(opened, views)
                overtaken = document is not opened.document
        except Exception as error:
            message = f"The instant engine failed on this text ({type(error).__name__}); please report it."
            self._tell(opened, state=EngineState(Health.ERROR, message))
            raise
        finally:
            # Whoever waits for an answer must not wait for ever.
            opened.current.set()

    def _show_instant(self, opened: OpenDocument, views: tuple[PromptView, ...]) -> None:
        before, opened.viewed, opened.views = opened.viewed, opened.document, views
        if opened.resting or before is None:
            self._settle(opened)
        else:
            opened.findings.typing(smallest_edit(before.text, opened.document.text), prompts_of(views))
        opened.current.set()
        self._show(opened)
        if self._model.trigger == "pause" and not all(view.by_model for view in views):
            self._after(opened, opened.settings.model.pause_seconds, self._start_model)

    def _rest(self, opened: OpenDocument) -> None:
        if not opened.current.is_set():
            opened.resting = True
            return
        before = self.visible(opened)
        self._settle(opened)
        if self.visible(opened) != before:
            self._show(opened)

    def _settle(self, opened: OpenDocument) -> None:
        prompts = prompts_of(opened.views)
        opened.findings.resting(prompts)
        for index, view in enumerate(opened.views):
            if view.by_model:
                opened.findings.model_answered(index, prompts[index])

    # The model

    def _start_model(self, opened: OpenDocument) -> None:
        """Ask the model without anybody waiting: a failure shows in the status, nothing else changes."""
        former = opened.model_task
        if former is None or former.done() or former.cancelling():
            opened.model_task = spawn(self._ask_model_quietly(opened, former), "model call")

    async def _ask_model_quietly(self, opened: OpenDocument, former: asyncio.Task[None] | None) -> None:
        try:
            await self._ask_model(opened, former)
        except EngineError:
            return  # ModelCalls has put the sentence into the state, and the status was sent.

    async def _ask_model(
        self,
        opened: OpenDocument,
        former: asyncio.Task[None] | None,
        on_progress: OnProgress | None = None,
    ) -> None:
        """One prompt after the other, and none before the former call has ended: never two under way."""
        if former is not None:
            await asyncio.wait([former])
        await opened.current.wait()
        if opened.document.is_private or all(view.by_model for view in opened.views):
            return
        opened.busy = True
        self._tell(opened)
        try:
            for index, view in enumerate(opened.views):
                if not view.by_model:
                    await self._ask_one(opened, index, view, on_progress)
        finally:
            opened.busy = False
            # One document's call says of the model what holds for all.
            self._tell_all()

    async def _ask_one(
        self, opened: OpenDocument, index: int, view: PromptView, on_progress: OnProgress | None
    ) -> None:
        document = opened.viewed
        try:
            triage = await self._model.ask(view.draft, opened.settings, on_progress)
        except EngineError:
            if opened.document is document:
                opened.findings.model_failed(index, prompts_of(opened.views)[index])
                self._publish(opened, self.visible(opened))
            raise
        if opened.document is not document or opened.viewed is not document:
            return
        answered = PromptView(view.region, view.draft, triage, by_model=True)
        opened.views = (*opened.views[:index], answered, *opened.views[index + 1 :])
        opened.findings.model_answered(index, prompts_of(opened.views)[index])
        self._publish(opened, self.visible(opened))

    # Telling

    def _after(self, opened: OpenDocument, seconds: float, act: Callable[[OpenDocument], None]) -> None:
        opened.timers.append(asyncio.get_running_loop().call_later(seconds, act, opened))

    def _show(self, opened: OpenDocument) -> None:
        """The findings, and the status that counts them; what is ignored is looked up once for both."""
        visible = self.visible(opened)
        self._publish(opened, visible)
        self._tell(opened, gaps=len(visible))

    def _publish(self, opened: OpenDocument, findings: tuple[Finding, ...]) -> None:
        self.feedback.findings_shown(opened, findings)
        self._listener.findings_changed(opened, findings)

    def _tell_all(self) -> None:
        for opened in self._documents.values():
            self._tell(opened)

    def _tell(
        self, opened: OpenDocument, *, state: EngineState | None = None, gaps: int | None = None
    ) -> None:
        status = Status(
            uri=opened.document.uri,
            # What is told belongs to the text that was answered, milliseconds behind the editor's.
            version=(opened.viewed or opened.document).version,
            state=state or self._model.state,
            busy=opened.busy,
            prompts=len(opened.views),
            gaps=len(self.visible(opened)) if gaps is None else gaps,
            triage=opened.views[0].triage if opened.views else None,
            chosen=opened.chosen,
        )
        if status != opened.last_status:
            opened.last_status = status
            self._listener.status_changed(status)


async def _until_calm(opened: OpenDocument) -> None:
    """Wait while changes follow one another faster than anyone types, for hundredths of a second at most.

    The loop reads them meanwhile. An answer to one that the next has overtaken helps nobody, and making it
    would hold the reading up, since the engine's thread and the loop share the interpreter.
    """
    for _ in range(_CALM_TURNS):
        before = opened.document
        await asyncio.sleep(_CALM_SECONDS)
        if opened.document is before:
            return
