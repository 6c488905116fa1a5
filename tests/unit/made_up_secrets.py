"""True-looking secrets made anew for each run, in the phrasings of prompts.

None stands in the repository: the hosts' own scanners would stop it, and no rule could be fitted to it.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALPHANUMERIC = ascii_letters + digits
HEX = "0123456789abcdef"
URL_SAFE = ALPHANUMERIC + "-_"


@dataclass(frozen=True)
class Example:
    """A prompt that holds `value` once; `form` names the phrasing for a failed test."""

    form: str
    text: str
    value: str


class Maker:
    """Values of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311  (no secret of anybody's)

    def bytes(self, length: int) -> bytes:
        return self.random.randbytes(length)

    def some(self, characters: str, length: int) -> str:
        return "".join(self.random.choices(characters, k=length))

    def password(self) -> str:
        """As a password manager makes them: 14 characters of every kind."""
        parts = [*self.some(ascii_lowercase, 5), *self.some(ascii_uppercase, 4), *self.some(digits, 3)]
        parts += self.some("!*+#~%", 2)
        self.random.shuffle(parts)
        # A symbol at the start or end would be read as punctuation of the sentence.
        return self.some(ascii_letters, 1) + "".join(parts) + self.some(digits, 1)

    def web_token(self) -> str:
        def part(values: dict[str, object]) -> str:
            return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")

        claims = part({"sub": self.some(digits, 8), "iat": self.random.randrange(10**9)})
        return ".".join((part({"alg": "HS256", "typ": "JWT"}), claims, self.some(URL_SAFE, 43)))

    def private_key(self, kind: str = "RSA ") -> str:
        lines = "\n".join(self.some(ALPHANUMERIC + "+/", 64) for _ in range(12))
        return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


TOKENS: dict[str, Callable[[Maker], str]] = {
    "GitHub classic": lambda m: "ghp_" + m.some(ALPHANUMERIC, 36),
    "GitHub fine-grained": lambda m: f"github_pat_{m.some(ALPHANUMERIC, 22)}_{m.some(ALPHANUMERIC, 59)}",
    "GitHub app": lambda m: "ghs_" + m.some(ALPHANUMERIC, 36),
    "GitLab": lambda m: "glpat-" + m.some(URL_SAFE, 20),
    "Slack bot": lambda m: f"xoxb-{m.some(digits, 12)}-{m.some(digits, 12)}-{m.some(ALPHANUMERIC, 24)}",
    "Slack webhook": lambda m: (
        "https://hooks.slack.com/services/T"
        + "/".join((m.some(HEX.upper(), 9), "B" + m.some(HEX.upper(), 9), m.some(ALPHANUMERIC, 24)))
    ),
    "Stripe live": lambda m: "sk_live_" + m.some(ALPHANUMERIC, 24),
    "Stripe test": lambda m: "sk_test_" + m.some(ALPHANUMERIC, 24),
    "OpenAI project": lambda m: f"sk-proj-{m.some(URL_SAFE, 74)}T3BlbkFJ{m.some(URL_SAFE, 73)}0",
    "OpenAI old": lambda m: f"sk-{m.some(ALPHANUMERIC, 20)}T3BlbkFJ{m.some(ALPHANUMERIC, 20)}",
    "Anthropic": lambda m: f"sk-ant-api03-{m.some(URL_SAFE, 93)}AA",
    "AWS key id": lambda m: "AKIA" + m.some(ascii_uppercase + "234567", 16),
    "Google API": lambda m: "AIza" + m.some(URL_SAFE, 34) + "0",
    "Google OAuth": lambda m: "GOCSPX-" + m.some(URL_SAFE, 27) + "0",
    "npm": lambda m: "npm_" + m.some(ALPHANUMERIC, 36),
    "PyPI": lambda m: "pypi-AgEIcHlwaS5vcmc" + m.some(URL_SAFE, 120) + "0",
    "Hugging Face": lambda m: "hf_" + m.some(ALPHANUMERIC, 34),
    "SendGrid": lambda m: f"SG.{m.some(URL_SAFE, 22)}.{m.some(URL_SAFE, 43)}",
    "DigitalOcean": lambda m: "dop_v1_" + m.some(HEX, 64),
    "Vault": lambda m: "hvs." + m.some(ALPHANUMERIC, 24),
    "JSON web token": Maker.web_token,
}
"""Tokens that are known by their own characters, wherever they stand."""

SENTENCES = (
    "Why do I get a 401 from the API? here is my key: {}\nI use requests.",
    "{} is what I use, and it says forbidden",
    "fix this\n```python\nclient = Client('{}')\n```\n",
    "Deploy fails.\n\nexport SERVICE_CREDENTIAL={}\nexport LEVEL=debug\n",
    'curl https://api.acme.dev/v1/me -H "Authorization: Bearer {}" returns 403',
    'My config is {{"name": "prod", "value": "{}", "retries": 3}}, what is wrong?',
)


def tokens(seed: int) -> Iterator[Example]:
    """Every vendor's token in every sentence."""
    maker = Maker(seed)
    for name, make in TOKENS.items():
        for sentence in SENTENCES:
            value = make(maker)
            yield Example(f"{name}: {sentence[:30]!r}", sentence.format(value), value)


def named(seed: int) -> Iterator[Example]:
    """Values without a prefix, told by the words around them."""
    m = Maker(seed)

    def example(form: str, value: str) -> Example:
        return Example(form, form.format(value), value)

    for form in (
        "The login fails, my password is {}. What now?",
        "Passwort: {}\nWarum geht das nicht?",
        'settings.json says {{"user": "app", "password": "{}"}} and it still fails',
        "DB_HOST=db.internal\nDB_PASSWORD={}\nDB_NAME=shop\n",
        "spring:\n  datasource:\n    username: shop\n    password: {}\n",
        "Server=db.internal;Database=shop;User Id=app;Password={};Encrypt=true",
        "the password for the staging database is {}",
        'conn = connect(host="db", user="app", password="{}")',
        "docker run -e POSTGRES_PASSWORD={} postgres:16",
        "mytool login --user app --password {} --verbose",
        "<property><password>{}</password></property>",
    ):
        yield example(form, m.password())
    for form in (
        "postgres://shop:{}@db.internal:5432/shop refuses the connection",
        'engine = create_engine("mysql+pymysql://shop:{}@10.0.0.7/shop")',
        "mongodb+srv://app:{}@cluster0.ab1cd.mongodb.net/prod",
        "redis://:{}@cache.internal:6379/0",
        "git clone https://deploy:{}@git.acme.dev/shop.git",
        "amqp://worker:{}@mq.internal/vhost",
    ):
        yield example(form, m.some(ALPHANUMERIC, 10) + m.some(ascii_uppercase, 3) + m.some(digits, 4) + "x")
    for form in (
        "AWS_SECRET_ACCESS_KEY={}\nAWS_REGION=eu-central-1",
        "aws_secret_access_key = {}",
        'secretAccessKey: "{}",',
    ):
        yield example(form, m.some(ALPHANUMERIC + "+/", 39) + "0")
    for form in (
        "COHERE_API_KEY={}",
        "X-Api-Key: {}",
        'api_key = "{}"',
        '"apiKey": "{}"',
        "here is my key: {} and it does not work",
        "my API key is {}",
        "auth_token: {}",
        "--token {}",
        "https://api.acme.dev/v1/items?api_key={}&page=2",
        'client_secret="{}"',
        "JWT_SECRET='{}'",
        'curl -H "Authorization: Token {}" https://acme.dev',
    ):
        yield example(form, m.some(ALPHANUMERIC, 30) + m.some(digits, 2))
        yield example(form, m.some(HEX, 40))
    yield example(
        "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={};EndpointSuffix=core.windows.net",
        m.some(ALPHANUMERIC + "+/", 86) + "==",
    )
    credentials = b64encode(f"app:{m.password()}".encode()).decode()
    yield example('-H "Authorization: Basic {}"', credentials)
    yield example("curl -u app:{} https://acme.dev/health", m.password())
    yield example("What is wrong with this key?\n{}\n", m.private_key())
    yield example("ssh says invalid format:\n\n```\n{}\n```\n", m.private_key("OPENSSH "))
    escaped = m.private_key("").replace("\n", "\\n")
    yield example('{{"type": "service_account", "private_key": "{}\\n"}}', escaped)
