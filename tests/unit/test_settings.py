import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from devrouter.app.settings import Ignore, Scope, Settings
from devrouter.app.settings_schema import settings_schema, type_adapter
from devrouter.app.settings_sources import LoadedSettings, checked, describe, load_settings
from devrouter.app.settings_table import all_settings, plain, settings_from
from devrouter.core.decision import Intent
from devrouter.core.gaps import GapKind
from devrouter.core.rules import TierRule
from devrouter.core.tiers import Route, TierPolicy

# A value for every machine setting that differs from its default.
HOSTILE: Mapping[str, object] = {
    "engine": "openai",
    "model.trigger": "save",
    "model.pause_seconds": 0.0,
    "model.connect_timeout": 1.0,
    "model.first_token_timeout": 1.0,
    "model.total_timeout": 1.0,
    "ollama.host": "http://evil.example:11434",
    "ollama.model": "evil",
    "ollama.keep_alive": "-1m",
    "ollama.num_ctx": 1024,
    "ollama.num_predict": 16,
    "openai.base_url": "https://evil.example/v1",
    "openai.model": "evil",
    "openai.api_key_variable": "AWS_SECRET_ACCESS_KEY",
    "transformers.model": "evil/model",
    "remote.allowed": ["evil.example"],
    "feedback.keep": "text",
    **{
        f"tiers.{route}.{part}": value
        for route in Route
        for part, value in {"name": "local", "models": ["evil/model"], "price": 0.0}.items()
    },
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home with nothing of this machine's configuration."""
    home = tmp_path / "home"
    (home / "project" / "prompts").mkdir(parents=True)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.delenv("DEVROUTER_CONFIG", raising=False)
    return home


@pytest.fixture
def document(home: Path) -> Path:
    return home / "project" / "prompts" / "a.prompt.md"


@pytest.fixture
def project_file(home: Path) -> Path:
    return home / "project" / ".devrouter.toml"


@pytest.fixture
def user_file(home: Path) -> Path:
    file = home / "mine.toml"
    file.write_text("")
    return file


def toml(values: Mapping[str, object]) -> str:
    # JSON's strings, numbers and lists of them are TOML's as well.
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())


def value(loaded: LoadedSettings, key: str) -> object:
    return next(json.loads(shown) for name, shown, _ in describe(loaded) if name == key)


def test_without_any_source_the_defaults_hold_and_nothing_is_said(home: Path, document: Path) -> None:
    for path in (None, document, home, Path(os.sep)):
        loaded = load_settings(path)
        assert loaded.settings == Settings()
        assert (loaded.problems, loaded.files) == ((), ())
        assert set(loaded.sources.values()) == {"default"}


def test_every_default_passes_its_own_check() -> None:
    for setting in all_settings().values():
        if setting.default is not None:
            assert checked(setting, plain(setting.default)) == (setting.default, [])
    assert settings_from({}) == Settings()


@pytest.mark.parametrize("key", all_settings())
def test_a_value_is_right_where_pydantic_says_so(key: str) -> None:
    values: list[object] = [True, 0, 1, -1, 0.5, 61, 10**30, "", "a", "x" * 2000, {}, []]
    values += ["hint", "large_api", "scale", "1h", "http://x", "A_1", "on", "save", "instant"]
    values += [{"kind": kind, "phrase": phrase} for kind in ("scale", "x", 3) for phrase in ("*", "", 3)]
    values += [{"kind": "scale"}, {"kind": "scale", "phrase": "*", "more": 1}]
    rules: list[dict[str, object]] = [{"intent": "debug"}, {"intent": None, "complexity": "x"}, {"path": ""}]
    rules += [{"words": ["a", "b"]}, {"words": [""]}, {"words": "a"}, {"words": None}, {"more": 1}]
    values += [{"route": "large_api", **rule} for rule in rules] + [{"route": "x"}, {"words": ["a"]}]
    setting = all_settings()[key]
    is_list = isinstance(setting.default, tuple)
    for value in values:
        try:
            expected = type_adapter(setting).validate_json(json.dumps(value), strict=True)
        except ValidationError:
            assert checked(setting, [value] if is_list else value)[1] != []
        else:
            assert checked(setting, [value] if is_list else value) == (
                (expected,) if is_list else expected,
                [],
            )


def test_defaults_need_no_pydantic_and_no_other_heavy_import() -> None:
    code = (
        "import sys; from devrouter.app.settings import Settings; Settings().tier_policy; "
        "heavy = {'pydantic', 'pydantic_core', 'platformdirs', 'tomllib', 'tomlkit', 'watchfiles'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class TestPrecedence:
    def test_the_highest_source_that_sets_a_key_wins_each_key_for_itself(
        self, document: Path, project_file: Path, user_file: Path
    ) -> None:
        user_file.write_text(
            "engine = 'instant'\nfindings.delay_seconds = 1\nfindings.severity = 'hint'\n"
            "findings.code_lens = 'on'\ntiers.floor = 'medium_api'\n"
        )
        project_file.write_text(
            "findings.delay_seconds = 2\nfindings.severity = 'information'\nfindings.code_lens = 'off'\n"
        )
        loaded = load_settings(
            document,
            user_options={"findings": {"delaySeconds": 3, "severity": "hint"}},
            workspace_options={"findings": {"delaySeconds": 4}},
            user_config=user_file,
        )
        assert loaded.problems == ()
        assert loaded.files == (user_file, project_file)
        found = {key: (json.loads(shown), source) for key, shown, source in describe(loaded)}
        assert found["findings.delay_seconds"] == (4, "editor's workspace settings")
        assert found["findings.severity"] == ("hint", "command line or editor")
        assert found["findings.code_lens"] == ("off", str(project_file))
        assert found["tiers.floor"] == ("medium_api", str(user_file))
        assert found["engine"] == ("instant", str(user_file))
        assert found["ollama.num_ctx"] == (8192, "default")

    def test_the_nearest_project_file_counts_alone(self, document: Path, project_file: Path) -> None:
        project_file.write_text("findings.delay_seconds = 2\nfindings.severity = 'hint'\n")
        nearer = document.parent / ".devrouter.toml"
        nearer.write_text("findings.delay_seconds = 3\n")
        loaded = load_settings(document)
        assert (loaded.settings.findings.delay_seconds, loaded.settings.findings.severity) == (
            3,
            "information",
        )
        assert loaded.files == (nearer,)

    def test_the_search_includes_the_home_folder_and_ends_there(self, home: Path, document: Path) -> None:
        (home.parent / ".devrouter.toml").write_text("findings.delay_seconds = 9\n")
        assert load_settings(document).files == ()
        (home / ".devrouter.toml").write_text("findings.delay_seconds = 2\n")
        assert load_settings(document).settings.findings.delay_seconds == 2

    def test_a_document_without_a_file_has_no_project(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(home)
        (home / ".devrouter.toml").write_text("findings.delay_seconds = 2\n")
        assert load_settings(None).settings == Settings()

    def test_ignored_findings_of_all_sources_count(
        self, document: Path, project_file: Path, user_file: Path
    ) -> None:
        user_file.write_text("[[ignore]]\nkind = 'audience'\nphrase = '*'\n")
        project_file.write_text("[[ignore]]\nkind = 'version'\nphrase = 'Flask version'\n")
        loaded = load_settings(
            document, workspace_options={"ignore": [{"kind": "code", "phrase": "*"}]}, user_config=user_file
        )
        assert loaded.settings.ignore == (
            Ignore(GapKind.AUDIENCE, "*"),
            Ignore(GapKind.VERSION, "Flask version"),
            Ignore(GapKind.CODE, "*"),
        )
        assert str(user_file) in loaded.sources["ignore"]
        assert str(project_file) in loaded.sources["ignore"]


class TestUserConfiguration:
    def test_it_is_found_where_the_platform_keeps_it(self, home: Path) -> None:
        from platformdirs import user_config_path

        file = user_config_path("devrouter", appauthor=False) / "config.toml"
        assert file.is_relative_to(home)
        file.parent.mkdir(parents=True)
        file.write_text("engine = 'instant'\n")
        loaded = load_settings(None)
        assert (loaded.settings.engine, loaded.files) == ("instant", (file,))

    def test_a_variable_names_it_and_an_argument_goes_before_the_variable(
        self, home: Path, user_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DEVROUTER_CONFIG", "~/other.toml")
        (home / "other.toml").write_text("engine = 'ollama'\n")
        user_file.write_text("engine = 'instant'\n")
        assert load_settings(None).settings.engine == "ollama"
        assert load_settings(None, user_config=user_file).settings.engine == "instant"

    def test_one_that_was_named_but_is_not_there_is_reported(self, home: Path) -> None:
        loaded = load_settings(None, user_config=home / "none.toml")
        assert loaded.settings == Settings()
        assert loaded.problems == (
            f"{home / 'none.toml'}: there is no such configuration file; defaults are used.",
        )

    @pytest.mark.parametrize(
        "options",
        [
            {"model": {"pause_seconds": 2, "trigger": "save"}},
            {"model": {"pauseSeconds": 2, "trigger": "save"}},
            {"devrouter": {"model": {"pauseSeconds": 2, "trigger": "save"}}},
            {"devrouter.model.pauseSeconds": 2, "devrouter.model.trigger": "save"},
            {"model.pause_seconds": 2.0, "model.trigger": "save"},
            {"devrouter": {"model.pauseSeconds": 2}, "devrouter.model": {"trigger": "save"}},
        ],
    )
    def test_editors_may_spell_keys_as_they_do(self, options: Mapping[str, object]) -> None:
        loaded = load_settings(None, user_options=options)
        assert loaded.problems == ()
        assert (loaded.settings.model.pause_seconds, loaded.settings.model.trigger) == (2, "save")

    def test_both_spellings_hold_in_files(self, user_file: Path) -> None:
        user_file.write_text(
            "[ollama]\nnumCtx = 4096\n[devrouter.ollama]\nnum_predict = 99\n[openai]\nbaseURL = 'http://x/'\n"
        )
        loaded = load_settings(None, user_config=user_file)
        assert loaded.problems == ()
        assert (loaded.settings.ollama.num_ctx, loaded.settings.ollama.num_predict) == (4096, 99)
        assert loaded.settings.openai.base_url == "http://x/"

    def test_null_from_an_editor_means_not_set(self, user_file: Path) -> None:
        user_file.write_text("engine = 'instant'\ntiers.large_api.context_limit = 100\n")
        loaded = load_settings(
            None,
            user_options={"engine": None, "model": None, "tiers": {"largeApi": {"contextLimit": None}}},
            user_config=user_file,
        )
        assert loaded.problems == ()
        assert loaded.settings.engine == "instant"
        assert loaded.settings.tiers.large_api.context_limit == 100


class TestAttacks:
    """What a repository may not do, by its own file or through the editor's folder in it."""

    def test_the_attack_tries_every_machine_setting(self) -> None:
        machine = {key for key, setting in all_settings().items() if setting.scope is Scope.MACHINE}
        assert set(HOSTILE) == machine
        for key, setting in all_settings().items():
            if key in machine:
                value, problems = checked(setting, HOSTILE[key])
                assert problems == []
                assert value != setting.default

    def test_a_project_file_changes_no_machine_setting(
        self, document: Path, project_file: Path, user_file: Path
    ) -> None:
        project_file.write_text(toml(HOSTILE) + "\nfindings.delay_seconds = 2\n")
        loaded = load_settings(document, user_config=user_file)
        assert loaded.settings == settings_from({"findings": 0, "findings.delay_seconds": 2.0})
        assert loaded.problems == tuple(
            f"{project_file}: {key} is ignored: only you may set it: put it in {user_file}."
            for key in HOSTILE
        )

    @pytest.mark.parametrize(
        "spell",
        [
            lambda key: key,
            lambda key: "devrouter." + key,
            lambda key: key.replace("_", " ").title().replace(" ", ""),
        ],
    )
    def test_workspace_options_change_no_machine_setting(
        self, document: Path, user_file: Path, spell: Callable[[str], str]
    ) -> None:
        user_file.write_text("engine = 'instant'\nollama.host = 'http://127.0.0.1:9'\n")
        expected = load_settings(document, user_config=user_file)
        options = {spell(key): value for key, value in HOSTILE.items()}
        loaded = load_settings(document, workspace_options=options, user_config=user_file)
        assert loaded.settings == expected.settings
        assert len(loaded.problems) == len(HOSTILE)
        assert all(problem.startswith("editor's workspace settings: ") for problem in loaded.problems)

    def test_workspace_options_that_repeat_the_users_own_settings_are_no_problem(
        self, user_file: Path
    ) -> None:
        loaded = load_settings(None, user_options=HOSTILE, workspace_options=HOSTILE, user_config=user_file)
        assert loaded.problems == ()
        assert loaded.settings.remote.allowed == ("evil.example",)

    def test_a_bad_value_for_a_machine_setting_is_refused_as_well(
        self, document: Path, project_file: Path
    ) -> None:
        project_file.write_text("[ollama]\nhost = 3\n[remote]\nallowed = 'evil.example'\n")
        loaded = load_settings(document)
        assert loaded.settings == Settings()
        assert ["only you may set it" in problem for problem in loaded.problems] == [True, True]

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no device files in folders")
    def test_a_link_to_an_endless_device_is_not_read(self, document: Path, project_file: Path) -> None:
        project_file.symlink_to("/dev/zero")
        loaded = load_settings(document)
        assert loaded.problems == (
            f"{project_file}: this is not a regular file; move it away to use that name for settings.",
        )

    @pytest.mark.parametrize(
        "text",
        [
            ".".join("a" * 20_000) + " = 1",
            "[" + ".".join("a" * 1000) + "]\n" + "k = 1\n" * 100_000,
            "a = " + "[" * 100_000,
            "a = " + "{a=" * 100_000,
            "a = " + "9" * 100_000,
            "x" * 1_000_001,
        ],
        ids=["dotted key", "dotted table", "deep list", "deep table", "long number", "large file"],
    )
    def test_a_file_made_to_hold_up_the_server_is_refused(
        self, document: Path, project_file: Path, text: str
    ) -> None:
        project_file.write_text(text)
        loaded = load_settings(document)
        assert loaded.settings == Settings()
        assert len(loaded.problems) == 1
        assert loaded.problems[0].startswith(f"{project_file}: ")

    def test_many_problems_are_counted_and_their_text_stays_short(
        self, document: Path, project_file: Path
    ) -> None:
        project_file.write_text("".join(f"k{'x' * 500}{number} = 1\n" for number in range(500)))
        problems = load_settings(document).problems
        assert len(problems) == 41
        assert problems[-1] == f"{project_file}: 460 more problems."
        assert max(map(len, problems)) < 400

    def test_a_key_cannot_bring_control_characters_into_a_message(self) -> None:
        (problem,) = load_settings(None, user_options={"a\x1b[31m\nb": 1}).problems
        assert problem.isprintable()

    def test_a_list_from_a_repository_is_bounded(self, document: Path, project_file: Path) -> None:
        entry = "{kind = 'code', phrase = 'x'}"
        project_file.write_text(f"ignore = [{', '.join([entry] * 1001)}]\n")
        loaded = load_settings(document)
        assert len(loaded.settings.ignore) == 1000
        assert loaded.problems == (
            f"{project_file}: ignore, what follows item 1000, is too much; it is left out.",
        )


class TestProblems:
    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            (
                "model.pause_seconds = '3'",
                "model.pause_seconds should be a valid number; 0.8 stays in force.",
            ),
            (
                "model.pause_seconds = true",
                "model.pause_seconds should be a valid number; 0.8 stays in force.",
            ),
            ("model.pause_seconds = nan", "model.pause_seconds should be "),
            ("model.pause_seconds = inf", "model.pause_seconds should be less than or equal to 60"),
            ("model.total_timeout = 0", "model.total_timeout should be greater than 0; 60.0 stays in force."),
            ("ollama.num_ctx = 8192.5", "ollama.num_ctx should be a valid integer; 8192 stays in force."),
            ("ollama.host = 2020-01-01", 'ollama.host has a value that no setting can have; "" stays'),
            ("ollama.keep_alive = 'soon'", "ollama.keep_alive should match pattern "),
            ("openai.base_url = 'evil.example'", "openai.base_url should match pattern '^https?://"),
            (
                "engine = 'gpt'",
                "engine should be 'auto', 'instant', 'ollama', 'openai' or 'transformers'; \"auto\" stays",
            ),
            ("remote.allowed = 'a'", "remote.allowed should be a list; [] stays in force."),
            (
                "remote.allowed = ['a', 3]",
                "remote.allowed, item 2, should be a valid string; it is left out.",
            ),
            (
                "tiers.large_api.price = -1",
                "tiers.large_api.price should be greater than or equal to 0; null",
            ),
            ("ignore = [{kind = 'code'}]", "ignore, item 1, phrase is missing; it is left out."),
            ("ignore = [{kind = 'x', phrase = 'y'}]", "ignore, item 1, kind should be 'error', 'code', "),
            ("ignore = [{kind = 'code', phrase = 'y', z = 1}]", "ignore, item 1, z "),
            ("model = 3", "model should be a table of settings."),
            ("model.triger = 'save'", "model.triger is not a setting; the nearest is model.trigger."),
            ("trigger = 'save'", "trigger is not a setting; the nearest is model.trigger."),
            ("xyzzy = 1", "xyzzy is not a setting."),
        ],
    )
    def test_it_names_file_and_key_and_the_other_values_still_count(
        self, user_file: Path, line: str, problem: str
    ) -> None:
        user_file.write_text(f"findings.severity = 'hint'\n{line}\nfindings.code_lens = 'off'\n")
        loaded = load_settings(None, user_config=user_file)
        (shown,) = loaded.problems
        assert shown.startswith(f"{user_file}: {problem}")
        assert loaded.settings.findings.severity == "hint"
        assert loaded.settings.findings.code_lens == "off"

    def test_the_next_lower_source_counts_where_a_value_is_refused(
        self, document: Path, project_file: Path, user_file: Path
    ) -> None:
        user_file.write_text("findings.delay_seconds = 2\n")
        project_file.write_text("findings.delay_seconds = 'long'\n")
        loaded = load_settings(document, user_config=user_file)
        assert loaded.settings.findings.delay_seconds == 2
        assert loaded.sources["findings.delay_seconds"] == str(user_file)
        assert loaded.problems[0].endswith("2.0 stays in force.")

    def test_the_good_items_of_a_list_count(self, user_file: Path) -> None:
        user_file.write_text("findings.disabled_kinds = ['code', 'bogus', 'scale']\n")
        loaded = load_settings(None, user_config=user_file)
        assert loaded.settings.findings.disabled_kinds == (GapKind.CODE, GapKind.SCALE)
        assert len(loaded.problems) == 1

    def test_a_secret_put_in_the_wrong_place_is_not_repeated(self, user_file: Path) -> None:
        user_file.write_text("openai.api_key_variable = 'sk-12345'\n")
        loaded = load_settings(None, user_config=user_file)
        assert "openai.api_key_variable" in loaded.problems[0]
        assert "12345" not in "".join([*loaded.problems, *map(str, describe(loaded))])

    def test_a_syntax_error_names_its_line(self, document: Path, project_file: Path) -> None:
        project_file.write_text("[findings]\nseverity = 'hint'\ndelay_seconds = = 2\n")
        loaded = load_settings(document)
        assert loaded.settings == Settings()
        assert loaded.problems[0].startswith(f"{project_file}: is not valid TOML: ")
        assert "line 3" in loaded.problems[0]

    def test_a_file_that_is_not_utf_8_says_so(self, user_file: Path) -> None:
        user_file.write_bytes(b"engine = '\xff'\n")
        assert load_settings(None, user_config=user_file).problems == (
            f"{user_file}: is not UTF-8 at byte 10; save it as UTF-8.",
        )

    def test_a_byte_order_mark_and_crlf_are_read(self, user_file: Path) -> None:
        user_file.write_bytes(b"\xef\xbb\xbfengine = 'instant'\r\n[findings]\r\nseverity = 'hint'\r\n")
        loaded = load_settings(None, user_config=user_file)
        assert (loaded.problems, loaded.settings.engine) == ((), "instant")
        assert loaded.settings.findings.severity == "hint"

    def test_a_folder_with_the_files_name_is_reported(self, document: Path, project_file: Path) -> None:
        project_file.mkdir()
        loaded = load_settings(document)
        assert loaded.problems[0].startswith(f"{project_file}: this is not a regular file")
        assert loaded.files == (project_file,)

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
    def test_links_in_a_circle_and_to_nowhere_are_reported(self, document: Path, project_file: Path) -> None:
        project_file.symlink_to(project_file)
        assert load_settings(document).problems[0].startswith(f"{project_file}: cannot be read (")
        project_file.unlink()
        project_file.symlink_to("nowhere")
        assert load_settings(document).problems == (
            f"{project_file}: cannot be read (No such file or directory).",
        )

    @pytest.mark.parametrize(
        "options", [[], "text", 3, {1: 2}, {"engine": object()}, {"model": {"trigger": []}}]
    )
    def test_options_of_any_shape_do_no_harm(self, options: object) -> None:
        loaded = load_settings(None, user_options=options)  # type: ignore[arg-type]
        assert loaded.settings == Settings()
        assert len(loaded.problems) == 1

    @pytest.mark.parametrize("path", [Path("\0"), Path("a" * 5000), Path("/no/such/folder/a.md")])
    def test_a_path_of_any_shape_does_no_harm(self, path: Path) -> None:
        assert load_settings(path).settings == Settings()


class TestTiers:
    def test_the_policy_holds_what_the_user_decided(self, user_file: Path) -> None:
        user_file.write_text(
            "[tiers]\nfloor = 'medium_api'\nminimum_confidence = 0.75\n"
            "[tiers.small_local]\nname = 'Laptop'\nmodels = ['qwen']\ncontext_limit = 4096\nprice = 0\n"
        )
        loaded = load_settings(None, user_config=user_file)
        assert loaded.problems == ()
        assert loaded.settings.tier_policy == TierPolicy(
            floor=Route.MEDIUM_API,
            ceiling=Route.LARGE_API,
            minimum_confidence=0.75,
            context_limits={Route.SMALL_LOCAL: 4096},
        )
        assert loaded.settings.tiers.of(Route.SMALL_LOCAL).name == "Laptop"
        assert Settings().tier_policy == TierPolicy()

    def test_rules_of_all_sources_count_and_the_users_own_are_asked_first(
        self, document: Path, project_file: Path, user_file: Path
    ) -> None:
        user_file.write_text("[[tiers.rules]]\nwords = ['auth']\nroute = 'small_local'\n")
        project_file.write_text("[[tiers.rules]]\nintent = 'debug'\nroute = 'large_api'\n")
        options = {"tiers": {"rules": [{"path": "docs/**", "route": "small_local"}]}}
        loaded = load_settings(document, user_options=options, user_config=user_file)
        assert loaded.problems == ()
        assert loaded.settings.tiers.rules == (
            TierRule(Route.SMALL_LOCAL, path="docs/**"),
            TierRule(Route.SMALL_LOCAL, words=("auth",)),
            TierRule(Route.LARGE_API, intent=Intent.DEBUG),
        )

    def test_a_rule_that_cannot_be_read_is_named_and_the_others_hold(self, user_file: Path) -> None:
        user_file.write_text(
            "[tiers]\nrules = [{route = 'huge'}, {route = 'large_api', colour = 'red'}, {intent = 'debug'},\n"
            "{route = 'large_api', words = ['security']}]\n"
        )
        loaded = load_settings(None, user_config=user_file)
        assert loaded.settings.tiers.rules == (TierRule(Route.LARGE_API, words=("security",)),)
        assert [problem.split(", ")[1] for problem in loaded.problems] == ["item 1", "item 2", "item 3"]

    def test_a_floor_above_the_ceiling_is_refused_with_both_keys_named(
        self, document: Path, project_file: Path, user_file: Path
    ) -> None:
        user_file.write_text("tiers.ceiling = 'medium_api'\n")
        project_file.write_text("tiers.floor = 'large_api'\ntiers.minimum_confidence = 0.9\n")
        loaded = load_settings(document, user_config=user_file)
        assert loaded.settings.tiers.floor is Route.SMALL_LOCAL
        assert loaded.settings.tiers.ceiling is Route.MEDIUM_API
        assert loaded.settings.tiers.minimum_confidence == 0.9
        assert loaded.sources["tiers.ceiling"] == str(user_file)
        (problem,) = loaded.problems
        assert problem == (
            f"{project_file}: tiers.floor (large_api) is above tiers.ceiling (medium_api); "
            "small_local and medium_api stay in force."
        )


class TestSchema:
    def test_each_setting_has_all_that_an_editor_shows(self) -> None:
        properties = settings_schema()["properties"]
        assert len(properties) == len(all_settings())
        for order, entry in enumerate(properties.values()):
            assert entry["order"] == order
            assert entry["scope"] in {"machine", "resource"}
            assert entry["markdownDescription"].endswith(".")
            assert {"title", "type", "default"} <= entry.keys()

    def test_its_keys_can_be_set_and_its_defaults_are_ours(self) -> None:
        options = {key: entry["default"] for key, entry in settings_schema()["properties"].items()}
        loaded = load_settings(None, user_options=options)
        assert (loaded.problems, loaded.settings) == ((), Settings())

    def test_it_is_plain_json_without_references(self) -> None:
        text = json.dumps(settings_schema())
        assert "$ref" not in text
        assert "anyOf" not in text

    def test_types_enums_and_limits_are_those_that_are_checked(self) -> None:
        properties = settings_schema()["properties"]
        assert properties["devrouter.engine"]["enum"] == [
            "auto",
            "instant",
            "ollama",
            "openai",
            "transformers",
        ]
        assert properties["devrouter.model.pauseSeconds"]["maximum"] == 60
        assert properties["devrouter.tiers.largeApi.contextLimit"]["type"] == ["integer", "null"]
        assert properties["devrouter.ollama.host"]["scope"] == "machine"
        assert properties["devrouter.findings.severity"]["scope"] == "resource"
        ignore = properties["devrouter.ignore"]
        assert ignore["type"] == "array"
        assert ignore["items"]["required"] == ["kind", "phrase"]
        assert ignore["items"]["properties"]["kind"]["enum"] == [kind.value for kind in GapKind]
