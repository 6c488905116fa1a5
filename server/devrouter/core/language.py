# ruff: noqa: RUF001  (letters of other scripts are what this module is about)
"""Which natural language a draft is written in.

Scripts other than Latin are told by their code points, Latin languages by their function words and by what
developers write around them. Only prose counts: code, paths, URLs, identifiers and quotations say nothing.
A draft taken for foreign gets no gaps and no rewrite, so English is the answer unless something speaks
against it.
"""

from __future__ import annotations

import re
from collections import Counter
from operator import itemgetter

__all__ = ["language_of"]

_SAMPLE = 4000
"""Characters that are looked at."""

_NO_PROSE = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|\"[^\"\n]*\"|“[^“”\n]*”|«[^«»\n]*»", re.DOTALL
)
_WORD = re.compile(r"(?<!\S)[(\[¿¡*_>]*([^\W\d_]+(?:['’-][^\W\d_]+)*)[.,;:!?…)\]*_]*(?!\S)")


def language_of(text: str) -> str:
    """`en`, another ISO 639-1 code, or `und` where it is none that is known here."""
    prose = _NO_PROSE.sub(" ", text[:_SAMPLE])
    words = [match[1] for match in _WORD.finditer(prose)]
    if not prose.isascii():
        script = _script(prose, latin_words=sum(word.isascii() for word in words))
        if script:
            return script
    return _latin_language([word.lower().replace("’", "'") for word in words if not word.isupper()])


def _script(prose: str, latin_words: int) -> str | None:
    """The script that fills most of the prose, where it fills more than the Latin words do."""
    sizes: dict[str, float] = {}
    for language, pattern in _SCRIPTS.items():
        if found := pattern.findall(prose):
            sizes[language] = len(found) / _LETTERS_A_WORD.get(language, 1.0)
    if "ja" in sizes:
        sizes["ja"] += sizes.pop("zh", 0.0)
    if sum(sizes.values()) <= latin_words:
        return None
    language = max(sizes, key=sizes.__getitem__)
    if language == "ru" and _UKRAINIAN.search(prose):
        return "uk"
    if language == "ar" and _PERSIAN.search(prose):
        return "fa"
    return language


def _latin_language(words: list[str]) -> str:
    """The language with the most different words; a letter of its own counts too, English wins a tie."""
    hits: Counter[str] = Counter()
    # Last the words of one letter, which may be variables: they count for a language that has others.
    for word in sorted(dict.fromkeys(words), key=lambda word: len(word) == 1):
        languages = _LANGUAGES_BY_WORD.get(word, ())
        hits.update(language for language in languages if len(word) > 1 or language in {"en", *hits})
        if len(word) > 1 and not word.isascii():
            hits.update(language for language, letters in _LETTERS.items() if not letters.isdisjoint(word))
    english = hits.pop("en", 0)
    language, count = max(hits.items(), key=itemgetter(1), default=("en", 0))
    if count >= 2 and count > english:
        return language
    foreign = sum(len(word) > 1 and not word.isascii() for word in words)
    return "und" if foreign >= 2 and foreign > english else "en"


# Scripts

_SCRIPTS = {
    "ja": re.compile(r"[\u3041-\u30ff]"),
    "ko": re.compile(r"[\u1100-\u11ff\uac00-\ud7af]"),
    "zh": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]"),
    "ru": re.compile(r"[\u0400-\u052f]+"),
    "ar": re.compile(r"[\u0600-\u06ff]+"),
    "he": re.compile(r"[\u0590-\u05ff]+"),
    "el": re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]{2,}"),  # A single Greek letter is mathematics.
    "hi": re.compile(r"[\u0900-\u097f]+"),
    "bn": re.compile(r"[\u0980-\u09ff]+"),
    "ta": re.compile(r"[\u0b80-\u0bff]+"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
    "ka": re.compile(r"[\u10a0-\u10ff]+"),
    "hy": re.compile(r"[\u0530-\u058f]+"),
}
_LETTERS_A_WORD = {"ja": 2.0, "ko": 2.0, "zh": 2.0, "th": 4.0}
"""For scripts that are counted by the letter, because their words are not set apart or are very short."""
_UKRAINIAN = re.compile(r"[іїєґ]", re.IGNORECASE)
_PERSIAN = re.compile(r"[پچژگ]")

# Latin languages. Words that are also English, or names of commands and keywords, are left out of the foreign
# lists where they would weigh much.

_ENGLISH = """
    the a an and or but if then else when while for from to of in on at by with without as is are was were be
    been it its this that these those there here i i'm i've me my we our you your he she they them what which
    who why how where can could should would will do does did doesn't don't not no so also just only all any
    some more please pls convert want need have has had make add use using get fix write create change update
    show give
    help explain comment each every into about after before like work works working instead same new
"""
_FOREIGN = {
    "de": """
        der das den dem ein eine einen einem einer eines und oder aber nicht kein keine ist sind wird werden
        wurde wenn wie warum wieso weshalb wo was welche welcher welches ich mir mich du wir sie es mein meine
        meiner meinem meinen dein unser für mit ohne von vom zu zum zur auf aus bei beim im nach über unter
        durch bitte kann kannst können soll sollte sollen muss möchte schreibe schreib erkläre erklär erstelle
        behebe füge hinzu ändere zeige mach mache gibt dass damit diese dieser dieses diesen fehler datei
        funktion klasse sich auch nur noch immer alle zwischen sodass habe haben hat beheben nutze verwende
        macht genau brauche folgende folgenden mehr einfach jetzt schon dann weil
    """,
    "es": """
        el los las una unos unas del al y pero no es son está están esta este esto estos por para con sin que
        qué cómo como cuando cuándo dónde cuál mi mis tu su sus me se lo le más también puedo puedes quiero
        necesito tengo hay hace hacer haz escribe explica explícame crea añade agrega corrige arregla muestra
        función código error archivo clase prueba pruebas entre desde hasta sobre cada ayuda ayúdame favor
        cambia usa usando porque según datos cuenta sale
    """,
    "fr": """
        le la les une des du et ou mais ne pas est sont dans avec sans pour par sur sous que qui quoi quel
        quelle quels quelles comment pourquoi quand où je j'ai tu il elle nous vous ils mon ma mes ton votre
        vos notre ce cette ces cet c'est d'un d'une qu'est-ce au aux en fonction fichier erreur classe peux
        peut pouvez-vous peux-tu veux voudrais dois écris explique explique-moi ajoute corrige crée ajouter
        faire fait fais s'il plaît plus moins aussi bien entre chaque cela ça être sera utilise l'erreur
    """,
    "pt": """
        o os as um uma uns umas do da dos das no na nos nas ao à e ou mas não é são está estão este esta isso
        isto por para com sem que quê como quando onde qual meu minha meus minhas seu sua eu você me se mais
        também em posso pode preciso quero tenho há faz fazer faça escreva explique crie adicione corrija
        arrume mostre função código erro arquivo classe teste testes entre desde até sobre cada ajuda porque
        pelo pela dados usando ficheiro
    """,
    "it": """
        il lo gli una uno dei degli delle della dello del di da dal dalla nel nella con senza su sul sulla
        e o ma non è sono sta che chi quando dove perché perche quale quali mio mia miei mie tuo suo mi si
        ti più anche posso puoi voglio vorrei devo ho hai c'è fa fare scrivi spiega spiegami crea aggiungi
        correggi mostra funzione codice errore classe prova questo questa questi queste tra fra ogni
        aiutami favore cosa viene invece l'errore
    """,
    "nl": """
        de het een en of maar niet geen is zijn wordt worden werd als hoe waarom wanneer waar wat welke ik mij
        me je jij wij we ze zij mijn jouw ons onze voor met zonder van naar op uit bij aan door over onder dit
        dat deze die kan kun kunnen moet moeten wil graag schrijf leg maak voeg toe toevoegen verander fout
        bestand functie klasse er ook nog alleen alle tussen zodat heb heeft hebben dan
    """,
    "pl": """
        i lub ale nie jest są był było się to ten ta te tego tej tym jak dlaczego czemu kiedy gdzie co który
        która które mój moja moje mi mnie do od z ze w we na po przez dla bez przy o za czy proszę mogę możesz
        chcę potrzebuję mam napisz wyjaśnij dodaj popraw napraw zmień pokaż funkcję funkcja funkcji kod kodu
        błąd błędu plik pliku klasę klasa testy tylko też jeszcze żeby aby zamiast między oraz
    """,
    "sv": """
        och eller men inte är en ett den det de som för med utan från till på av om hur varför när var vad
        vilken jag mig du vi min mitt mina kan ska skulle måste vill har hade skriv förklara lägg ändra visa
        fel filen funktion funktionen klassen koden också bara alla mellan så att denna detta
    """,
    "tr": """
        ve veya ama değil bir bu şu o için ile gibi nasıl neden niçin ne nerede hangi ben benim sen biz var
        yok mı mi mu mü misin mısın lütfen yaz açıkla ekle düzelt değiştir göster hata hatayı dosya fonksiyon
        fonksiyonu kodu sınıf daha çok sadece her olarak olan
    """,
    "id": """
        yang dan atau tidak ini itu di ke dari untuk dengan pada adalah bagaimana mengapa kenapa apa saya aku
        kamu anda kami bisa tolong buat buatkan jelaskan tambahkan perbaiki ubah kode fungsi kesalahan agar
        supaya karena jika ketika sudah belum juga hanya semua
    """,
}
_LETTERS = {
    language: frozenset(letters)
    for language, letters in {
        "de": "äöüß",
        "es": "ñ¿¡",
        "fr": "àâèêëîïôœùû",
        "pt": "ãõ",
        "pl": "ąćęłńśźż",
        "sv": "å",
        "tr": "ığş",
    }.items()
}


def _languages_by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for language, words in {"en": _ENGLISH, **_FOREIGN}.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), language)
    return found


_LANGUAGES_BY_WORD = _languages_by_word()
