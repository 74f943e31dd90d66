"""Who has an account at an OpenID provider, and how it treats the one application that asks."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from sandbox.consent.world import SECONDS
from sandbox.shelf import Shelf

KEPT_PEOPLE = 10_000
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - published in the README: it protects nothing

Subject = Annotated[str, Field(min_length=1, max_length=255)]
Algorithm = Literal["RS256", "ES256", "EdDSA"]

Fault = Literal[
    "alg_none",
    "another_provider_in_discovery",
    "expired",
    "extra_audience",
    "foreign_iss",
    "foreign_key",
    "hs256_client_secret",
    "hs256_public_key",
    "issued_in_future",
    "issued_long_ago",
    "key_in_header",
    "no_id_token",
    "no_kid",
    "no_nonce",
    "no_sub",
    "unknown_kid",
    "wrong_at_hash",
    "wrong_audience",
    "wrong_azp",
    "wrong_issuer",
    "wrong_nonce",
    "wrong_state",
]
"""What a provider may do wrong, be it by mistake or because it is hostile."""


class Person(BaseModel):
    """Somebody with an account."""

    sub: Subject
    email: Annotated[str, Field(max_length=320)] | None = None
    email_verified: bool | None = True
    """Null leaves the claim out, as many providers of companies do."""
    name: Annotated[str, Field(max_length=200)] = "Ann Example"
    hd: Annotated[str, Field(max_length=253)] | None = None
    """The Workspace domain; only Google has it."""
    claims: Annotated[dict[str, JsonValue], Field(max_length=50)] = {}
    """Further claims, also in place of those above."""


class App(BaseModel):
    """The application as the provider knows it, and how the provider treats it.

    No redirect URI registered means that any loopback address will do.
    """

    client_id: Annotated[str, Field(min_length=1, max_length=200)] = "sandbox-client"
    client_secret: Annotated[str, Field(min_length=1, max_length=200)] = CLIENT_SECRET
    redirect_uris: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=100)] = []
    approves: Subject | None = None
    """Who signs in at once, without the page being shown; null shows it."""
    authenticates_by: Literal["client_secret_basic", "client_secret_post", "either"] = "either"
    requires_pkce: bool = False
    algorithm: Algorithm = "RS256"
    sends_iss: bool = False
    """Whether the browser comes back with `iss` (RFC 9207), which discovery then announces."""
    code_seconds: Annotated[float, SECONDS] = 600.0
    access_token_seconds: Annotated[float, SECONDS] = 3599.0
    id_token_seconds: Annotated[float, SECONDS] = 3600.0
    faults: Annotated[list[Fault], Field(max_length=30)] = []


@dataclass
class World:
    """People and the application, as they stand at one provider."""

    beginning: tuple[Person, ...]
    first: App = field(default_factory=App)
    app: App = field(default_factory=App)
    people: Shelf[str, Person] = field(default_factory=lambda: Shelf(most=KEPT_PEOPLE))

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As at the start."""
        self.app = self.first
        self.people.clear()
        for person in self.beginning:
            self.people.put(person.sub, person)

    def has(self, fault: Fault) -> bool:
        """Whether this goes wrong now."""
        return fault in self.app.faults
