"""Files in and out: bytes to text and back without loss, and which files of a folder to look at."""

from __future__ import annotations

import codecs
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devrouter.cli.exit_status import CommandError, ExitStatus
from devrouter.core.draft import Document, prompts_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devrouter.app.settings import PromptsSettings

LIMIT = 4 * 1024 * 1024
"""The largest document that is read, in bytes: far above any model's context, and seconds to triage."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Holds a prompt both as a prompt file and as Markdown, so only the name decides.
_PROBE = "```prompt\nx\n```\n"


@dataclass(frozen=True, slots=True)
class Source:
    """One document as it was read. `path` is None for standard input; `name` is what reports call it."""

    name: str
    path: Path | None
    data: bytes
    mark: bytes
    encoding: str
    document: Document

    @property
    def text(self) -> str:
        return self.document.text

    def encoded(self, text: str) -> bytes:
        """`text` in the document's own encoding, with its byte order mark if it has one."""
        return self.mark + text.encode(self.encoding)


def read_file(path: Path) -> Source:
    """Read one document. Raises `CommandError` where that cannot be done."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LIMIT + 1)
        uri = path.absolute().as_uri()
    except OSError as error:
        raise CommandError(ExitStatus.INPUT, f"{path}: cannot be read: {_reason(error)}") from None
    return _source(str(path), path, uri, data)


def read_standard_input(filename: str | None) -> Source:
    """Read standard input whole, as if it were the file `filename`; without one it is a prompt."""
    data = read_input_bytes()
    if filename is None:
        return _source("<stdin>", None, "untitled:stdin", data)
    return _source(filename, None, Path(filename).absolute().as_uri(), data)


def read_input_bytes() -> bytes:
    """Standard input up to one byte past the limit. Raises `CommandError` where it cannot be read."""
    if sys.stdin is None:
        raise CommandError(ExitStatus.INPUT, "standard input is closed, so there is nothing to read")
    try:
        return sys.stdin.buffer.read(LIMIT + 1)
    except OSError as error:
        raise CommandError(ExitStatus.INPUT, f"standard input cannot be read: {_reason(error)}") from None


def decode(name: str, data: bytes) -> tuple[bytes, str, str]:
    """(byte order mark, encoding, text) of a document. Raises `CommandError` for what is not text."""
    if len(data) > LIMIT:
        raise CommandError(
            ExitStatus.INPUT, f"{name}: is larger than {LIMIT // 1024**2} MB, too large for a prompt"
        )
    mark, encoding = next(
        ((mark, encoding) for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), (b"", "utf-8")
    )
    if encoding == "utf-8" and b"\0" in data:
        raise CommandError(ExitStatus.INPUT, f"{name}: is a binary file, not text")
    try:
        return mark, encoding, data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        place = f"byte 0x{data[len(mark) + error.start]:02x} at offset {len(mark) + error.start}"
        raise CommandError(
            ExitStatus.INPUT, f"{name}: is not {encoding.upper()} ({place}); save it as UTF-8 and try again"
        ) from None


def write_back(source: Source, text: str) -> None:
    """Replace the file by `text` in one step, if it still holds what was read.

    Raises `CommandError`; the file is then as it was.
    """
    if source.path is None:
        raise ValueError("standard input has no file to write")
    # A link stays a link: its target is replaced.
    path = source.path.resolve()
    try:
        if path.read_bytes() != source.data:
            raise CommandError(
                ExitStatus.OUTPUT, f"{source.name}: changed while it was being checked, so it was left alone"
            )
        write_atomically(path, source.encoded(text), mode=path.stat().st_mode)
    except OSError as error:
        raise CommandError(ExitStatus.OUTPUT, f"{source.name}: cannot be written: {_reason(error)}") from None


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write a neighbour and rename it over `path`: no reader ever sees half a file. Raises `OSError`."""
    import tempfile

    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "Permission denied", str(path))
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if mode is not None:
            temporary.chmod(mode & 0o7777)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def files_in(
    folder: Path, settings: PromptsSettings, on_error: Callable[[CommandError], None]
) -> Iterator[Path]:
    """Files below `folder` whose names may hold prompts, sorted; hidden and installed folders are left out.

    So are links that lead out of the folder: a repository could have any file of the user's read, or
    rewritten, by a link with the name of a prompt. `on_error` is told of each folder that cannot be listed.
    """
    inside = folder.resolve()

    def unlisted(error: OSError) -> None:
        on_error(CommandError(ExitStatus.INPUT, f"{error.filename}: cannot be read: {_reason(error)}"))

    for root, folders, names in os.walk(folder, onerror=unlisted):
        folders[:] = sorted(name for name in folders if _is_entered(name))
        for name in sorted(names):
            path = Path(root, name)
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                continue
            probe = Document(path.absolute().as_uri(), "plaintext", 0, _PROBE)
            if prompts_in(probe, settings.agent_patterns, settings.include):
                yield path


def _is_entered(folder: str) -> bool:
    # GitHub's own place for prompt files.
    return folder == ".github" or not (folder.startswith(".") or folder in _SKIPPED_FOLDERS)


def _source(name: str, path: Path | None, uri: str, data: bytes) -> Source:
    mark, encoding, text = decode(name, data)
    language = "prompt" if uri.startswith("untitled:") else "plaintext"
    return Source(name, path, data, mark, encoding, Document(uri, language, 0, text))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
