"""Which technologies a prompt names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.technologies import technologies_in


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I use python3.11, Django 5 and React Native.", ["Python", "Django", "React Native"]),
        ("a Spring Boot app with postgres", ["Spring Boot", "PostgreSQL"]),
        ("ruby on rails", ["Rails"]),
        ("src/app.py and main.go", ["Python", "Go"]),
        ("c code, c++ code, in c#", ["C", "C++", "C#"]),
        ("Next.js/TypeScript with node 20 on Windows 11", ["Next.js", "TypeScript", "Node.js", "Windows"]),
        ("a react-based site", ["React"]),
        ("write it in go", ["Go"]),
        ("convert to Rust", ["Rust"]),
        ("golang", ["Go"]),
        ("```go\nx\n```", ["Go"]),
        ("go through the nodes of the tree with a sliding windows of 3", []),
        ("please express it in a swift reply. Go on, make it better", []),
        ("the README.md", []),
    ],
)
def test_mentions(text: str, names: list[str]) -> None:
    assert [technology.name for technology, _ in technologies_in(text)] == names


@given(st.text())
def test_mentions_lie_in_the_text_in_order(text: str) -> None:
    end = 0
    for _, span in technologies_in(text):
        assert end <= span.start < span.end <= len(text)
        end = span.end
