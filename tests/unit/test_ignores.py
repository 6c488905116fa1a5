import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from devrouter.app.ignore_settings import ignore_for_user, ignore_in_project, ignored_by, show_again_in
from devrouter.app.ignores import IgnoreError, Ignores, default_state_file, is_ignored_in_project
from devrouter.app.settings import Ignore, Settings
from devrouter.app.settings_sources import load_settings
from devrouter.core.gaps import Gap, GapKind
from devrouter.core.text import Span

TEXT = "My app crashes when it loads the confidential ledger."
URI = "file:///work/a.prompt.md"
SETTINGS = Settings()


def gap(phrase: str, kind: GapKind, words: str = "", text: str = TEXT) -> Gap:
    start = text.index(words)
    return Gap(phrase, kind, Span(start, start + len(words)), anchored=bool(words))


CRASH = gap("the error message", GapKind.ERROR, "crashes")
VERSION = gap("Flask version", GapKind.VERSION)


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ignored.json"


class TestHere:
    def test_an_ignored_finding_stays_ignored_in_the_next_session(self, state_file: Path) -> None:
        ignores = Ignores(state_file)
        assert not ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)
        ignores.ignore_here(URI, CRASH, TEXT)
        assert ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)
        assert Ignores(state_file).is_ignored(URI, CRASH, TEXT, SETTINGS)

    def test_it_is_this_finding_in_this_document_and_no_other(self, state_file: Path) -> None:
        ignores = Ignores(state_file)
        ignores.ignore_here(URI, CRASH, TEXT)
        others = [
            ("file:///work/b.prompt.md", CRASH),
            (URI, gap("the error message", GapKind.BEHAVIOUR, "crashes")),
            (URI, gap("the stack trace", GapKind.ERROR, "crashes")),
            (URI, gap("the error message", GapKind.ERROR, "loads")),
            (URI, gap("the error message", GapKind.ERROR)),
        ]
        for uri, other in others:
            assert not ignores.is_ignored(uri, other, TEXT, SETTINGS)

    def test_it_moves_with_its_words_and_shows_again_when_they_change(self, state_file: Path) -> None:
        ignores = Ignores(state_file)
        ignores.ignore_here(URI, CRASH, TEXT)
        longer = "Hello. " + TEXT
        moved = gap("The  error message.", GapKind.ERROR, "crashes", longer)
        assert ignores.is_ignored(URI, moved, longer, SETTINGS)
        edited = TEXT.replace("crashes", "freezes")
        assert not ignores.is_ignored(
            URI, gap("the error message", GapKind.ERROR, "freezes", edited), edited, SETTINGS
        )

    def test_one_about_no_words_survives_an_edit_of_the_first_line(self, state_file: Path) -> None:
        ignores = Ignores(state_file)
        ignores.ignore_here(URI, Gap("Flask version", GapKind.VERSION, Span(0, 20), anchored=False), TEXT)
        edited = "Please help. " + TEXT
        later = Gap("Flask version", GapKind.VERSION, Span(0, 40), anchored=False)
        assert ignores.is_ignored(URI, later, edited, SETTINGS)

    def test_no_word_of_the_prompt_or_the_finding_is_written(self, state_file: Path) -> None:
        secret = gap("the ledger's password", GapKind.CODE, "the confidential ledger")
        Ignores(state_file).ignore_here(URI, secret, TEXT)
        written = b"".join(file.read_bytes() for file in state_file.parent.iterdir())
        assert written
        for word in ("confidential", "ledger", "password"):
            assert word.encode() not in written

    def test_they_are_listed_latest_first_and_can_be_removed(self, state_file: Path) -> None:
        ignores = Ignores(state_file)
        ignores.ignore_here(URI, CRASH, TEXT)
        ignores.ignore_here(URI, VERSION, TEXT)
        latest, first = ignores.listed()
        assert [(entry.kind, entry.uri) for entry in (latest, first)] == [("version", URI), ("error", URI)]
        assert (latest.since or 0) >= (first.since or 0) > 0
        assert ignores.remove(first.key)
        assert not ignores.remove(first.key)
        assert not ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)
        assert Ignores(state_file).listed() == (latest,)

    def test_a_kind_is_ignored_in_one_file_whatever_the_words(self, state_file: Path) -> None:
        ignores = Ignores(state_file)
        ignores.ignore_kind(URI, GapKind.ERROR)
        other = gap("the stack trace", GapKind.ERROR, "loads")
        assert all(Ignores(state_file).is_ignored(URI, one, TEXT, SETTINGS) for one in (CRASH, other))
        assert not ignores.is_ignored(URI, VERSION, TEXT, SETTINGS)
        assert not ignores.is_ignored("file:///work/b.prompt.md", CRASH, TEXT, SETTINGS)
        (entry,) = ignores.listed()
        assert (entry.kind, entry.uri, entry.phrase) == ("error", URI, "*")
        assert ignores.remove(entry.key)
        assert not ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)

    def test_what_the_first_version_kept_stays_ignored_and_is_never_lost(self, state_file: Path) -> None:
        # As version 1 wrote it: the hash of CRASH in TEXT at URI.
        key = "cf4156fecc8dc48395aa37d0e3acd3fed967da0d2995401f93704d03b0d84b12"
        entry = {"key": key, "kind": "error", "uri": URI, "since": 1764200000.25}
        state_file.parent.mkdir()
        state_file.write_text(json.dumps({"version": 1, "ignored": [entry]}))
        ignores = Ignores(state_file)
        assert ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)
        ignores.ignore_kind(URI, GapKind.CODE)
        assert json.loads(state_file.read_bytes())["version"] == 2
        assert [(kept.key, kept.since) for kept in Ignores(state_file).listed()][1] == (key, 1764200000.25)
        assert Ignores(state_file).is_ignored(URI, CRASH, TEXT, SETTINGS)

    def test_two_servers_see_and_keep_what_the_other_ignored(self, state_file: Path) -> None:
        one, two = Ignores(state_file), Ignores(state_file)
        assert two.listed() == ()
        one.ignore_here(URI, CRASH, TEXT)
        assert two.is_ignored(URI, CRASH, TEXT, SETTINGS)
        two.ignore_here(URI, VERSION, TEXT)
        assert len(one.listed()) == 2
        one.remove(one.listed()[0].key)
        assert len(two.listed()) == 1

    def test_processes_that_write_at_once_lose_nothing(self, state_file: Path) -> None:
        code = (
            "import sys; from pathlib import Path\n"
            "from devrouter.app.ignores import Ignores\n"
            "from devrouter.core.gaps import Gap, GapKind\n"
            "from devrouter.core.text import Span\n"
            "ignores = Ignores(Path(sys.argv[1])); sys.stdin.readline()\n"
            "for number in range(40):\n"
            "    gap = Gap(f'{sys.argv[2]} {number}', GapKind.CODE, Span(0, 0), False)\n"
            "    ignores.ignore_here('file:///a', gap, '')\n"
        )
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(state_file), str(name)], stdin=subprocess.PIPE, text=True
            )
            for name in range(3)
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        for writer in writers:
            writer.communicate(timeout=60)
            assert writer.returncode == 0
        ignores = Ignores(state_file)
        assert len(ignores.listed()) == 120
        assert ignores.problems == []

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\xff",
            b"[]",
            b"{}",
            b'{"version": 1, "ignored": {}, "x"',
            b'{"version": 1, "ignored": [{}]}',
            b'{"version": 1, "ignored": 3}',
            b'{"version": 3, "ignored": []}',
            b"[" * 100_000,
        ],
    )
    def test_a_broken_file_is_kept_aside_and_told(self, state_file: Path, content: bytes) -> None:
        state_file.parent.mkdir()
        state_file.write_bytes(content)
        ignores = Ignores(state_file)
        assert not ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)
        (aside,) = state_file.parent.glob("ignored.json.broken-*")
        assert aside.read_bytes() == content
        (problem,) = ignores.problems
        assert str(state_file) in problem
        assert aside.name in problem
        ignores.ignore_here(URI, CRASH, TEXT)
        assert Ignores(state_file).is_ignored(URI, CRASH, TEXT, SETTINGS)

    def test_the_oldest_are_dropped_beyond_five_thousand(self, state_file: Path) -> None:
        state_file.parent.mkdir()
        entries = [{"key": str(n), "kind": "code", "uri": URI, "since": float(n)} for n in range(5000)]
        state_file.write_text(json.dumps({"version": 1, "ignored": entries}))
        ignores = Ignores(state_file)
        ignores.ignore_here(URI, CRASH, TEXT)
        keys = {entry.key for entry in Ignores(state_file).listed()}
        assert len(keys) == 5000
        assert "0" not in keys
        assert "1" in keys
        assert ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)

    def test_where_the_file_cannot_be_written_the_finding_is_ignored_until_the_end(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "state").write_text("a file where the folder should be")
        ignores = Ignores(tmp_path / "state" / "ignored.json")
        with pytest.raises(IgnoreError, match=r"ignored\.json: cannot be written"):
            ignores.ignore_here(URI, CRASH, TEXT)
        assert ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)

    def test_a_file_deleted_by_the_user_shows_all_again(self, state_file: Path) -> None:
        ignores = Ignores(state_file)
        ignores.ignore_here(URI, CRASH, TEXT)
        state_file.unlink()
        assert not ignores.is_ignored(URI, CRASH, TEXT, SETTINGS)

    def test_words_that_are_no_valid_text_can_be_ignored(self, state_file: Path) -> None:
        text = "half \ud83d here"
        odd = Gap("a \ud83d phrase", GapKind.CODE, Span(0, len(text)), anchored=True)
        Ignores(state_file).ignore_here(URI, odd, text)
        assert Ignores(state_file).is_ignored(URI, odd, text, SETTINGS)

    def test_the_default_place_is_the_users_state_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        assert default_state_file().name == "ignored.json"
        assert default_state_file().parent.name.startswith("devrouter") or sys.platform == "win32"


class TestInProject:
    @pytest.mark.parametrize(
        ("entry", "ignored"),
        [
            (Ignore(GapKind.VERSION, "Flask version"), True),
            (Ignore(GapKind.VERSION, "  flask   VERSION. "), True),
            (Ignore(GapKind.VERSION, "*"), True),
            (Ignore(GapKind.CODE, "Flask version"), False),
            (Ignore(GapKind.CODE, "*"), False),
            (Ignore(GapKind.VERSION, "Flask"), False),
            (Ignore(GapKind.VERSION, "F*"), False),
        ],
    )
    def test_kind_and_phrase_decide(self, state_file: Path, entry: Ignore, *, ignored: bool) -> None:
        settings = Settings(ignore=(entry,))
        assert is_ignored_in_project(VERSION, settings) is ignored
        assert Ignores(state_file).is_ignored(URI, VERSION, TEXT, settings) is ignored

    def test_the_file_is_made_and_read_back(self, tmp_path: Path) -> None:
        file = ignore_in_project(VERSION, tmp_path)
        assert file == tmp_path / ".devrouter.toml"
        assert file.read_text() == '[[ignore]]\nkind = "version"\nphrase = "Flask version"\n'
        loaded = load_settings(tmp_path / "a.prompt.md", user_config=_empty(tmp_path))
        assert loaded.problems == ()
        assert is_ignored_in_project(VERSION, loaded.settings)

    @pytest.mark.parametrize(
        "before",
        [
            b"# Ours.\n\n[findings]  # quiet\nseverity = 'hint'\n\n# The end.\n",
            b"[findings]\nseverity='hint'",
            b"[findings]\r\nseverity = 'hint'\r\n",
            b"[[ignore]]\nkind = 'code'\nphrase = '*'\n\n# About the tiers.\n[tiers]\nfloor = 'medium_api'\n",
            b"[[ignore]]\nkind = 'code'\nphrase = '*'\n[tiers]\n[[ignore]]\nkind = 'scale'\nphrase = '*'\n",
        ],
    )
    def test_all_that_was_there_stays_byte_for_byte(self, tmp_path: Path, before: bytes) -> None:
        file = tmp_path / ".devrouter.toml"
        file.write_bytes(before)
        ignore_in_project(CRASH, tmp_path)
        ignore_in_project(VERSION, tmp_path)
        after = file.read_bytes()
        assert after.startswith(before)
        if b"\r\n" in before:
            assert after.count(b"\n") == after.count(b"\r\n")
        values, values_before = tomllib.loads(after.decode()), tomllib.loads(before.decode())
        assert values.pop("ignore") == [
            *values_before.pop("ignore", []),
            {"kind": "error", "phrase": "the error message"},
            {"kind": "version", "phrase": "Flask version"},
        ]
        assert values == values_before

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_a_list_is_continued_and_its_comments_stay(self, tmp_path: Path, end: str) -> None:
        file = tmp_path / ".devrouter.toml"
        lines = ["ignore = [", "  # why", "  {kind = 'code', phrase = '*'}, # all", "]", "[tiers] # t", ""]
        file.write_bytes(end.join(lines).encode())
        ignore_in_project(VERSION, tmp_path)
        added = '  {kind = "version", phrase = "Flask version"},'
        assert file.read_bytes().decode() == end.join([*lines[:3], added, *lines[3:]])

    @pytest.mark.parametrize(
        "before",
        [
            "[[ignore]]\nkind = 'version'\nphrase = 'flask VERSION'\n",
            "ignore = [{kind = 'version', phrase = '*'}]\n",
        ],
    )
    def test_what_is_ignored_already_is_not_added(self, tmp_path: Path, before: str) -> None:
        file = tmp_path / ".devrouter.toml"
        file.write_text(before)
        ignore_in_project(VERSION, tmp_path)
        assert file.read_text() == before

    @pytest.mark.parametrize(
        "phrase", ['a "quoted" \\ phrase', "two\nlines\ttab \x00", "ünï → 😀", "]] = # '''"]
    )
    def test_any_phrase_can_be_written(self, tmp_path: Path, phrase: str) -> None:
        (tmp_path / ".devrouter.toml").write_text("ignore = []\n")
        for folder in (tmp_path, tmp_path / "new"):
            file = ignore_in_project(gap(phrase, GapKind.CODE), folder)
            assert tomllib.loads(file.read_text(encoding="utf-8"))["ignore"] == [
                {"kind": "code", "phrase": phrase}
            ]

    @pytest.mark.parametrize(
        ("before", "reason"),
        [
            (b"[findings\nseverity = 'hint'\n", "is not valid TOML"),
            (b"ignore = 'all'\n", "ignore should be a list"),
            (b"[ignore]\nkind = 'code'\n", "ignore should be a list"),
            (b"# \xff\n", "is not UTF-8"),
        ],
    )
    def test_a_broken_file_is_left_as_it_is_and_told(
        self, tmp_path: Path, before: bytes, reason: str
    ) -> None:
        file = tmp_path / ".devrouter.toml"
        file.write_bytes(before)
        with pytest.raises(IgnoreError) as caught:
            ignore_in_project(VERSION, tmp_path)
        assert str(caught.value).startswith(f"{file}: {reason}")
        assert "ignore the finding again" in str(caught.value)
        assert file.read_bytes() == before
        assert list(tmp_path.iterdir()) == [file]

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
    def test_a_link_in_a_repository_is_not_written_through(self, tmp_path: Path) -> None:
        outside = tmp_path / "outside.toml"
        outside.write_text("x = 1\n")
        project = tmp_path / "project"
        project.mkdir()
        (project / ".devrouter.toml").symlink_to(outside)
        with pytest.raises(IgnoreError, match="is a link"):
            ignore_in_project(VERSION, project)
        assert outside.read_text() == "x = 1\n"

    def test_a_folder_that_cannot_be_written_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(IgnoreError, match="cannot be written"):
            ignore_in_project(VERSION, tmp_path / "file")


class TestForUser:
    def test_without_a_workspace_the_users_configuration_takes_it(self, tmp_path: Path) -> None:
        config = tmp_path / "config" / "config.toml"
        assert ignore_for_user(VERSION, config) == config
        loaded = load_settings(None, user_config=config)
        assert loaded.problems == ()
        assert is_ignored_in_project(VERSION, loaded.settings)

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
    def test_a_link_of_the_users_own_stays_a_link(self, tmp_path: Path) -> None:
        kept = tmp_path / "dotfiles.toml"
        kept.write_text("engine = 'instant'\n")
        kept.chmod(0o600)
        config = tmp_path / "config.toml"
        config.symlink_to(kept)
        ignore_for_user(VERSION, config)
        assert config.is_symlink()
        assert "Flask version" in kept.read_text()
        assert kept.stat().st_mode & 0o777 == 0o600


class TestShownAgain:
    """Entries of settings files, taken out again."""

    @pytest.mark.parametrize(
        ("lines", "removed"),
        [
            (
                ["# Ours.", "[[ignore]]", "kind = 'code'", "phrase = '*'", "# About tiers.", "[tiers]"],
                [1, 2, 3],
            ),
            (["[tiers]", "[[ignore]] # why", "phrase = '*'", "kind = 'code'", "# The end."], [1, 2, 3]),
            (["ignore = [", "  # why", "  {kind = 'code', phrase = '*'},", "]", "[tiers]"], [2]),
            (
                ["[[ignore]]", "kind='error'", "phrase='*'", "[[ignore]]", "kind='code'", "phrase='*'"],
                [3, 4, 5],
            ),
        ],
    )
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_the_entry_goes_and_every_other_line_stays(
        self, tmp_path: Path, lines: list[str], removed: list[int], end: str
    ) -> None:
        file = tmp_path / ".devrouter.toml"
        file.write_bytes(end.join([*lines, ""]).encode())
        (entry,) = (entry for entry in ignored_by(file) if entry.kind == "code")
        assert (entry.phrase, entry.uri, entry.since) == ("*", file.as_uri(), None)
        show_again_in(file, {entry.key})
        left = [line for number, line in enumerate(lines) if number not in removed]
        assert file.read_bytes().decode() == end.join([*left, ""])

    def test_one_that_was_ignored_by_us_leaves_the_file_as_it_was(self, tmp_path: Path) -> None:
        file = tmp_path / ".devrouter.toml"
        file.write_text("[findings]\nseverity = 'hint'\n")
        ignore_in_project(CRASH, tmp_path)
        ignore_in_project(VERSION, tmp_path)
        show_again_in(file, {entry.key for entry in ignored_by(file)})
        assert file.read_text().strip() == "[findings]\nseverity = 'hint'"

    @pytest.mark.parametrize(
        "before",
        [
            "[[ignore]]\n'kind' = 'code'\nphrase = '*'\n",
            "[[ignore]]\nkind = 'code'\nphrase = '''\n*'''\n",
        ],
    )
    def test_a_form_that_cannot_be_edited_is_left_and_told(self, tmp_path: Path, before: str) -> None:
        file = tmp_path / ".devrouter.toml"
        file.write_text(before)
        with pytest.raises(IgnoreError, match="by hand"):
            show_again_in(file, {entry.key for entry in ignored_by(file)})
        assert file.read_text() == before

    def test_another_files_entry_changes_nothing(self, tmp_path: Path) -> None:
        file = tmp_path / ".devrouter.toml"
        file.write_text("[[ignore]]\nkind = 'code'\nphrase = '*'\n")
        show_again_in(file, {"0" * 64})
        assert ignored_by(file)

    def test_no_file_ignores_nothing(self, tmp_path: Path) -> None:
        assert ignored_by(tmp_path / ".devrouter.toml") == ()


def _empty(folder: Path) -> Path:
    file = folder / "empty.toml"
    file.write_text("")
    return file
