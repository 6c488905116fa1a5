"""Where prompts live in a document, to the character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.draft import Destination, Document, Region, draft_of, prompts_in, selection_region
from devrouter.core.text import Span

CHAT, AGENT = Destination.CHAT, Destination.AGENT
LINE_ENDS = ["\n", "\r\n", "\r"]


def document(text: str, uri: str = "untitled:Untitled-1", language_id: str = "prompt") -> Document:
    return Document(uri, language_id, 1, text)


def note(text: str) -> Document:
    return document(text, "file:///home/me/notes.md", "markdown")


def prompts(
    source: Document, agent_patterns: tuple[str, ...] = (), include: tuple[str, ...] = ()
) -> list[tuple[str, Destination]]:
    regions = prompts_in(source, agent_patterns, include)
    return [(source.text[region.span.start : region.span.end], region.destination) for region in regions]


# Which documents hold prompts


@pytest.mark.parametrize(
    ("uri", "language_id", "destination"),
    [
        ("file:///home/me/fix.prompt.md", "prompt", CHAT),
        ("file:///home/me/fix.prompt.md", "markdown", CHAT),
        ("file:///home/me/Fix.Prompt.MD", "markdown", CHAT),
        ("file:///home/me/fix.prompt", "plaintext", CHAT),
        ("file:///home/me/fix.prompt.txt", "plaintext", CHAT),
        ("file:///c%3A/Users/J%C3%BCrgen%20M/fix%2Eprompt.md", "markdown", CHAT),
        ("file://server/share/fix.prompt.md", "markdown", CHAT),
        ("vscode-remote://ssh-remote%2Bbox/home/me/fix.prompt.md", "markdown", CHAT),
        (r"C:\Users\me\fix.prompt.md", "markdown", CHAT),
        ("/home/me/fix.prompt.md", "markdown", CHAT),
        ("untitled:Untitled-1", "prompt", CHAT),
        ("untitled:/home/me/new.prompt.md", "plaintext", CHAT),
        ("vscode-notebook-cell:/home/me/n.ipynb#W0sZmlsZQ%3D%3D", "prompt", CHAT),
        ("file:///home/me/anything.txt", "prompt", CHAT),
        ("file:///home/me/CLAUDE.md", "prompt", CHAT),
        ("file:///tmp/claude-prompt-8c1f.md", "markdown", AGENT),
        ("file:///c%3A/Temp/claude-prompt-8c1f.md", "markdown", AGENT),
        ("file:///tmp/gemini-edit-x7/buffer.txt", "plaintext", AGENT),
        ("file:///tmp/session.pi.md", "markdown", AGENT),
        ("untitled:Untitled-1", "plaintext", None),
        ("untitled:Untitled-1", "markdown", None),
        ("file:///home/me/main.py", "python", None),
        ("file:///home/me/README.md", "markdown", None),
        ("file:///home/me/my.prompts/README.md", "markdown", None),
        ("file:///home/me/claude-prompt-library/README.md", "markdown", None),
        ("file:///tmp/other/buffer.txt", "plaintext", None),
        ("chatSessionInput:input-1", "plaintext", CHAT),
        ("file:///home/me/prompt.md", "markdown", None),
        ("file:///home/me/style.instructions.md", "instructions", None),
        ("file:///home/me/style.instructions.md", "markdown", None),
        ("file:///home/me/helper.agent.md", "chatagent", None),
        ("file:///home/me/old.chatmode.md", "markdown", None),
        ("file:///home/me/.github/agents/helper.md", "markdown", None),
        ("file:///home/me/.claude/agents/team/helper.md", "markdown", None),
        ("file:///home/me/skills/x/SKILL.md", "skill", None),
        ("file:///home/me/skills/x/SKILL.md", "markdown", None),
        ("file:///home/me/CLAUDE.md", "markdown", None),
        ("file:///home/me/AGENTS.md", "markdown", None),
        ("file:///home/me/GEMINI.md", "markdown", None),
        ("file:///home/me/.github/copilot-instructions.md", "markdown", None),
        ("file://[/broken.txt", "plaintext", None),
        ("", "", None),
    ],
)
def test_a_document_is_a_prompt_by_its_name_or_language(
    uri: str, language_id: str, destination: Destination | None
) -> None:
    expected = [("Fix the login.", destination)] if destination else []
    assert prompts(document("Fix the login.\n", uri, language_id)) == expected


@pytest.mark.parametrize("name", ["AGENTS.md", "CLAUDE.md", "x.instructions.md", "skills/SKILL.md"])
def test_a_fence_in_instructions_is_left_alone_until_they_are_included(name: str) -> None:
    text = "Be kind.\n\n```prompt\nFix it\n```\n"
    source = document(text, f"file:///w/{name}", "markdown")
    assert prompts(source) == []
    assert prompts(source, include=("other.md",)) == []
    assert prompts(source, include=(name,)) == [(text.strip(), AGENT)]


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("COMMIT_*", "/tmp/COMMIT_MSG", True),
        ("*.draft.md", "/w/a.draft.md", True),
        ("*.draft.md", "/w/a.draft.md/other", False),
        ("*.draft.md", "/w/a-draft.md", False),
        ("aider-*/input.md", "/tmp/aider-77/input.md", True),
        ("aider-*/input.md", "/tmp/aider-77/x/input.md", False),
        ("tmp/*.md", "/home/tmp/x.md", True),
        ("/tmp/*.md", "/home/tmp/x.md", False),
        ("/tmp/*.md", "/tmp/x.md", True),
        ("/tmp/**/x.md", "/tmp/x.md", True),
        ("/tmp/**/x.md", "/tmp/a/b/x.md", True),
        ("/tmp/**", "/tmp/a/b/x.md", True),
        ("drafts/**", "/w/mydrafts/x.md", False),
        ("?.md", "/w/a.md", True),
        ("?.md", "/w/ab.md", False),
        ("[x].md", "/w/x.md", False),
        (r"tmp\*.md", "/c:/tmp/x.md", True),
        ("**/**/**/**/**/**/**/**/**/**/**/**/**/nowhere", "/" + "a/" * 60, False),
    ],
)
def test_a_users_pattern_marks_drafts_of_an_agent(glob: str, path: str, *, matches: bool) -> None:
    source = document("Fix it", f"file://{path}", "plaintext")
    assert prompts(source, agent_patterns=(glob,)) == ([("Fix it", AGENT)] if matches else [])


# Front matter


@pytest.mark.parametrize(
    ("header", "destination"),
    [
        ("description: a fix", CHAT),
        ("mode: agent", AGENT),
        ("agent: agent", AGENT),
        ("agent: 'agent'", AGENT),
        ("agent: reviewer", AGENT),
        ("mode: ask", CHAT),
        ("agent: ask", CHAT),
        ("mode: edit", CHAT),
        ("agent:", CHAT),
        ("tools: ['search', 'edit']", AGENT),
        ("tools:\n  - search", AGENT),
        ("tools: search", AGENT),
        ("tools: []", CHAT),
        ("tools:", CHAT),
        ("tools: null", CHAT),
        ("description: mode agent tools", CHAT),
        ("model: GPT-5 (copilot)\nmode: agent\ndate: 2025-99-99", AGENT),
        ("", CHAT),
        ("# mode: agent", CHAT),
        ("mode: [agent", CHAT),
        ("mode: agent\n\ttools: : {", CHAT),
        ("- mode\n- agent", CHAT),
        ("mode agent", CHAT),
        ("{[a]: mode}", CHAT),
        ("agent: \x00", CHAT),
        ("agent: \ud800", CHAT),
        ("mode: " + "[" * 20_000, CHAT),
        ("mode: [agent]", CHAT),
        ("mode: &a [*a]", CHAT),
    ],
)
@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_front_matter_chooses_who_reads_and_is_no_part_of_the_prompt(
    header: str, destination: Destination, line_end: str
) -> None:
    text = f"---\n{header}\n---\n\nFix the login.\n\n---\n\nAnd test it.\n".replace("\n", line_end)
    body = "Fix the login.\n\n---\n\nAnd test it.".replace("\n", line_end)
    assert prompts(document(text)) == [(body, destination)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        " \t\r\n\u2028\u00a0\x0c",
        "\ufeff",
        "---\nmode: agent\n---",
        "---\nmode: agent\n---\n \n",
        "---\n---\n",
        "---\nmode: agent\n",
        "---",
        "\ufeff---\nmode: agent\n---\n",
    ],
)
def test_a_file_without_a_prompt_has_no_region(text: str) -> None:
    assert prompts(document(text)) == []


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("--- \nmode: agent\n---\t\nFix it", "Fix it"),
        ("\ufeff---\nmode: agent\n---\nFix it", "Fix it"),
        ("\ufeffFix it", "Fix it"),
        ("---x\nFix it\n---", "---x\nFix it\n---"),
        ("----\nFix it", "----\nFix it"),
        ("\n---\nFix it\n---", "---\nFix it\n---"),
        ("Fix it\n---\nmode: agent\n---\n", "Fix it\n---\nmode: agent\n---"),
        ("---\na: b---\n ---\n---\nFix it", "Fix it"),
        ("---\na: \u2028---\u2028b\n---\nFix it", "Fix it"),
    ],
)
def test_only_a_block_at_the_very_start_is_front_matter(text: str, body: str) -> None:
    assert [found for found, _ in prompts(document(text))] == [body]


# Fenced blocks

NOTE = """# Notes

```prompt
Fix the\u2028 login.\x0cNow.

    And  the tests. 😀
```

```python
print("prompt")
```

1. first

   ~~~ Prompt title=x
   Explain this.
   ~~~ not the end

   ~~~

````markdown
```prompt
an example
```
````

> ```prompt
> somebody's words
> ```

<!--
```prompt
hidden
```
-->

    ```prompt
    code
    ```

```prompts
no
```

``` prompt
```

```prompt

  \t
```

- ```prompt
  Write a test.

  For `add`.
  ```

~~~prompt
never closed
```"""


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_each_prompt_fence_of_a_note_is_a_prompt(line_end: str) -> None:
    expected = [
        "Fix the\u2028 login.\x0cNow.\n\n    And  the tests. 😀",
        "Explain this.\n   ~~~ not the end",
        "Write a test.\n\n  For `add`.",
        "never closed\n```",
    ]
    text = NOTE.replace("\n", line_end)
    assert prompts(note(text)) == [(body.replace("\n", line_end), CHAT) for body in expected]


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("```prompt\nx", ["x"]),
        ("```prompt\nx\n", ["x"]),
        ("```prompt\nx\n```", ["x"]),
        ("```prompt", []),
        ("```prompt\n", []),
        ("```prompt\n```", []),
        ("```PROMPT\nx\n```", ["x"]),
        ("```prompt {.wide}\nx\n```", ["x"]),
        ("```{prompt}\nx\n```", []),
        ("`````prompt\n```\ny\n```\n`````", ["```\ny\n```"]),
        ("text\n```prompt\nx\n```\ntext\n```prompt\ny\n```", ["x", "y"]),
        ("```prompt\nx\n~~~\n```", ["x\n~~~"]),
        ("```\n```prompt\nx\n```", []),
        ("```prompt\r\nmixed\nline\rends\r\n```\r", ["mixed\nline\rends"]),
        ("\x0b\u2028\x85\n```prompt\nx\n```", ["x"]),
        ("\x00\n```prompt\nnull \x00 byte\n```", ["null \x00 byte"]),
        ("- a\n  - b\n    ```prompt\n    x\n    ```\n", ["x"]),
        ("- a\n\n  ```prompt\n  x\nleft the list\n", ["x"]),
        ("> quoted\n\n```prompt\nx\n```", ["x"]),
        ("`prompt` is a word, ``` prompt ``` too", []),
    ],
)
def test_fences_as_commonmark_reads_them(text: str, bodies: list[str]) -> None:
    assert [body for body, _ in prompts(note(text))] == bodies


def test_a_markdown_cell_and_an_emacs_buffer_are_notes_too() -> None:
    text = "```prompt\nx\n```"
    assert prompts(document(text, "vscode-notebook-cell:/n.ipynb#a", "markdown")) == [("x", CHAT)]
    assert prompts(document(text, "file:///w/notes", "gfm")) == [("x", CHAT)]
    assert prompts(document(text, "file:///w/main.py", "python")) == []


FENCES = [
    "```prompt",
    "```",
    "~~~prompt",
    "~~~",
    "````",
    "> ",
    "- ",
    "1. ",
    "   ",
    "\t",
    "<!--",
    "-->",
    "---",
]
CHUNKS = st.sampled_from([*FENCES, "fix", "\n", "\r\n", "\r", "\u2028", "\x0c", "\x85", "😀", "\x00"])
MARKDOWN = st.lists(CHUNKS, max_size=40).map("".join)


@given(MARKDOWN | st.text())
def test_regions_lie_in_the_text_in_order_and_hold_words(text: str) -> None:
    for source in (note(text), document(text)):
        last = 0
        for region in prompts_in(source):
            body = text[region.span.start : region.span.end]
            assert last <= region.span.start
            assert region.span.end <= len(text)
            assert body == body.strip() != ""
            last = region.span.end


@given(
    st.text(alphabet="ab \u2028\x0c\x85\x1c😀\n", max_size=40).filter(str.strip), st.sampled_from(LINE_ENDS)
)
def test_whatever_stands_in_a_fence_is_the_prompt(body: str, line_end: str) -> None:
    body = body.replace("\n", line_end)
    text = f"a{line_end}{line_end}```prompt{line_end}{body}{line_end}```{line_end}b"
    assert prompts(note(text)) == [(body.strip(), CHAT)]


# Selections and drafts


@pytest.mark.parametrize(
    ("span", "body"),
    [
        (Span(0, 12), "fix the bug"),
        (Span(3, 8), "the"),
        (Span(8, 3), "the"),
        (Span(-5, 99), "fix the bug"),
        (Span(3, 4), None),
        (Span(5, 5), None),
        (Span(50, 60), None),
    ],
)
def test_a_selection_is_a_prompt_without_its_rim_of_white_space(span: Span, body: str | None) -> None:
    source = document("fix the bug\n", "file:///w/main.py", "python")
    region = selection_region(source, span)
    if body is None:
        assert region is None
    else:
        assert region is not None
        assert (source.text[region.span.start : region.span.end], region.destination) == (body, CHAT)


def test_a_draft_carries_what_an_engine_must_know() -> None:
    source = Document("untitled:x", "prompt", 7, "---\nmode: agent\n---\nWarum geht das nicht?\n")
    (region,) = prompts_in(source)
    draft = draft_of(source, region)
    assert (draft.text, draft.version, draft.language, draft.destination) == (
        "Warum geht das nicht?",
        7,
        "de",
        AGENT,
    )
    assert draft_of(source, Region(Span(4, 8), CHAT)).text == "mode"
