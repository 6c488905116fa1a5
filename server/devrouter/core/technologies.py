"""Well-known languages, frameworks, libraries, databases, tools and platforms, and finding them in a text.

The table tells whether a prompt names its stack, so it holds what developers write, not all there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from devrouter.core.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Category(StrEnum):
    """What sort of thing a technology is."""

    LANGUAGE = "language"
    FRAMEWORK = "framework"
    LIBRARY = "library"
    TESTING = "testing"
    DATABASE = "database"
    TOOL = "tool"
    PLATFORM = "platform"
    SYSTEM = "system"
    BROWSER = "browser"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Technology:
    """`name` is the usual spelling. `is_word` marks names that are also English words or single letters."""

    name: str
    category: Category
    is_word: bool = False


# Separated by semicolons: the usual spelling, then other spellings after "=". A leading "?" marks a spelling
# that is an English word as well.
_TABLE: Mapping[Category, str] = {
    Category.LANGUAGE: """
        Python=py,cpython,python2,python3; JavaScript=js,javascript,ecmascript; TypeScript=ts,tsx;
        Java; Kotlin; Scala; Groovy; Clojure=clojurescript; C#=csharp,c sharp; F#=fsharp;
        Visual Basic=vb.net,vba,vb6; C++=cpp,c++11,c++14,c++17,c++20,c++23; ?C; ?R; ?Go=golang; ?Rust; ?Swift;
        Objective-C=objc; ?Ruby; PHP; Perl; Lua=luau; ?Dart; ?Elixir; Erlang; Haskell; OCaml; ?Elm;
        ?Julia; MATLAB=octave; Fortran; COBOL; ?Zig; ?Nim; ?Scheme; Lisp=elisp,common lisp; Prolog;
        Solidity; Verilog=systemverilog; VHDL; Bash=sh; Zsh; PowerShell=pwsh; SQL; T-SQL=tsql;
        PL/SQL=plsql; HTML=html5; CSS=css3; Sass=scss; GraphQL; GDScript; ?Apex;
        Assembly language=x86,nasm; WebAssembly=wasm; LaTeX=tex; Pascal=delphi; Pine Script=pinescript
    """,
    Category.FRAMEWORK: """
        React=reactjs,react.js; React Native=react-native; Next.js=nextjs; Vue=vuejs,vue.js;
        Nuxt=nuxtjs,nuxt.js; Angular=angularjs; Svelte=sveltekit; SolidJS=solid.js; ?Remix; Gatsby;
        ?Astro; ?Ember; ?Express=expressjs,express.js; NestJS=nest.js; Fastify; Koa;
        Django=drf,django rest framework; Flask; FastAPI; Streamlit; Gradio; Rails=ruby on rails,ror;
        Sinatra; Laravel; Symfony; WordPress; ?Spring; Spring Boot=springboot; Quarkus; Micronaut;
        Ktor; ASP.NET=asp.net core; .NET=dotnet,.net core; Blazor; WPF; WinForms=windows forms; MAUI;
        Xamarin; Flutter; SwiftUI; UIKit; Jetpack Compose; Electron; Tauri;
        Qt=pyqt,pyqt5,pyqt6,pyside,pyside6; Tkinter; ?Phoenix; ?Gin; Axum; Actix=actix-web;
        ?Unity=unity3d; Unreal Engine=?unreal,ue5; Godot; Pygame; Discord.js; discord.py
    """,
    Category.LIBRARY: """
        NumPy; pandas; Polars; SciPy; Matplotlib=pyplot; Seaborn; Plotly; scikit-learn=sklearn;
        PyTorch; TensorFlow; Keras; JAX; Hugging Face=huggingface; LangChain; OpenCV=cv2;
        BeautifulSoup=bs4,beautifulsoup4; Scrapy; SQLAlchemy; Alembic; Pydantic; Celery; asyncio;
        HTTPX; aiohttp; Redux=redux toolkit; Zustand; jQuery; Axios; Lodash; RxJS; D3=d3.js,d3js;
        Three.js=threejs; Tailwind=tailwind css,tailwindcss; ?Bootstrap; Material UI=mui;
        shadcn=shadcn/ui; TanStack=react query; Zod; Prisma; Sequelize; TypeORM; Drizzle=drizzle-orm;
        Mongoose; Hibernate; Lombok; Entity Framework=ef core; LINQ; Tokio; Serde; ?Boost; OpenGL;
        Vulkan; CUDA; gRPC; Protobuf=protocol buffers; Socket.IO=socketio; PySpark; dplyr;
        ggplot2=ggplot; tidyverse; ?Shiny
    """,
    Category.TESTING: """
        pytest; unittest; Jest; Vitest; ?Mocha; Jasmine; Cypress; Playwright; Puppeteer; Selenium;
        JUnit; Mockito; TestNG; NUnit; xUnit; RSpec; PHPUnit; ?Pest; XCTest; ?Espresso;
        GoogleTest=gtest; Testing Library=react testing library; ?Cucumber
    """,
    Category.DATABASE: """
        PostgreSQL=postgres,psql; MySQL; MariaDB; SQLite=sqlite3; SQL Server=mssql; ?Oracle;
        MongoDB=mongo; Redis; Cassandra; DynamoDB; Firestore; Elasticsearch; OpenSearch; ClickHouse;
        BigQuery; Snowflake; Redshift; DuckDB; Neo4j; InfluxDB; CockroachDB; Supabase
    """,
    Category.TOOL: """
        Git; Docker=docker compose,docker-compose,dockerfile; Podman; Kubernetes=k8s,kubectl; ?Helm;
        Terraform; Ansible; Jenkins; GitHub Actions; GitLab=gitlab ci; Nginx; Apache; Kafka; RabbitMQ;
        Airflow; ?Spark=apache spark; Hadoop; dbt; Prometheus; Grafana; Webpack; Vite; Rollup; esbuild;
        ?Babel; ESLint; ?Prettier; npm; pnpm; Yarn; pip; ?Poetry; conda=anaconda; uv; Ruff; mypy;
        Maven=mvn; Gradle; ?Ant; CMake; ?Make=makefile; Bazel; Cargo; ?Composer;
        Jupyter=jupyter notebook; Ollama; ?Excel; Power BI; Arduino
    """,
    Category.PLATFORM: """
        Node.js=?node,nodejs; Deno; ?Bun; JVM=jdk,openjdk; AWS=ec2,aws lambda; Azure; Google Cloud=gcp;
        Firebase; Heroku; Vercel; Netlify; Cloudflare=cloudflare workers; Android; iOS=ipados;
        Raspberry Pi; ESP32=esp8266; Salesforce; Shopify
    """,
    Category.SYSTEM: """
        Linux; Ubuntu; Debian; Fedora; CentOS; RHEL=red hat; Arch Linux; ?Alpine; ?Windows=win10,win11;
        WSL=wsl2; macOS=osx,os x,?mac,macbook; FreeBSD
    """,
    Category.BROWSER: """
        Chrome=chromium; Firefox; ?Safari; Microsoft Edge
    """,
    Category.EDITOR: """
        VS Code=vscode,visual studio code; Visual Studio; IntelliJ=intellij idea; PyCharm; WebStorm;
        Android Studio; Xcode; Neovim=nvim; Vim; Emacs; Sublime Text=?sublime
    """,
}

_EXTENSIONS = """
    py=Python js=JavaScript mjs=JavaScript jsx=JavaScript ts=TypeScript tsx=TypeScript java=Java kt=Kotlin
    scala=Scala cs=C# fs=F# cpp=C++ cc=C++ hpp=C++ c=C h=C go=Go rs=Rust swift=Swift rb=Ruby php=PHP pl=Perl
    lua=Lua dart=Dart ex=Elixir exs=Elixir erl=Erlang hs=Haskell ml=OCaml elm=Elm jl=Julia r=R zig=Zig nim=Nim
    sol=Solidity vhd=VHDL sh=Bash bash=Bash zsh=Zsh ps1=PowerShell sql=SQL html=HTML css=CSS scss=Sass
    vue=Vue svelte=Svelte gd=GDScript tex=LaTeX tf=Terraform ipynb=Jupyter csproj=.NET
"""


def _read_table() -> dict[str, Technology]:
    table: dict[str, Technology] = {}
    for category, lines in _TABLE.items():
        for entry in lines.split(";"):
            spellings = entry.strip().replace("=", ",").split(",")
            name = spellings[0].removeprefix("?")
            for spelling in spellings:
                written = spelling.removeprefix("?").lower()
                table[written] = Technology(name, category, is_word=spelling.startswith("?"))
    return table


TECHNOLOGIES: Mapping[str, Technology] = _read_table()
"""Every spelling in lower case, of one to three words, to the technology it names."""

# A file's extension is certain, whatever word the language's name may be.
EXTENSIONS: Mapping[str, Technology] = {
    extension: replace(TECHNOLOGIES[name.lower()], is_word=False)
    for extension, name in (pair.split("=") for pair in _EXTENSIONS.split())
}
"""File extension without its dot, in lower case, to the language that it tells of."""

_FIRST_WORDS = frozenset(name.partition(" ")[0] for name in TECHNOLOGIES if " " in name)
_TOKEN = re.compile(r"\.?[A-Za-z][\w+#.-]*")
_VERSION_TAIL = re.compile(r"[-@]?v?\d[\w.]*\Z")
_SAYS_TECHNOLOGY = re.compile(r"(?:\b(?:in|using|with)\s+|[`(/+])\Z", re.IGNORECASE)
_TECHNOLOGY_FOLLOWS = re.compile(
    r"\s*(?:v?\d|(?:code|programs?|apps?|projects?|functions?|scripts?|modules?|tests?|language|programming"
    r"|developers?|service|server|backend|files?|syntax|compiler|structs?)\b)",
    re.IGNORECASE,
)


def technologies_in(text: str) -> Iterator[tuple[Technology, Span]]:
    """Each mention of a known technology with where it stands, in order. Linear in the text.

    A file name counts as its language ("src/app.py" tells Python). A name that is an English word counts only
    where its surroundings say so: "in go", "Rust 1.80", "the Swift code", but not "go on" or "a swift reply".
    """
    tokens = list(_TOKEN.finditer(text))
    index = 0
    while index < len(tokens):
        found = None
        if tokens[index].group().lower() in _FIRST_WORDS:
            found = _of_words(text, tokens[index : index + 3]) or _of_words(text, tokens[index : index + 2])
        if found is not None:
            technology, span, count = found
            yield technology, span
            index += count
            continue
        single = _of_token(text, tokens[index])
        if single is not None:
            yield single
        index += 1


def _of_words(text: str, tokens: list[re.Match[str]]) -> tuple[Technology, Span, int] | None:
    """The technology that two or three tokens name together ("Spring Boot"), with the count of tokens."""
    span = Span(tokens[0].start(), tokens[-1].end() - _trailing(tokens[-1].group()))
    # No name is longer than this, and a gap in the text may be.
    written = text[span.start : span.end] if span.end - span.start < 40 else ""
    technology = TECHNOLOGIES.get(" ".join(written.lower().split()))
    return (technology, span, len(tokens)) if technology and len(tokens) > 1 else None


def _of_token(text: str, token: re.Match[str]) -> tuple[Technology, Span] | None:
    word = token.group()
    if word.isalpha() and word.lower() not in TECHNOLOGIES:
        # Most words of a draft end here: what follows is for names with a version, a dot or a dash.
        return None
    span = Span(token.start(), token.end() - _trailing(word))
    technology = _named(text[span.start : span.end].lower())
    if technology is None or (technology.is_word and not _is_meant(text, span)):
        return None
    return technology, span


def _trailing(token: str) -> int:
    """How many characters of punctuation end the token."""
    return len(token) - len(token.rstrip(".-"))


def _named(name: str) -> Technology | None:
    """The technology that one token names: as it stands, without its version, by extension or by its head."""
    if name in TECHNOLOGIES:
        return TECHNOLOGIES[name]
    head = _VERSION_TAIL.sub("", name) if len(name) < 60 else name
    if head in TECHNOLOGIES:
        return TECHNOLOGIES[head]
    stem, _, extension = name.rpartition(".")
    if stem and extension in EXTENSIONS:
        return EXTENSIONS[extension]
    technology = TECHNOLOGIES.get(name.partition("-")[0])
    return None if technology is None or technology.is_word else technology


def _is_meant(text: str, span: Span) -> bool:
    """Whether a name that is also a word means the technology here."""
    before = text[max(0, span.start - 12) : span.start]
    after = text[span.end : span.end + 16]
    if _TECHNOLOGY_FOLLOWS.match(after):
        return True
    starts_sentence = before.rstrip()[-1:] in ("", *".!?:")
    if text[span.start].isupper() and not starts_sentence and "\n" not in before[-1:]:
        return True
    return _SAYS_TECHNOLOGY.search(before) is not None
