"""Secrets in a draft: what is found, what is not taken for one, and that no text takes long."""

from __future__ import annotations

import hashlib
import uuid
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from devrouter.app.secrets import secrets_in
from devrouter.core.secrets import Secret, masked
from devrouter.core.text import Span
from tests.unit.made_up_secrets import HEX, Example, Maker, named, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEEDS = range(25)


@pytest.mark.parametrize("examples", [tokens, named])
def test_what_is_found_is_the_value_alone(examples: Callable[[int], Iterator[Example]]) -> None:
    """A few in a thousand that chance made look like a word or a count are the price of no false alarm."""
    missed: dict[str, int] = {}
    count = 0
    for example in (example for seed in SEEDS for example in examples(seed)):
        count += 1
        if [example.text[slice(*secret.span)] for secret in secrets_in(example.text)] != [example.value]:
            missed[example.form] = missed.get(example.form, 0) + 1
    assert count >= 1000
    assert sum(missed.values()) <= count // 200, missed
    assert max(missed.values(), default=0) <= 2, missed


MAKER = Maker(7)
NO_SECRETS = {
    "git hash": f"git revert {MAKER.some(HEX, 40)} leaves conflicts",
    "short hash after a name": f"the token branch at {MAKER.some(HEX, 10)} fails",
    "UUID": f"order {uuid.UUID(bytes=MAKER.bytes(16))} is missing; token: {uuid.UUID(bytes=MAKER.bytes(16))}",
    "checksum": f"sha256:{hashlib.sha256(b'x').hexdigest()} does not match",
    "lock file": f'"integrity": "sha512-{b64encode(hashlib.sha512(b"x").digest()).decode()}"',
    "public key": f"ssh-rsa {MAKER.some('ABCDEFabcdef0123456789+/', 370)} me@laptop",
    "encoded image": f'<img src="data:image/png;base64,{b64encode(MAKER.bytes(3000)).decode()}">',
    "stand-ins": "API_KEY=<API_KEY>\nTOKEN=your-api-key\nKEY=sk-...\nPASSWORD=********\nSECRET=${SECRET}",
    "more stand-ins": "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sk-abcdefghijklmnopqrstuvwxyz123456 "
    "api_key=REPLACE_WITH_YOUR_API_KEY_2024",
    "export of nothing": "export TOKEN=xxx",
    "environment": "password = os.environ['DB_PASSWORD']\nconst token = process.env.API_TOKEN2;",
    "calls": "token = jwt.encode(payload1, SECRET_KEY)\nsecret = secrets.token_urlsafe(32)",
    "variables": "password = newPassword1\napi_key: str = apiKeyFromSettings2\npwd=self.password_2",
    "types": "password: string;\napiKey?: string\ntoken: Mapped[str] = mapped_column(String(255))",
    "prose": "The password is hashed with bcrypt and the token is stored in Redis under session:42.",
    "rules for passwords": "A password: at least 8 characters, one upper-case letter, 1 digit and 1 symbol!",
    "a test's password": '{"user": "alice", "password": "Password123!"}\nlogin("bob", password="test1234")',
    "defaults of a database": "postgres://postgres:postgres@localhost/app redis://:password@localhost",
    "address with stand-ins": "https://user:password@host, https://${USER}:${PASS}@host/x",
    "vendor's example": "AKIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "the tutorials' web token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0"
    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    "a key left out": "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
    "certificate": f"-----BEGIN CERTIFICATE-----\n{MAKER.some(HEX, 64)}\n-----END CERTIFICATE-----",
    "public by design": "pk_live_" + MAKER.some("ABCDabcd0123", 24),
    "anti-forgery and paging": f"csrf_token={MAKER.some(HEX, 40)} nextPageToken: '{MAKER.some(HEX, 40)}'",
    "limits": "max_tokens: 4096, token_count=128000, tokens per second 34.5",
    "header of an example": 'curl -H "Authorization: Bearer $TOKEN" -u user:password https://api.acme.dev',
    "primary keys": f"primary_key: {MAKER.some(HEX, 32)} and cache key {MAKER.some(HEX, 32)}",
    "workflow": "token: ${{ secrets.GITHUB_TOKEN }}\npassword: {{ vault_db_password }}",
    "time and ratio": "12345678:30 in 2024-01-02T03:04:05Z at 10.0.0.1:8080",
}


@pytest.mark.parametrize("text", NO_SECRETS.values(), ids=NO_SECRETS.keys())
def test_what_is_no_secret(text: str) -> None:
    assert [(secret.kind, text[slice(*secret.span)]) for secret in secrets_in(text)] == []


def test_secrets_beside_each_other_are_told_apart() -> None:
    first, second = MAKER.password(), "ghp_" + MAKER.some("ABCDEFGHabcdefgh01234567", 36)
    text = f"password={first}&token={second}"
    assert [text[slice(*secret.span)] for secret in secrets_in(text)] == [first, second]


@pytest.mark.parametrize(
    "sentence",
    [
        "das Passwort lautet {}, warum geht es nicht?",
        "la contraseña es {} y no funciona",
        "这个密码是{}，为什么连不上？",  # noqa: RUF001
        "密码：{}。",  # noqa: RUF001
        "パスワードは{}です",
    ],
)
def test_a_password_is_found_in_other_languages(sentence: str) -> None:
    password = Maker(44).password()
    text = sentence.format(password)
    assert [text[slice(*secret.span)] for secret in secrets_in(text)] == [password]


def test_the_kind_is_named() -> None:
    text = f"-H 'x-api-key: {MAKER.some(HEX, 40)}' ghs_{MAKER.some('ABCDEFGHabcdefgh01234567', 36)}"
    assert [secret.kind for secret in secrets_in(text)] == ["API key", "GitHub token"]


def test_masking_replaces_the_values_and_nothing_else() -> None:
    password = MAKER.password()
    text = f"é\r\npostgres://app:{password}@db/shop\r\npassword: {password}\r\n"
    hidden = masked(text, secrets_in(text))
    assert hidden == "é\r\npostgres://app:<password-in-an-address>@db/shop\r\npassword: <password>\r\n"
    assert secrets_in(hidden) == ()


def test_the_message_never_holds_the_value() -> None:
    secret = Secret(Span(0, 5), "GitHub token")
    assert secret.message == "This looks like a secret (GitHub token): mask it before you send the prompt."


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit",
    [
        "-----BEGIN PRIVATE KEY-----",
        "eyJhbGciOiJub25l.eyJ",
        "password is ",
        "密码是",
        "password for a b c d ",
        "token=",
        "a://b:",
        "authorization: bearer ",
        "bearer " + "a" * 30,
        "sk-proj-",
        "AKIA",
        "https://hooks.slack.com/services/T",
        "    ",
        "'",
    ],
)
def test_no_text_holds_up_the_reader(unit: str) -> None:
    """Texts on which a careless pattern spends hours; here each takes less than a second."""
    secrets_in(unit * (200_000 // len(unit)))
