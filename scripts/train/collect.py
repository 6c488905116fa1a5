"""Collect prompts from files and folders: normalised, without secrets, each once.

    python scripts/train/collect.py exports/ notes.md chat.jsonl -o work/prompts.jsonl
    python scripts/train/collect.py old.jsonl -o work/prompts.jsonl --set collect.text_field=body

Read are JSON Lines with a field for the text (exported feedback and `data/train.jsonl` among them), prompt
files and the fenced `prompt` blocks of Markdown as the language server sees them, and plain text as one
prompt. Secrets are masked before anything else is done. Texts that are equal, or nearly so, are kept once:
the first in the order of the arguments, the files of a folder by name. What cannot be read is named in
`prompts.broken.jsonl` by file and line, without its text.
"""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from devrouter.app.secrets import secrets_in
from devrouter.cli.terminal import progress_bar
from devrouter.core.draft import Document, draft_of, prompts_in
from devrouter.core.json_lines import numbered_rows
from devrouter.core.secrets import masked
from train.config import parser, run_command, settings_of
from train.manifest import write_manifest
from train.near import NearIndex
from train.rows import FileError, Prompt, id_of, normalised, write_rows

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from train.config import CollectSettings

_MARKDOWN = {".md", ".markdown", ".prompt"}
"""Files in which the language server knows prompts by name; any other is one prompt, whole."""
_EXTENSIONS = {".jsonl", ".txt", *_MARKDOWN}
"""What is taken from a folder; a file that is named itself may be called anything."""


class Unreadable(Exception):
    """What is wrong with a row."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What cannot be read, and why. `line` is None where it is the whole file."""

    file: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """A prompt as it stands in a file."""

    text: str
    source: str
    group: str | None = None
    form: str | None = None


@dataclass(slots=True)
class Collected:
    """Prompts in the order in which they were found, and what became of the others."""

    prompts: list[Prompt] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def main() -> None:
    options = _arguments()
    settings = settings_of(options)
    files = files_in(options.inputs)
    collected = collect(files, settings.collect)
    broken = options.output.with_suffix(".broken.jsonl")
    broken.unlink(missing_ok=True)
    if collected.broken:
        write_rows(broken, map(asdict, collected.broken))
        print(f"{len(collected.broken):,} rows or files cannot be read: see {broken}", file=sys.stderr)
    if not collected.prompts:
        raise FileError(f"{', '.join(map(str, options.inputs))}: no prompt was found")
    write_rows(options.output, collected.prompts)
    counts = dict(collected.counts) | {"kept": len(collected.prompts), "broken": len(collected.broken)}
    write_manifest(
        options.output, "collect", settings=settings.collect, seed=settings.seed, inputs=files, counts=counts
    )
    print(", ".join(f"{count:,} {what}" for what, count in counts.items()))


def files_in(inputs: Iterable[Path]) -> list[Path]:
    """The files to read, each once. Raises `FileError` for an input that is not there."""
    files: list[Path] = []
    for path in inputs:
        if not path.exists():
            raise FileError(f"{path}: is not there")
        files += _files_below(path) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def collect(files: Sequence[Path], settings: CollectSettings) -> Collected:
    """Read the files, in order. What cannot be read is told, and does not stop the others."""
    collected = Collected()
    known: set[str] = set()
    index: NearIndex[str] = NearIndex(settings.near, settings.run)
    with progress_bar(len(files), title="collect") as bar:
        for file in files:
            for found in _read(file, settings, collected.broken):
                _keep(found, collected, known, index)
            bar.update()
    return collected


def _keep(found: Found, collected: Collected, known: set[str], index: NearIndex[str]) -> None:
    """Add a prompt that is new. Secrets are masked first, so that not even a hash of one is kept."""
    secrets = secrets_in(found.text)
    text = normalised(masked(found.text, secrets))
    name = id_of(text)
    collected.counts["found"] += 1
    collected.counts["secrets masked"] += len(secrets)
    if name in known:
        collected.counts["equal"] += 1
    elif index.find(text):
        collected.counts["nearly equal"] += 1
    else:
        known.add(name)
        index.add(name, text)
        collected.prompts.append(Prompt(name, text, found.source, found.group, found.form))


# Reading


def _files_below(folder: Path) -> list[Path]:
    """The files of a folder that may hold prompts, by name; hidden ones and hidden folders are left out."""
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix in _EXTENSIONS)
    shown = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    return [folder / name for name in shown if (folder / name).is_file()]


def _read(file: Path, settings: CollectSettings, broken: list[Broken]) -> Iterator[Found]:
    """The prompts of one file, by its name or else by what is in it."""
    content = file.read_bytes()
    if file.suffix == ".jsonl" or (file.suffix not in _EXTENSIONS and _is_json_lines(content)):
        yield from _rows(file, content, settings, broken)
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken.append(Broken(str(file), None, f"is not UTF-8 (at byte {error.start})"))
        return
    if "\0" in text:
        broken.append(Broken(str(file), None, "is no text"))
        return
    found = list(_prompts(file, text))
    if not found:
        broken.append(Broken(str(file), None, "holds no prompt"))
    yield from found


def _prompts(file: Path, text: str) -> Iterator[Found]:
    """The prompts of a document; a file that is no Markdown is one."""
    language = "" if file.suffix in _MARKDOWN else "prompt"
    document = Document(file.absolute().as_uri(), language, 0, text)
    for region in prompts_in(document):
        draft = draft_of(document, region)
        yield Found(draft.text, file.name, form=draft.destination.value)


def _rows(file: Path, content: bytes, settings: CollectSettings, broken: list[Broken]) -> Iterator[Found]:
    for number, line in numbered_rows(io.BytesIO(content)):
        try:
            yield _row(line, settings, file.stem)
        except Unreadable as error:
            broken.append(Broken(str(file), number, str(error)))


def _row(line: bytes, settings: CollectSettings, stem: str) -> Found:
    """One row. Raises `Unreadable` with what is wrong, which never quotes the row."""
    try:
        row = json.loads(line)
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8 (at byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not JSON ({error.msg} at column {error.colno})") from None
    except RecursionError:
        raise Unreadable("is not JSON that can be read (nested too deep)") from None
    if not isinstance(row, dict):
        raise Unreadable("is no object")
    text = row.get(settings.text_field)
    if not isinstance(text, str):
        raise Unreadable(f'has no text "{settings.text_field}" (collect.text_field)')
    if not normalised(text):
        raise Unreadable(f'"{settings.text_field}" is empty')
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Unreadable(f'"{settings.text_field}" holds half a surrogate pair, which is no character')
    group = row.get(settings.group_field)
    return Found(
        text,
        _name(row.get(settings.source_field)) or stem,
        # Conversations of two files may be numbered alike.
        f"{stem}: {_name(group)}" if _name(group) else None,
        _name(row.get("form")),
    )


def _name(value: Any) -> str | None:  # noqa: ANN401  (JSON)
    """A name given as a text or a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _is_json_lines(content: bytes) -> bool:
    """Whether the first row is an object."""
    first = next(numbered_rows(io.BytesIO(content)), (0, b""))[1]
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("inputs", nargs="+", type=Path, metavar="FILE", help="files and folders")
    made.add_argument("-o", "--output", type=Path, required=True, help="prompts.jsonl")
    return made.parse_args()


if __name__ == "__main__":
    run_command(main)
