"""What the manifests and lock files of one language say about a project, before it is put into words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devrouter.core.technologies import TECHNOLOGIES, Category

if TYPE_CHECKING:
    from devrouter.workspace.reading import Files

_TOOLS = """
    webpack vite rollup esbuild eslint prettier ruff mypy dbt ansible uv poetry conda jupyter
"""
_TOOLS_THAT_ARE_PACKAGES = frozenset(_TOOLS.split())
# These names are words as well, and other ecosystems have packages of the same name that are something else.
_WORDS = {
    "npm": frozenset({"express", "remix", "astro", "mocha", "bootstrap", "prettier"}),
    "PyPI": frozenset({"poetry"}),
    "Go": frozenset({"gin"}),
    "crates.io": frozenset[str](),
}
_OTHER_NAMES = {
    "next": "Next.js",
    "@angular/core": "Angular",
    "@nestjs/core": "NestJS",
    "@mui/material": "Material UI",
    "@reduxjs/toolkit": "Redux Toolkit",
    "@playwright/test": "Playwright",
    "typescript": "TypeScript",
    "three": "Three.js",
    "d3": "D3",
    "torch": "PyTorch",
    "opencv-python": "OpenCV",
    "djangorestframework": "Django REST framework",
    "apache-airflow": "Airflow",
}
_DATABASES = {
    "PostgreSQL": "psycopg psycopg2 psycopg2-binary asyncpg pg postgres lib/pq jackc/pgx tokio-postgres",
    "MySQL": "mysqlclient pymysql mysql-connector-python mysql mysql2 go-sql-driver/mysql mysql_async",
    "SQLite": "aiosqlite better-sqlite3 sqlite3 mattn/go-sqlite3 rusqlite",
    "MongoDB": "pymongo motor mongodb mongoose mongo-driver",
    "Redis": "redis ioredis redis/go-redis",
    "DuckDB": "duckdb",
    "Elasticsearch": "elasticsearch @elastic/elasticsearch",
}
DATABASE_CLIENTS = {client: name for name, clients in _DATABASES.items() for client in clients.split()}
TEST_FRAMEWORKS = (
    "pytest",
    "vitest",
    "jest",
    "mocha",
    "jasmine",
    "@playwright/test",
    "cypress",
    "stretchr/testify",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and the file that says so, relative to the workspace."""

    value: str
    source: str


@dataclass(slots=True)
class Project:
    """`versions` are of languages and runtimes by their usual names, the most exact first entered.

    `direct` holds what the manifest asks for by package name, `locked` what is installed; `registry` is where
    such names belong. `language` and `manager` are as a developer would say them.
    """

    registry: str
    language: Found | None = None
    versions: dict[str, Found] = field(default_factory=dict)
    direct: dict[str, Found] = field(default_factory=dict)
    locked: dict[str, Found] = field(default_factory=dict)
    manager: Found | None = None
    test_command: Found | None = None

    def version(self, package: str) -> Found | None:
        """The installed version of a package, else what the manifest asks for."""
        return self.locked.get(package) or self.direct.get(package)

    def set_version(self, name: str, value: str, source: str) -> None:
        """Enter the version of a language or runtime unless a more exact one is known."""
        if value.strip() and name not in self.versions:
            self.versions[name] = Found(value.strip(), source)


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of the workspace as its manifests see it; `path` is empty for the root."""

    files: Files
    path: str

    def has(self, name: str) -> bool:
        return name in self.files.names(self.path) and self.files.is_file(self.source(name))

    def source(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def text(self, name: str, most: int = 1_000_000) -> str | None:
        return self.files.text(self.source(name), most) if self.has(name) else None

    def for_lock(self, *names: str) -> Folder:
        """This folder if it holds one of the lock files, else the root, which locks for all its packages."""
        return self if any(map(self.has, names)) else Folder(self.files, "")


def usual_name(package: str, registry: str) -> str:
    """ "Flask" for `flask`. A client named like its server ("redis") keeps its own name and version."""
    name = package.lower()
    if registry == "Go":
        parts = [part for part in name.split("/") if not re.fullmatch(r"v\d+", part)]
        name = parts[-1] if parts else name
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    technology = TECHNOLOGIES.get(name)
    if technology is None or (technology.is_word and name not in _WORDS.get(registry, ())):
        return package
    if technology.category in (Category.FRAMEWORK, Category.LIBRARY, Category.TESTING):
        return technology.name
    return technology.name if name in _TOOLS_THAT_ARE_PACKAGES else package


def category_of(package: str, registry: str) -> Category | None:
    """What sort of thing a package is, if it is well known."""
    name = usual_name(package, registry)
    technology = TECHNOLOGIES.get(name.lower())
    return technology.category if technology is not None and technology.name == name else None
