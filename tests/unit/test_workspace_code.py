"""Files and symbols that a prompt names: what is found, what is quoted, and what never is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from devrouter.core.kinds import GapKind
from devrouter.workspace.definitions import definition
from devrouter.workspace.mentions import mentioned_files, mentioned_symbols
from devrouter.workspace.reading import is_secret_store
from devrouter.workspace.workspace import NamedFile, Workspace
from tests.unit.workspaces import PATIENT, SAMPLES, until

if TYPE_CHECKING:
    from pathlib import Path

    from devrouter.core.facts import Fact


def code(root: Path, text: str) -> list[Fact]:
    return [fact for fact in Workspace(root).facts(text, wait=PATIENT) if fact.kind is GapKind.CODE]


def named(root: Path, text: str) -> list[tuple[str, str | None]]:
    return [(file.name, file.path) for file in Workspace(root).named_files(text, wait=PATIENT)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix app.py please", [("app.py", "app.py", None)]),
        ("In src/app.py:42 it fails", [("src/app.py", "src/app.py", 42)]),
        ("in `app.py:10-20`.", [("app.py", "app.py", 10)]),
        ("app.py#L7 and @src/foo.ts", [("app.py", "app.py", 7), ("@src/foo.ts", "src/foo.ts", None)]),
        ('`src/app.py`, line 12, and "#file:src/bar.ts"', [("src/app.py", "src/app.py", 12)]),
        (
            "see ./x/y.go, größe.py and src\\ui\\Button.tsx",
            [
                ("./x/y.go", "x/y.go", None),
                ("größe.py", "größe.py", None),
                ("src\\ui\\Button.tsx", "src/ui/Button.tsx", None),
            ],
        ),
        ("Node.js and user.name, e.g. v1.2 at https://x.y/app.py", []),
        ("```\nimport app.py\n```", []),
    ],
)
def test_files_that_a_text_names(text: str, expected: list[tuple[str, str, int | None]]) -> None:
    found = [(mention.name, mention.path, mention.line) for mention in mentioned_files(text)]
    assert found[: len(expected)] == expected
    assert expected or not found


def test_symbols_that_a_text_names() -> None:
    text = "Why does parse_rows fail in `UserService.save()` and handleSubmit but not in app.py or `x`?"
    assert mentioned_symbols(text) == ("parse_rows", "UserService.save", "handleSubmit")


def test_a_named_file_is_found_by_path_or_by_a_name_there_is_once() -> None:
    text = "Compare src/index.ts, components/Button.tsx, Button.tsx, index.ts and src/gone.ts"
    assert named(SAMPLES / "node-npm", text) == [
        ("src/index.ts", "src/index.ts"),
        ("components/Button.tsx", "src/components/Button.tsx"),
        ("Button.tsx", "src/components/Button.tsx"),
        # index.ts may be either of two, so nothing is said of it.
        ("src/gone.ts", None),
    ]


def test_the_content_of_a_small_file_is_quoted() -> None:
    [fact] = code(SAMPLES / "node-npm", "What does src/index.ts do?")
    assert (fact.name, fact.source) == ("`src/index.ts`", "src/index.ts")
    assert fact.value == 'export { Button } from "./components/Button";'


def test_of_a_large_file_the_lines_around_the_place_are_quoted(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_bytes(b"".join(b"number_%d = %d\r\n" % (n, n) for n in range(1, 2001)))
    [fact] = code(tmp_path, "The error is in big.py:1000")
    assert fact.source == "big.py:960-1040"
    quoted = fact.value.split("\n")
    assert (quoted[0], quoted[-1], len(quoted)) == ("number_960 = 960", "number_1040 = 1040", 81)
    assert code(tmp_path, "The error is in big.py") == []
    assert code(tmp_path, "The error is in big.py:99999") == []
    assert [fact.source for fact in code(tmp_path, "big.py line 2000")] == ["big.py:1960-2000"]


def test_a_file_is_quoted_without_what_could_deceive(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\u202e\x1b[2J\n\ty = 2\n", encoding="utf-8")
    assert [fact.value for fact in code(tmp_path, "a.py")] == ["x = 1[2J\n\ty = 2"]


def test_files_that_are_no_text_are_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes("größe = 1".encode("latin-1"))
    (tmp_path / "binary.py").write_bytes(b"a\0b")
    (tmp_path / "empty.py").write_bytes(b"\n")
    text = "latin.py, binary.py and empty.py"
    assert code(tmp_path, text) == []
    assert [path for _, path in named(tmp_path, text)] == ["latin.py", "binary.py", "empty.py"]


def test_names_beyond_ascii_are_found(tmp_path: Path) -> None:
    (tmp_path / "größe").mkdir()
    (tmp_path / "größe" / "länge.py").write_text("def länge_messen():\n    return 1\n", encoding="utf-8")
    assert [fact.source for fact in code(tmp_path, "Was tut länge.py?")] == ["größe/länge.py"]


@pytest.mark.parametrize(
    ("sample", "symbol", "source", "first", "last"),
    [
        ("python-uv", "parse_rows", "src/orders/rows.py:18", "@staticmethod", "    return [line.split"),
        (
            "python-uv",
            "RowWriter.save",
            "src/orders/rows.py:14",
            "    def save(self, rows):",
            "        return len(rows)",
        ),
        (
            "python-uv",
            "RowReader",
            "src/orders/rows.py:4",
            "class RowReader:",
            "            file.writelines(rows)",
        ),
        ("node-npm", "handleSubmit", "src/components/Button.tsx:17", "export const handleSubmit", "};"),
        ("node-npm", "ButtonProps", "src/components/Button.tsx:3", "export interface ButtonProps {", "}"),
        ("node-npm", "Store.save", "src/components/Button.tsx:10", "  save(item: string): void {", "  }"),
        ("go", "ParseHeader", "handler.go:15", "func ParseHeader(line string) string {", "}"),
        ("go", "Server.Save", "handler.go:7", "func (s *Server) Save(name string) error {", "}"),
        (
            "rust",
            "Index::insert",
            "src/index.rs:6",
            "    pub async fn insert(&mut self, word: String) {",
            "    }",
        ),
    ],
)
def test_the_source_of_a_named_symbol_is_quoted(
    sample: str, symbol: str, source: str, first: str, last: str
) -> None:
    [fact] = code(SAMPLES / sample, f"Why is `{symbol}` slow?")
    assert (fact.name, fact.source) == (f"`{symbol}`", source)
    quoted = fact.value.split("\n")
    assert quoted[0].startswith(first)
    assert quoted[-1].startswith(last)


@pytest.mark.parametrize("symbol", ["nothing_of_the_kind", "Store.push", "Flask.save"])
def test_a_symbol_that_is_not_defined_here_gives_nothing(symbol: str) -> None:
    assert code(SAMPLES / "node-npm", f"What does `{symbol}` do?") == []


def test_of_a_name_in_two_classes_only_the_first_of_a_file_is_quoted_unless_its_class_is_named() -> None:
    assert [fact.source for fact in code(SAMPLES / "python-uv", "`save`")] == ["src/orders/rows.py:8"]


def test_a_symbol_is_looked_for_in_the_file_that_is_named_with_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(f"def load_all():\n    return '{name}'\n")
    assert [fact.source for fact in code(tmp_path, "load_all")] == ["a.py:1", "b.py:1"]
    assert [fact.source for fact in code(tmp_path, "load_all in b.py")] == ["b.py", "b.py:1"]


def test_a_name_that_is_defined_everywhere_says_nothing(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"m{number}.py").write_text("def load_all():\n    pass\n")
    assert code(tmp_path, "load_all") == []


@pytest.mark.parametrize(
    ("path", "text", "symbol", "expected"),
    [
        ("a.py", "def broken(:\n", "broken", None),
        ("a.py", "async def f_one(\n    a,\n):\n    pass\n\n\nx = 1\n", "f_one", (1, 4)),
        ("a.py", 's = "\\d"\ndef f_two(): pass\n', "f_two", (2, 2)),
        ("a.ts", "type Id = string;\nconst x = 1;\n", "Id", (1, 1)),
        (
            "a.js",
            "function a1(x) {\n  if (x) {\n    y();\n  } else {\n    z();\n  }\n}\nb();\n",
            "a1",
            (1, 7),
        ),
        ("a.js", "if (ready) {\n  run();\n}\n", "if", None),
        (
            "A.java",
            "public class A {\n  public static int sum(int a)\n  {\n    return a;\n  }\n}\n",
            "A.sum",
            (2, 5),
        ),
        ("a.rb", "class A\n  def b_c\n    1\n  end\nend\n", "b_c", (2, 4)),
        ("a.c", "int *find_it(char *s)\n{\n  return 0;\n}\nint x;\n", "find_it", (1, 4)),
        (
            "a.cs",
            "namespace N {\n\tpublic async Task<int> LoadAsync(int id) {\n\t\treturn 1;\n\t}\n}\n",
            "LoadAsync",
            (2, 4),
        ),
    ],
)
def test_where_a_definition_starts_and_ends(
    path: str, text: str, symbol: str, expected: tuple[int, int] | None
) -> None:
    assert definition(path, text, symbol) == expected


def test_what_git_ignores_and_tools_put_there_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("generated/\n*.gen.py\n!keep.gen.py\n")
    for folder in ("generated", "node_modules/x", ".venv/lib", "src"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "rows.py").write_text("def parse_rows(): pass\n")
    for name in ("a.gen.py", "keep.gen.py"):
        (tmp_path / name).write_text("def parse_rows(): pass\n")
    assert [fact.source for fact in code(tmp_path, "parse_rows")] == ["keep.gen.py:1", "src/rows.py:1"]
    assert named(tmp_path, "rows.py") == [("rows.py", "src/rows.py")]


def test_a_file_that_comes_and_changes_is_found(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.named_files("new.py", wait=PATIENT) == (NamedFile("new.py", None),)
    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "new.py"
    file.write_text("def first_name(): pass\n")
    until(lambda: workspace.named_files("new.py", wait=PATIENT) == (NamedFile("new.py", "sub/new.py"),))
    file.write_text("def second_name(): pass\n")
    until(lambda: any(fact.name == "`second_name`" for fact in workspace.facts("second_name", wait=PATIENT)))


SECRETS = [
    ".env",
    ".env.local",
    ".env.py",
    ".envrc",
    "prod.env",
    "server.pem",
    "id_rsa",
    "id_ed25519.pub",
    "tls.key",
    ".npmrc",
    ".netrc",
    ".pypirc",
    "credentials",
    "credentials.json",
    "aws-credentials.yml",
    "client_secret.json",
    "secrets.toml",
    ".git/config",
    ".ssh/config",
    ".aws/config",
    "terraform.tfstate",
    "Credentials.XML",
]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_store_is_never_quoted(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("PASSWORD=hunter2\n")
    (tmp_path / "notes.txt").symlink_to(file)
    text = f"Look at `{name}`, `./{name}`, `{file}` and notes.txt:1"
    facts = Workspace(tmp_path).facts(text, wait=PATIENT)
    assert "hunter2" not in "".join(fact.value for fact in facts)


@pytest.mark.parametrize(
    "name", ["keyboard.py", "credentials.py", "tokens.ts", "environment.yml", "src/secrets.go"]
)
def test_code_about_secrets_is_code(name: str) -> None:
    assert not is_secret_store(name)


def test_nothing_outside_of_the_workspace_is_quoted(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "other.py").write_text("def outer_function(): return 'outside'\n")
    (outside / "requirements.txt").write_text("flask==9.9.9\n")
    (outside / "package.json").write_text('{"dependencies": {"react": "9.9.9"}}')
    (root / "link.py").symlink_to(outside / "other.py")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    (root / "requirements.txt").symlink_to(outside / "requirements.txt")
    text = (
        "link.py, folder/other.py, ../outside/other.py, src/../../outside/other.py, outer_function, "
        f"`{outside / 'other.py'}`, `folder/../../outside/other.py`, /etc/passwd, ~/.bashrc"
    )
    facts = Workspace(root).facts(text, wait=PATIENT)
    told = " ".join(f"{fact.name} {fact.value} {fact.source}" for fact in facts)
    assert "9.9.9" not in told
    assert [fact for fact in facts if fact.kind is GapKind.CODE] == []
    assert all(path is None for _, path in named(root, text))


def test_a_link_inside_of_the_workspace_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to("real.py")
    assert [fact.value for fact in code(tmp_path, "link.py")] == ["x = 1"]


def test_an_absolute_path_into_the_workspace_is_found(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text("x = 1\n")
    path = os.path.realpath(tmp_path / "real.py")
    assert named(tmp_path, f"See {path}:1") == [(path, "real.py")]
    assert named(tmp_path, "See /opt/app/gone.py") == []
