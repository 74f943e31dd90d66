"""Who there is at LinkedIn: people, the pages they run, and the one application."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, Field

from sandbox.consent.world import SECONDS, Registration
from sandbox.shelf import Shelf

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - published in the README: it protects nothing
APPLICATION_URN = "urn:li:developerApplication:1000001"
KEPT_PEOPLE = 10_000
KEPT_SUBSCRIPTIONS = 10_000

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Role = Literal["ADMINISTRATOR", "CONTENT_ADMIN", "DIRECT_SPONSORED_CONTENT_POSTER", "ANALYST"]
Scope = Literal[
    "openid",
    "profile",
    "email",
    "w_member_social",
    "r_member_social",
    "w_organization_social",
    "r_organization_social",
    "rw_organization_admin",
    "r_organization_admin",
]
WRITES_FOR_A_PAGE: frozenset[Role] = frozenset({"ADMINISTRATOR", "CONTENT_ADMIN", "DIRECT_SPONSORED_CONTENT_POSTER"})


class Person(BaseModel):
    """A member of LinkedIn, and the pages on which the member has a role."""

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=200)] = "Ann Example"
    email: Annotated[str, Field(max_length=320)] | None = None
    pages: Annotated[dict[Id, Role], Field(max_length=100)] = {}

    @property
    def urn(self) -> str:
        """The member's URN."""
        return f"urn:li:person:{self.id}"


class Page(BaseModel):
    """A company page."""

    id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)] = "Example Bakery"
    vanity_name: Annotated[str, Field(max_length=100)] = "example-bakery"

    @property
    def urn(self) -> str:
        """The page's URN."""
        return f"urn:li:organization:{self.id}"


class App(Registration):
    """The application as LinkedIn knows it, and how LinkedIn treats it.

    Versions of the API are given as YYYYMM and do not move with the calendar, so a test does not grow old.
    """

    scopes: list[Scope] = Field(default_factory=lambda: [*get_args(Scope)])
    refresh_tokens: bool = True
    code_seconds: Annotated[float, SECONDS] = 1800.0
    access_token_seconds: Annotated[float, SECONDS] = 60 * 86_400.0
    refresh_token_seconds: Annotated[float, SECONDS] = 365 * 86_400.0
    oldest_version: Annotated[str, Field(pattern=r"^\d{6}$")] = "202511"
    newest_version: Annotated[str, Field(pattern=r"^\d{6}$")] = "209912"
    calls_per_day: Annotated[int, Field(ge=0)] | None = 100_000
    """Calls a day of the application to each method of a resource."""
    member_calls_per_day: Annotated[int, Field(ge=0)] | None = 150
    """Calls a day of the application for one member to each method that writes; reading counts for all only."""
    duplicate_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 600.0
    unescaped: Literal["refuse", "truncate"] = "refuse"
    """What becomes of a reserved character that is not escaped: an error, or the post ends there without a word."""
    processing_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.5
    """How long LinkedIn works on a film or document before a post may name it."""
    processing: Literal["succeeds", "fails", "hangs"] = "succeeds"


@dataclass(frozen=True, slots=True)
class Subscription:
    """That the application hears of a page, for a member, at an address."""

    user: str
    entity: str
    webhook: str


@dataclass
class World:
    """People, pages and the application, as they stand."""

    app: App = field(default_factory=App)
    people: Shelf[str, Person] = field(default_factory=lambda: Shelf(most=KEPT_PEOPLE))
    pages: Shelf[str, Page] = field(default_factory=lambda: Shelf(most=KEPT_PEOPLE))
    subscriptions: Shelf[tuple[str, str], Subscription] = field(
        default_factory=lambda: Shelf(most=KEPT_SUBSCRIPTIONS)
    )
    """By member and page."""

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As at the start: Ann, who runs a bakery's page, and Bob, who runs none."""
        self.app = App()
        self.people.clear()
        self.pages.clear()
        self.subscriptions.clear()
        ann = Person(id="ann", name="Ann Example", email="ann@example.org", pages={"5000001": "ADMINISTRATOR"})
        for person in (ann, Person(id="bob", name="Bob Example", email="bob@example.org")):
            self.people.put(person.id, person)
        self.pages.put("5000001", Page(id="5000001"))

    def page_of(self, urn: str) -> Page | None:
        """The page a URN names."""
        return self.pages.get(urn.removeprefix("urn:li:organization:"))

    def subscribed(self, page_urn: str) -> list[Subscription]:
        """The subscriptions to a page whose members administer it still."""
        return self.subscriptions.all(
            lambda one: (
                one.entity == page_urn
                and self.role(one.user.removeprefix("urn:li:person:"), page_urn) == "ADMINISTRATOR"
            )
        )

    def role(self, person_id: str, page_urn: str) -> Role | None:
        """The role of a member on a page."""
        person, page = self.people.get(person_id), self.page_of(page_urn)
        return person.pages.get(page.id) if person and page else None
