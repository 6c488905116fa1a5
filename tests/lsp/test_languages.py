"""A prompt that is not in English gets no gaps and no rewrite from the instant engine, and no small tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lsp.conftest import Start

DRAFTS = {
    "de": (
        "meine flask app stürzt ab wenn ich eine grosse datei hochlade, wie behebe ich das?",
        "schreib mir bitte tests für die funktion parse_rows und benenne sie nach dem fall den sie prüfen",
        "warum ist die abfrage in src/reports.py seit dem update so langsam? vorher waren es 200 ms",
    ),
    "es": (
        "mi aplicación de flask se cae cuando subo un archivo grande, ¿cómo lo arreglo?",
        "escribe por favor pruebas para la función parse_rows y nómbralas según el caso que comprueban",
        "¿por qué la consulta de src/reports.py es tan lenta desde la actualización? antes eran 200 ms",
    ),
    "zh": (
        "我的 flask 应用在上传大文件时崩溃了,怎么解决?",
        "请给 parse_rows 函数写测试,并按照每个用例检查的内容来命名。",
        "升级之后 src/reports.py 里的查询为什么这么慢?以前只要 200 毫秒。",
    ),
    "ja": (
        "flask アプリに大きなファイルをアップロードすると落ちます。どうすれば直せますか?",
        "parse_rows 関数のテストを書いて、確認する内容に合わせて名前を付けてください。",
        "アップデートしてから src/reports.py のクエリがとても遅いのはなぜですか?以前は 200 ミリ秒でした。",
    ),
}


@pytest.mark.parametrize("language", DRAFTS)
async def test_nothing_is_found_fault_with_and_a_doubt_takes_the_larger_tier(
    start: Start, uri: str, language: str
) -> None:
    editor = await start()
    for draft in DRAFTS[language]:
        editor.open(uri, draft)
        assert not await editor.settled(uri)
        (prompt,) = (await editor.triage(uri))["prompts"]
        assert prompt["decision"]["rewrite"] == draft
        assert prompt["tier"]["route"] in {"medium_api", "large_api"}
        titles = [action.title for action in await editor.actions(uri, 0, len(draft))]
        assert "Apply rewrite" not in titles
        editor.close(uri)
