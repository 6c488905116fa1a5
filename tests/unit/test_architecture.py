"""The rules of the design: who may import whom, who builds positions, and what must not load at the start."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "server" / "devrouter"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "core": {"core"},
    "engines": {"core", "engines"},
    "workspace": {"core", "workspace"},
    "evaluation": {"core", "engines", "evaluation"},
    "app": {"core", "engines", "workspace", "app"},
    "lsp": {"core", "engines", "workspace", "app", "lsp"},
    # `devrouter serve` starts the server.
    "cli": {"core", "engines", "workspace", "evaluation", "app", "lsp", "cli"},
    "__main__": {"cli"},
    "__init__": set(),
}
IMPORTED_ONLY_BY = {
    "pygls": "lsp/",
    "lsprotocol": "lsp/",
    "ollama": "engines/ollama.py",
    "dulwich": "workspace/",
    "matplotlib": "evaluation/plots.py",
    "scipy": "evaluation/",
    "sklearn": "evaluation/",
    "torch": "engines/transformers.py",
    "transformers": "engines/transformers.py",
}
BUILDS_POSITIONS = "lsp/convert.py"
LOADED_ON_FIRST_USE = {
    "aiohttp",
    "dulwich",
    "classifinder_engine",
    "httpx",
    "httpx2",
    "markdown_it",
    "matplotlib",
    "numpy",
    "ollama",
    "openai",
    "pydantic",
    "pydantic_core",
    "requests",
    "scipy",
    "sklearn",
    "tomlkit",
    "torch",
    "tqdm",
    "transformers",
    "urllib3",
    "watchfiles",
    "yaml",
}
NO_SOURCE = {".bin", ".json", ".jsonl", ".typed"}


def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"), module)


def imports(module: str) -> Iterator[str]:
    """The full names that a module imports, at its top, in its functions or for its types."""
    package = ["devrouter", *PurePosixPath(module).parent.parts]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def layer(module: str) -> str:
    return PurePosixPath(module).with_suffix("").parts[0]


def test_the_tree_is_where_the_rules_look() -> None:
    assert {"core/decision.py", "lsp/server.py", BUILDS_POSITIONS} <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_upward(module: str) -> None:
    assert layer(module) in MAY_IMPORT, "a new package needs its place among the layers"
    parts = [name.split(".") for name in imports(module)]
    layers = {name[1] for name in parts if name[0] == "devrouter" and (PACKAGE / name[1]).is_dir()}
    assert layers <= MAY_IMPORT[layer(module)]


@pytest.mark.parametrize("module", [module for module in MODULES if layer(module) == "evaluation"])
def test_an_evaluation_knows_engines_by_their_protocol_alone(module: str) -> None:
    of_engines = [name for name in imports(module) if name.startswith("devrouter.engines.")]
    assert all(name.startswith("devrouter.engines.engine.") for name in of_engines)


@pytest.mark.parametrize("module", MODULES)
def test_a_library_of_one_place_is_imported_there_alone(module: str) -> None:
    for name in imports(module):
        place = IMPORTED_ONLY_BY.get(name.partition(".")[0], "")
        assert module.startswith(place), f"{name} belongs to {place}"


@pytest.mark.parametrize("module", [module for module in MODULES if module != BUILDS_POSITIONS])
def test_positions_are_built_in_one_place(module: str) -> None:
    calls = (node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call))
    names = {getattr(function, "attr", getattr(function, "id", None)) for function in calls}
    assert not names & {"Position", "Range"}


def test_the_editor_does_not_wait_for_heavy_imports() -> None:
    script = "import json, sys, devrouter.lsp.server; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "pygls" in loaded
    assert not loaded & LOADED_ON_FIRST_USE


@pytest.mark.parametrize("module", [module for module in MODULES if module != "__main__.py"])
def test_every_public_name_exists(module: str) -> None:
    parts = PurePosixPath("devrouter", module).with_suffix("").parts
    imported = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    assert [name for name in getattr(imported, "__all__", []) if not hasattr(imported, name)] == []


def source_files() -> Iterator[Path]:
    for folder in ("server", "scripts"):
        for path in (ROOT / folder).rglob("*"):
            hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(ROOT).parts)
            if path.is_file() and not hidden and path.suffix not in NO_SOURCE:
                yield path


def test_no_file_outgrows_its_reader() -> None:
    lengths = {path: len(path.read_bytes().splitlines()) for path in source_files()}
    assert PACKAGE / "core" / "draft.py" in lengths
    assert {str(path): length for path, length in lengths.items() if length > 400} == {}
