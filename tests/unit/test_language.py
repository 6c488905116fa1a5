# ruff: noqa: RUF001  (letters of other scripts are what this module is about)
"""A draft's language decides whether it gets gaps and a rewrite, so English must not be taken for foreign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devrouter.core.language import language_of

FOREIGN = {
    "de": [
        "Warum schlägt dieser Test fehl, wenn ich npm run build ausführe?",
        "Schreibe eine Funktion, die eine Liste von Strings nach Länge sortiert.",
        "Erkläre mir bitte den Unterschied zwischen async und defer in HTML.",
        "Fehler beheben",
        "Kannst du den Code in src/app.py aufräumen und Unit-Tests hinzufügen?",
        "Der Login funktioniert nicht mehr seit dem Update auf React 18, was kann ich tun?",
        "was macht `git stash pop --index` genau?",
        'Ich bekomme "TypeError: Cannot read properties of undefined" beim Laden der Seite.',
    ],
    "es": [
        "¿Por qué falla este test cuando ejecuto npm run build?",
        "Escribe una función que ordene una lista de strings por longitud.",
        "Explícame la diferencia entre async y defer en HTML.",
        "corrige el error",
        "necesito que el endpoint /api/users devuelva los datos paginados",
        "El login no funciona desde la actualización a React 18, qué puedo hacer?",
    ],
    "fr": [
        "Pourquoi ce test échoue quand je lance npm run build ?",
        "Écris une fonction qui trie une liste de strings par longueur.",
        "Explique-moi la différence entre async et defer en HTML.",
        "corrige cette erreur",
        "Comment ajouter un index sur la table users sans bloquer la prod ?",
        "Le login ne marche plus depuis la mise à jour vers React 18, que faire ?",
    ],
    "pt": [
        "Por que esse teste falha quando eu rodo npm run build?",
        "Escreva uma função que ordene uma lista de strings pelo tamanho.",
        "Explique a diferença entre async e defer em HTML.",
        "corrija o erro no login",
        "preciso de um endpoint que retorne os dados do usuário em JSON",
        "O login não funciona mais desde a atualização do React 18, o que posso fazer?",
    ],
    "it": [
        "Perché questo test fallisce quando lancio npm run build?",
        "Scrivi una funzione che ordina una lista di stringhe per lunghezza.",
        "Spiegami la differenza tra async e defer in HTML.",
        "correggi il bug nella funzione di login",
        "vorrei aggiungere un indice alla tabella users senza bloccare la produzione",
        "Il login non va più dopo l'aggiornamento a React 18, cosa posso fare?",
    ],
    "nl": [
        "Waarom faalt deze test als ik npm run build draai?",
        "Schrijf een functie die een lijst van strings op lengte sorteert.",
        "Leg het verschil uit tussen async en defer in HTML.",
        "De login werkt niet meer sinds de update naar React 18, wat kan ik doen?",
        "hoe voeg ik een index toe aan de users tabel zonder downtime?",
    ],
    "pl": [
        "Dlaczego ten test nie przechodzi, kiedy uruchamiam npm run build?",
        "Napisz funkcję, która sortuje listę stringów według długości.",
        "Wyjaśnij różnicę między async i defer w HTML.",
        "popraw błąd w logowaniu",
        "Logowanie nie działa po aktualizacji do React 18, co mogę zrobić?",
    ],
    "sv": [
        "Varför misslyckas det här testet när jag kör npm run build?",
        "Skriv en funktion som sorterar en lista och förklara koden.",
    ],
    "tr": [
        "Bu fonksiyon neden hata veriyor, düzeltir misin lütfen?",
        "React ile bir login formu nasıl yazılır, açıkla",
    ],
    "id": [
        "Tolong perbaiki error ini di fungsi login saya",
        "Jelaskan bagaimana cara kerja async dan await di JavaScript",
    ],
    "zh": [
        "为什么我运行 npm run build 的时候这个测试会失败?",
        "请写一个 Python 函数,按长度排序字符串列表。",
        "修复登录 bug",
        "解释 React 的 useEffect 和 useMemo 有什么区别",
        "把 src/app.py 里的 parse_config 改成支持 YAML",
    ],
    "ja": [
        "npm run build を実行するとこのテストが失敗するのはなぜですか?",
        "文字列のリストを長さ順に並べ替える Python の関数を書いてください。",
        "ログインのバグを直して",
        "React の useEffect と useMemo の違いを説明して",
        "Next.js の App Router で useRouter を使うと TypeError が出ます。",
    ],
    "ko": [
        "npm run build 를 실행하면 이 테스트가 왜 실패하나요?",
        "문자열 리스트를 길이순으로 정렬하는 Python 함수를 작성해 주세요.",
        "로그인 버그 수정해줘",
        "React useEffect 와 useMemo 의 차이점을 설명해줘",
    ],
    "ru": [
        "Почему этот тест падает, когда я запускаю npm run build?",
        "Напиши функцию на Python, которая сортирует список строк по длине.",
        "исправь баг",
        "Объясни разницу между async и defer в HTML.",
        "После обновления до React 18 логин не работает, что делать?",
    ],
    "uk": ["Чому цей тест не проходить, коли я запускаю npm run build, і як його виправити?"],
    "ar": ["لماذا يفشل هذا الاختبار عند تشغيل npm run build؟"],
    "fa": ["چرا این تست هنگام اجرای npm run build خطا می‌دهد؟"],
    "he": ["למה הבדיקה הזאת נכשלת כשאני מריץ npm run build?"],
    "el": ["Γιατί αποτυγχάνει αυτό το τεστ όταν τρέχω npm run build;"],
    "hi": ["जब मैं npm run build चलाता हूँ तो यह टेस्ट क्यों फेल होता है?"],
    "th": ["ทำไมเทสต์นี้ถึงล้มเหลวเมื่อรัน npm run build"],
}

UNKNOWN = [
    "Hàm này bị lỗi khi đăng nhập, sửa giúp mình với",
    "Proč tahle funkce hází výjimku, když spouštím testy přes příkazový řádek?",
]

ENGLISH = [
    "",
    "   \n",
    "fix bug",
    "refactor",
    "help",
    "pls fix asap",
    "jest mock fetch example",
    "react typescript tailwind button modal dark mode",
    "python read big csv memory error",
    "comment this properly",
    "generate test cases",
    "cost per user per month",
    "was the index used?",
    "die on first error, then also print the man page",
    "sin cos tan lookup table in c",
    "def f(a, de, la):\n    return a + de + la",
    "```python\nfür = 'die der das und nicht'\n```",
    "```\nwarum geht das nicht, wenn ich die Datei lade\n```\nfix this",
    "https://de.wikipedia.org/wiki/Die_der_das /usr/local/de/la/el/los.txt",
    "Translate `Die Datei konnte nicht gefunden werden` to English",
    'The button says "Die Datei konnte nicht geöffnet werden" and users ask what it means',
    "Why does the label “用户名不能为空” show up in the English build of our app?",
    "Our naïve café résumé parser drops the accents, please fix it",
    "only ä ö ü ß are needed",
    "λ and μ are the parameters of the model, explain how to fit them",
    "SELECT * FROM LES WHERE DES = 'UN' AND EST = 1",
    "@workspace is the way we use JWTs safe",
    "undefined reference to `sqrt' gcc main.c -o main",
    "🚀🚀🚀",
    "Rename Müller to Meier in the fixtures",
    "fix 用户 label in React header component",
]


@pytest.mark.parametrize(
    ("language", "text"), [(key, text) for key, texts in FOREIGN.items() for text in texts]
)
def test_a_foreign_draft_is_recognised(language: str, text: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_language_without_a_word_list_is_not_taken_for_english(text: str) -> None:
    assert language_of(text) != "en"


@pytest.mark.parametrize("text", ENGLISH)
def test_english_and_what_says_nothing_is_english(text: str) -> None:
    assert language_of(text) == "en"


@pytest.mark.parametrize("language", ["de", "es", "fr", "pt", "it", "nl", "pl", "ru", "zh", "ja", "ko"])
def test_code_in_the_draft_does_not_hide_its_language(language: str) -> None:
    code = (
        "\n\n```python\n"
        + "def add(a, b):\n    # this is the sum of the two that you have\n    return a + b\n" * 20
    )
    for text in FOREIGN[language]:
        assert language_of(text + code + "```\n") == language


def test_code_without_a_fence_does_not_make_a_draft_foreign() -> None:
    code = "for (const e of o) {\n  if (e.la === de) { das.push(e); }\n  no = un.es(e, o);\n}\n" * 10
    assert language_of(code) == "en"


@given(st.text(max_size=300))
def test_any_text_has_a_language(text: str) -> None:
    assert language_of(text) == language_of(text)
    assert language_of(text).isalpha()
