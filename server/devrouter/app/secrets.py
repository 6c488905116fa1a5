"""Finding secrets in a draft: keys, tokens, passwords, private keys, connection strings.

Tokens that a vendor marked with a prefix are known to a library, `classifinder-engine`: it is typed, names
what it finds, imports nothing and has no network code, whereas the usual scanners of repositories ask the
vendor whether a key is still good. Only those of its patterns are used that need no words around the token.
What has no prefix is told by its name or place: `password = "..."`, `https://user:...@host`, a header of a
request. That is done here, as the value alone is to be masked, and a prompt is prose as much as code.

A false alarm in every other prompt would be switched off in the head of the reader, so a value must look as
if a machine or a careful person had made it up. Every rule is linear in the length of the text.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from devrouter.core.secrets import Secret
from devrouter.core.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_KEPT = 20_000
"""Characters of a draft whose secrets are remembered; a longer one is read anew."""


def secrets_in(text: str) -> tuple[Secret, ...]:
    """The secrets of a draft in the order in which they stand; none overlaps another."""
    return _kept(text) if len(text) <= _LONGEST_KEPT else _found(text)


def _found(text: str) -> tuple[Secret, ...]:
    """Where two rules see the same characters, the one that knows more of them stands first."""
    result: list[Secret] = []
    taken = bytearray(len(text))
    for secret in _candidates(text):
        start, end = secret.span
        if 1 not in taken[start:end]:
            taken[start:end] = b"\1" * (end - start)
            result.append(secret)
    return tuple(sorted(result, key=lambda secret: secret.span))


_kept = lru_cache(maxsize=64)(_found)


def _candidates(text: str) -> Iterator[Secret]:
    yield from _private_keys(text)
    yield from _vendor_tokens(text)
    yield from _json_web_tokens(text)
    yield from _in_addresses(text)
    yield from _in_headers(text)
    yield from _named(text)


# Private keys

_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?P<body>[^-]*(?:-(?!----)[^-]*)*)"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
)
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{32,}")


def _private_keys(text: str) -> Iterator[Secret]:
    """The whole block, also one whose end was not pasted; not one whose body was left out."""
    for block in _KEY_BLOCK.finditer(text):
        lines = list(_KEY_LINE.finditer(text, *block.span("body")))
        if lines and any(_is_random(line[0]) for line in lines):
            closed = block.end() > block.end("body")
            yield Secret(Span(block.start(), block.end() if closed else lines[-1].end()), "private key")


# Tokens with a prefix

_UNUSED_PATTERNS = frozenset(
    {
        # Public by design, or no secret without another part.
        "stripe_live_publishable_key",
        "twilio_account_sid",
        "credit_card_number",
        # So short a prefix is met in digests and encoded data.
        "mailgun_api_key",
        "nuget_api_key",
        "square_access_token",
        # Found here as the value alone, and at any length.
        "gcp_service_account_key",
        "jwt_token",
        "mongodb_connection_string",
        "mysql_connection_string",
        "password_in_url",
        "postgres_connection_string",
        "redis_connection_string",
        "ssh_private_key",
    }
)
_MORE_TOKENS = (
    ("OpenAI API key", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{32,}"),
    ("OpenRouter API key", r"sk-or-v1-[0-9a-f]{48,}"),
    ("GitHub token", r"gh[oprsu]_[A-Za-z0-9]{36,251}"),
    ("GitLab token", r"gl(?:dt|ft|rt|cbt|soat|agent|imt|oas)-[A-Za-z0-9_-]{20,}"),
    ("Slack token", r"xox[a-z]-[A-Za-z0-9-]{20,}|xapp-[0-9]-[A-Za-z0-9-]{20,}"),
    ("Google OAuth secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    ("Google OAuth token", r"ya29\.[A-Za-z0-9_-]{40,}"),
    ("Databricks token", r"dapi[0-9a-f]{32}"),
    ("Docker access token", r"dckr_pat_[A-Za-z0-9_-]{27}"),
    ("Stripe test key", r"rk_test_[A-Za-z0-9]{24,99}"),
    ("age secret key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
)


_PREFIX = re.compile(r"\A(?:https?://[^/]+/\w+/|(?:[A-Za-z]{2,7}\d{0,2}[_-])+)")
"""What the vendor wrote, such as `sk_test_`: only the rest of a token can be made up."""


@cache
def _token_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Kind and pattern of each token that is known by its own characters; `secret` is the group to mask."""
    from classifinder_engine import PATTERN_REGISTRY

    known = [
        (re.sub(r"\s*\(.*", "", pattern.name), pattern.regex)
        for pattern in PATTERN_REGISTRY
        if pattern.regex.pattern.startswith("(?P<secret>")
        and pattern.provider != "prompt_injection"
        and pattern.id not in _UNUSED_PATTERNS
    ]
    ours = [
        (kind, re.compile(rf"(?P<secret>{written})(?![A-Za-z0-9_-])", re.ASCII))
        for kind, written in _MORE_TOKENS
    ]
    return (*ours, *known)


def _vendor_tokens(text: str) -> Iterator[Secret]:
    for kind, pattern in _token_patterns():
        for match in pattern.finditer(text):
            span = Span(*match.span("secret"))
            within_a_word = text[span.start - 1 : span.start].isalnum() and span.start > 0
            if not within_a_word and _is_made_by_a_machine(_PREFIX.sub("", match["secret"])):
                yield Secret(span, kind)


_WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.(?=eyJ)[\w-]{8,}\.([\w-]{16,})", re.ASCII)
_SIGNATURE_OF_THE_EXAMPLE = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
"""Of the token that explains the format in every tutorial."""


def _json_web_tokens(text: str) -> Iterator[Secret]:
    for match in _WEB_TOKEN.finditer(text):
        if match[1] != _SIGNATURE_OF_THE_EXAMPLE and _is_random(match[1]):
            yield Secret(Span(*match.span()), "JSON web token")


# Values told by their place

_ADDRESS = re.compile(
    r"(?<![a-z])[a-z][a-z0-9+.-]{1,20}://"
    r"(?P<user>[^\s:/@\"'<>`]{0,64}):(?P<value>[^\s@/\"'<>`]{1,128})@(?=[\w\[])",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"\bauthorization[\"']?\s{0,3}[:=,]\s{0,3}[\"']?(?P<scheme>[a-z]{5,8})\s{1,3}(?P<value>[\w.~+/=-]{12,2000})"
    r"|\bbearer\s(?P<alone>[\w.~+/=-]{24,2000})"
    r"|(?<!\S)(?:-u|--user)[ =][\"']?[^\s:\"']{1,64}:(?P<password>[^\s\"'@]{6,128})",
    re.IGNORECASE | re.ASCII,
)


def _in_addresses(text: str) -> Iterator[Secret]:
    """The password of `postgres://app:password@host/db`; one that is the user's name again is a default."""
    for match in _ADDRESS.finditer(text):
        if match["value"].lower() != match["user"].lower() and _is_password(match["value"]):
            yield Secret(Span(*match.span("value")), "password in an address")


def _in_headers(text: str) -> Iterator[Secret]:
    """What a request's `Authorization` carries, and `curl -u`."""
    for match in _HEADER.finditer(text):
        name = next(name for name in ("value", "alone", "password") if match[name])
        basic = (match["scheme"] or "").lower() == "basic"
        kind = "password" if name == "password" else "credentials" if basic else "bearer token"
        fits = _is_password if name == "password" else _holds_credentials if basic else _is_key
        if fits(match[name]):
            yield Secret(Span(*match.span(name)), kind)


def _holds_credentials(value: str) -> bool:
    try:
        user, colon, password = b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(colon) and user.isprintable() and _is_password(password)


# Values told by their names

_NAME = re.compile(
    r"(?P<password>pass(?:word|wd|phrase)|pwd|passwort|kennwort|contraseña|密码|パスワード)"
    r"|(?P<key>(?:api|access|secret|auth|private|encryption|signing|master|account|storage|client|license"
    r"|webhook|my|our)[ _.-]?key)"
    r"|(?P<token>token)|(?P<credential>secret|credential)",
    re.IGNORECASE,
)
_PUBLIC_NAME = re.compile(
    r"(?:publi[cs]\w*|anon|csrf|xsrf|page|next|prev|cursor|continuation|sync|cancel\w*|idempotency|partition"
    r"|sort|primary|foreign|cache|site|hash(?:ed)?)[ _.-]?\Z|::\w*\Z",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"s?\d?[\"'`]?\]?"
    r"(?:[ \t]{0,4}(?::=|=>|={1,3}|:|\uff1a|>)[ \t]{0,4}"
    r"|(?P<prose>[ \t](?:(?:for|to|of|für|de)[ \t](?:\S{1,40}[ \t]){1,4})?(?:is|was|ist|lautet|es):?[ \t]"
    r"|[ \t]?[是为は][ \t]?)"
    r"|[ \t](?=[\"'`])|(?P<option>[ \t]))"
    r"(?:(?P<quote>[\"'`])(?P<quoted>[^\s\"'`<>]{6,2000})(?P=quote)|(?P<bare>[^\s\"'`<>;&,\u3000-\u9fff\uff00-\uffef]{6,2000}))"
)


def _named(text: str) -> Iterator[Secret]:
    """A literal value after the name of a secret: assigned, in JSON, in an `.env` file or in a sentence."""
    for name in _NAME.finditer(text):
        found = _VALUE.match(text, name.end())
        before = text[max(0, name.start() - 24) : name.start()]
        if found is None or _PUBLIC_NAME.search(before):
            continue
        if found["option"] and not re.search(r"(?:^|\s)--[\w-]*\Z", before):
            continue
        group = "quoted" if found["quote"] else "bare"
        start, value = found.start(group), found[group]
        if group == "bare":
            value = value.rstrip(".:!?)]}")
            if not found["prose"] and value.isidentifier() and not _is_random(value):
                # A variable, not its value.
                continue
        if _is_password(value) if name["password"] else _is_key(value):
            yield Secret(Span(start, start + len(value)), _kind(name))


def _kind(name: re.Match[str]) -> str:
    if name["key"]:
        return "API key" if name["key"].lower().startswith("api") else "secret key"
    return next(kind for kind in ("password", "token", "credential") if name[kind])


# What a value must look like

_STAND_IN = re.compile(
    r"example|sample|placeholder|dummy|changeme|change[_-]me|redacted|your|insert|replace|secret|passw"
    r"|token|apikey|api[_-]key|test|admin|foobar|letmein|qwerty|welcome|default|hunter2|horse|xxxx|1234"
    r"|\A(?:my|fake|some|user|root|guest|abc)(?![a-z])|\.\.\.|…|\*\*\*|•|\{|\$\(|\A\$|\A%(?:[sdv]|\w+%)\Z",
    re.IGNORECASE,
)
_UNLEET = str.maketrans("013457@$!", "oieastasi")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_CODE = re.compile(r"[()\[\]\\]|://|\A[./~]|\A[A-Za-z_]\w*(?:(?:\.|->|::|\?\.)[A-Za-z_]\w*)+\Z")
_KEY_CHARACTERS = re.compile(r"[A-Za-z0-9_.~+/=:-]{16,2000}", re.ASCII)


def _is_password(value: str) -> bool:
    """Of several kinds of characters, and neither a stand-in of documentation nor a piece of code."""
    if len(value) > 128 or _is_stand_in(value) or _CODE.search(value):
        return False
    if _is_key(value):
        return True
    digit, letter = re.search(r"\d", value), re.search(r"[^\W\d_]", value)
    symbol = re.search(r"[^\w.\-/]", value)
    both_cases = value != value.lower() and value != value.upper()
    if symbol:
        return bool(digit and letter) and len(value) >= 6
    return bool(digit and both_cases) and len(value) >= 8 and not value.endswith((".py", ".js", ".ts"))


def _is_key(value: str) -> bool:
    """As a machine makes them: long, of few kinds of characters, and without any order."""
    return (
        _KEY_CHARACTERS.fullmatch(value) is not None
        and _UUID.fullmatch(value) is None
        and _is_made_by_a_machine(value)
        and _is_random(value)
    )


def _is_made_by_a_machine(value: str) -> bool:
    """True unless it stands for a real one: an example of documentation, a run of one character, a count."""
    if _STAND_IN.search(value) or len(set(value)) < 8:
        return False
    steps = sum(0 <= ord(after) - ord(before) <= 1 for before, after in pairwise(value))
    return steps * 3 < len(value)


def _is_stand_in(value: str) -> bool:
    return bool(_STAND_IN.search(value) or _STAND_IN.search(value.lower().translate(_UNLEET)))


def _is_random(value: str) -> bool:
    """Letters, capitals and digits change often; in names, also those in camel case, they seldom do."""
    changes = sum(len(re.findall(_CHANGE, piece)) for piece in re.split(r"[\W_]+", value))
    return any(map(str.isdigit, value)) and changes * 9 >= len(value) * 2


_CHANGE = r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])"
