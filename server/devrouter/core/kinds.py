"""The kinds of missing context, and telling the kind of a free phrase by its words.

The patterns are tried in order; the first that is found decides. The order matters where a phrase has words
of two kinds: "the code that raises the error" is code, "error handling rules" are requirements.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache


class GapKind(StrEnum):
    """What is missing, by the labelling guide."""

    ERROR = "error"
    CODE = "code"
    VERSION = "version"
    ENVIRONMENT = "environment"
    STACK = "stack"
    BEHAVIOUR = "behaviour"
    REQUIREMENTS = "requirements"
    TARGET = "target"
    SCALE = "scale"
    ACCEPTANCE = "acceptance"
    AUDIENCE = "audience"


def kind_of(phrase: str) -> GapKind:
    """The kind of a phrase such as "Flask version" or "the `Upload` handler's code"."""
    words = " ".join(phrase.split())[:200]
    for kind, pattern in _patterns():
        if pattern.search(words):
            return kind
    return GapKind.REQUIREMENTS


# White space in a pattern is written \s, since the patterns are verbose.
_SOURCES: tuple[tuple[GapKind, str], ...] = (
    # What is to be done at all: "what to do with the script".
    (
        GapKind.REQUIREMENTS,
        r"""\A(?:what|whatever)\s(?:to\sdo|is\swanted|is\sto\s(?:be\sdone|change|happen)
            |(?:should|must)\sbe\s(?:done|changed)|to\schange)\b
        | \bwhat\sto\sdo\s(?:with|about)\b
        | \A(?:the\s)?(?:task|request|question)\b(?!\s\d)
        | \A(?:your|his|her)\s""",
    ),
    # A rule still to be decided: "whether negative numbers may occur", "date format".
    (
        GapKind.REQUIREMENTS,
        r"""\A(?:what|whether|how|when|if|which)\s
            (?!.*\b(?:return|happen|shown?|be\s(?:removed|added|fixed|tested|closed))\b).*\b(?:should|must)\b
        | \bformat\Z(?<!current\sformat)
        | \Awhether\s.*\b(?:persist|may|can|allowed|counts?|needs?)\b""",
    ),
    (
        GapKind.CODE,
        r"\b(?:and|with)\s(?:its|their|the)\s(?:\w+\s)?columns?\b|\bdata(?:set|\s?frame)?\b.*\bcolumns\b",
    ),
    # Code by name: "the code", "the branch's diff", "the current config".
    (
        GapKind.CODE,
        r"""\bcode\b(?!\s?base|\sstyle) | \bsource(?:\sfile|\sof\b) | \bsnippet
        | \A(?:the\s)?(?:(?:full|whole|current|existing|actual|relevant|selected|rest\sof\sthe|git
              |branch'?s?)\s)*
          (?:diff|script|query|queries|function|method|class|component|markup|stylesheet|config|configuration
            |files?|document|module|notebook|program|implementation)\b(?!\sname|\ssystem|\ssize)
          (?!.*\s(?:is|are)\smeant)""",
    ),
    (GapKind.VERSION, r"\bversions?\b(?!\scontrol|\swins)|\brelease\sin\suse\b"),
    # Who reads it, and in what style.
    (
        GapKind.AUDIENCE,
        r"""\b(?:audience|readers?|tone|(?:docstring|comment|house)\sstyle|style\sguide|diagram\snotation
            |(?:docs|documentation|diagram|changelog)(?:'s)?\s(?:current\s)?format|commit\smessage\sconvention
            |conventions?\s(?:in|of|for)|(?:PR|ticket)\stemplate|who\s(?:will\s)?(?:read|use)s?
            |who\s(?:the|it)\b.*\bfor|level\sof\sdetail|glossary)\b""",
    ),
    # Which thing: "what "this" is", "which repository".
    (
        GapKind.TARGET,
        r"""\A(?:the\s)?(?:what|whom?)\s["'`\u201c\u2018][^"'`\u201d\u2019]*["'`\u201d\u2019]
            \s(?:is\b|are\b|refers?|means|stands)
        | \b(?:is|are|was)\smeant\b | \brefers?\sto\b
        | \A(?:what|which)\s(?:it|this|that|they|these|those|kind\sof\starget|target)\b
        | \A(?:which|what|the)\s(?:\w+[\s,]){0,2}
          (?:repo|repository|repositories|branch|prs?|pull\srequest|issues?|agent|worktree|website|page
              |project
            |commit|patch|tickets?|discussion|operation|information|one)\b(?!'s)(?!.*\s(?:use|code|should))
        | \Awhich\s(?:\w+[\s,]){0,2}
          (?:files?|functions?|method|class|element|button|tests?|code|endpoint|component|section|column
              |variable
            |window|items?|lines?|screen|command|task|plan|step)\b
        | \b(?:text|sentence|subtitles?)\sto\s\w+
        | \Awhat\s(?:should|has\sto|must)\sbe\s(?:removed|added|fixed|tested|closed|renamed)
        | \Awhat\s(?:is|was)\sbeing\b""",
    ),
    # What was printed: "full stack trace", "the failing test's output".
    (
        GapKind.ERROR,
        r"""\b(?:stack\s?traces?|tracebacks?|backtrace|stderr|logcat|crash\s(?:log|report|trace)|thread\sdump
            |error\s(?:messages?|text|log|output)|exact\s(?:message|text|error)
            |(?:console|compiler|browser|build|log)\s(?:\w+\s)?errors?)\b
        | \A(?:the\s)?(?:(?:full|exact|complete|actual|failing|failed|reported|current|whole|new|remaining
              |\w+'s
            |own)\s)*(?:errors?|exceptions?|warnings?|logs?|panic|output)\b(?!\scode|\s(?:file\s)?format
              |\shandling)
        | \b(?:failing|failed|failure|fails?|build|tests?'?|compiler|linter'?s?|console|lint|hook'?s?|push
              |curl|npm
            |git\sstatus|job|server|worker'?s?)\b[^,]*\b(?:outputs?|messages?|logs?)\b
        | \bfailing\s(?:tests?|job|run|step|check)s?\b
        | \blogs?\s(?:of|around|from|at|lines?)\b | \boutput\sof\b
        | \berrors?\s(?:it|they|you|shown|from|seen)\b | \bany\s(?:error|message)""",
    ),
    # Sizes, load, measured times.
    (
        GapKind.SCALE,
        r"""\b(?:number\sof\s(?!the\b)|how\s(?:many|large|big|often)\b|sizes?\s(?:of|and)|row\scounts?
              |volumes?
            |(?:data|table|file|input|typical|expected|image|team|state|queue|dataset|cluster|instance|message
              |project|batch)\s(?:sizes?|counts?|amounts?)
            |load\b|traffic|throughput|latency|latencies|profil(?:e|er|ing)\b|timings?|durations?|measured
              |benchmarks?
            |flame\s?graph|memory\suse|query\splan|explain\sanalyze|requests\sper
            |per\s(?:second|day|hour|month|minute|night|customer|user|project|tenant|page)
            |build\s(?:time|scan)|run\s?times?|amount\sof|(?:write|data)\srates?|milliseconds|binary\ssize
            |lengths?\sof\sthe|where\sthe\s(?:\w+\s)?time\sgoes|bundle\sanaly[sz]er|cold\sstart)""",
    ),
    # How the result will be checked.
    (
        GapKind.ACCEPTANCE,
        r"""\b(?:acceptance|done[-\s]criteria|how\s(?:\w+\s){1,4}(?:be\s)?(?:measured|judged|checked|compared)
            |expected\s(?:output|results?)\sfor|what\sthe\stests?\s(?:should|must)|test\splan|tolerance
            |definition\sof\sdone|test\scases)\b""",
    ),
    # Which language, framework or tool at all.
    (
        GapKind.STACK,
        r"""\b(?:programming\slanguage|frameworks?|dialect|tech\sstack|stack\b(?!\s(?:trace|frame))|orm
              |test\srunner
            |package\smanager|build\stool|bundler|template\sengine|G?UI\stoolkit|CI(?:/CD)?\ssystem|LLM
            |payment\sprovider)\b
        | \A(?:the\s)?(?:\w+(?:'s)?\s){0,3}(?:languages?|library|libraries|database|engine)\b
          (?!'s)(?!.*\b(?:runs|schema|name|address|count|size))
        | \b(?:language|library)\s(?:and|or)\b | \b(?:and|or)\s(?:language|library)\b
        | \A(?:which|what)\s(?:\w+\s){0,2}(?:tool|package|language|library|database|engine|client|model
              |provider
            |SDK|API)\b
        | \A(?:(?:Java|Type)Script|Kotlin|Java|React|Vue|Python|C\+\+|C\#|GDScript|SwiftUI|Maven)\sor\s\w+
        | \btool(?:s|kit)?\s(?:used|in\suse)\b""",
    ),
    (
        GapKind.CODE,
        r"""\b(?:deploy\w*|build|container|proxy|test)\s(?:files?|manifest|setup|config\w*)\b
        | \bhandler\b | \bcomponent\b | \bmanifest\b""",
    ),
    # Where it runs.
    (
        GapKind.ENVIRONMENT,
        r"""\A(?:Ubuntu|Windows|Linux|Debian|AWS|RAM|Qt|compiler|iPad|iPhone|Android|CI|editor|shell
              |terminal|board
            |device|machine)\b
        | \bon\sthe\s(?:machine|robot|board|node|server)\b | \b(?:timeout|permission|memory)\ssettings?\b
        | \A(?:how|where|whether)\s.*\b(?:hosted|served|installed|joined|authenticates?|accessed|imported
              |running
            |started|exists?|serves|reach|runs?)\b
        | \b(?:operating\ssystems?|OS|runtime|platforms?|hardware|browsers?|IDE|deploy(?:ed|s|ment)|hosting
              |hosted
            |server\ssoftware|cloud\sprovider|services?\sin\suse|runners?|GPUs?|CPUs?|microcontroller|cluster
            |(?:arduino|pico|dev|phone|device|test)\s(?:\w+\s)?(?:board|model|device|phone)
            |boards?\s(?:type|model|and)|regex\sengine|environment|isolation|set\s?up|install(?:ed|ation)
            |credentials|proxy|on\swhich\s(?:port|address|machine)|(?:the|which)\s(?:editor|shell
              |terminal))\b""",
    ),
    # Expected against actual.
    (
        GapKind.BEHAVIOUR,
        r"""\b(?:expected|actual|steps|reproduc\w+|examples?|inputs?\sand|samples?|screenshots?|now|shape\sof
            |current\sbehaviou?r|before\sand\safter|the\sformat\sof|first\srows?|rows\sof
            |contents?\sof\s(?:the\s)?(?:df|data|input)
            |what\s(?:happens|goes\swrong|is\swrong|looks?\swrong|seems|fails|breaks)
            |what\s\w+\s(?:returns?|shows?|does|prints?|should\sreturn)
            |how\s(?:it|they)\s(?:looks?|renders?|behaves?|fails?))\b""",
    ),
    (
        GapKind.TARGET,
        r"""\Athe\s(?:\w+\s)?(?:numbers?|task|step|phase|problem|point|concern|conversation|change
              |description)\b
            (?:\s\w+){0,4}\Z
        | \Awhich\s(?:\w+\s)?(?:two|three|parts?|sentence|paths?|transcript|experiment|milestone|migration
              |workflow
            |workers?|sessions?|bugs?|themes?|template|program|enum|move|phase)\b""",
    ),
    # How something is built now can only be read in the code.
    (
        GapKind.CODE,
        r"""\Ahow\s.*\b(?:is|are|was|were)\s(?:built|computed|stored|registered|used|defined|set|created
              |called|made
            |declared|written|loaded|read|detected|passed|handled|generated|wired|implemented|mapped
              |queried|parsed
            |calculated|configured|initiali[sz]ed)\b
        | \Awhere\s.*\b(?:is|are)\s(?:set|read|created|used|registered|stored|called|defined|built|handled
              |loaded)\b
        | \Awhat\s.*\s(?:writes|stores)\b""",
    ),
    (
        GapKind.REQUIREMENTS,
        r"""\A(?:whether|what|how|when|if|who|why|any|where|which)\b
        | \b(?:should|must|wanted|desired|rules?|requirements?|criteria|goals?|purpose|deadline|budget
              |policy|scope
            |edge\scases|time\szone|meaning|names?\s(?:of|or)|list\sof|kinds?\sof|types?\sof
              |description\sof|form\sof
            |formats?\sof|range|limits?|direction|title|columns?|fields|units?|topic|business|roles?
              |permissions?)\b
        | \A[\w-]+(?:\s[\w-]+){0,2}\sor\s[\w\s-]+\Z
        | \bto\s(?:show|use|cover|support|add|return|include|send|store|plot|keep|export)\b""",
    ),
    # Whatever else names code, or a thing that only the asker has.
    (
        GapKind.CODE,
        r"""`[^`]+`
        | \b\w+\.(?:py|js|ts|tsx|jsx|go|rs|java|md|json|ya?ml|toml|html|css|sql|cs|cpp|sh|txt|php|rb|kt)\b
        | \b(?:definitions?|schema|tables?|quer(?:y|ies)|components|handlers|hooks?|controller|middleware
              |markup|HTML
            |CSS|styles|config\w*|scripts?|selectors?|class(?:es)?|struct|functions?|tests?|fixtures?
              |workflow|pipeline
            |Dockerfile|modules?|template|diff|commits?|implementation|data\s?frame|datasets?|models?|store
              |types?
            |prompts?|setup|settings|files?|document)\b(?!\sto\suse|\sor\s)
        | \A(?:the|its|their|our|current|existing|full|rest|contents?)\b""",
    ),
)


@cache
def _patterns() -> tuple[tuple[GapKind, re.Pattern[str]], ...]:
    """Compiled on first use: they cost some milliseconds, and the editor waits for us."""
    return tuple((kind, re.compile(source, re.IGNORECASE | re.VERBOSE)) for kind, source in _SOURCES)
