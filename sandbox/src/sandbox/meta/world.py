"""Who there is at Meta: people, their pages, the professional accounts of these, and the one application."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, Field

from sandbox.consent.world import SECONDS
from sandbox.shelf import Shelf

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - published in the README: it protects nothing
VERIFY_TOKEN = "sandbox-verify-token"  # noqa: S105 - likewise
KEPT_PEOPLE = 10_000

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Number = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
WAIT = Field(ge=0, le=86_400, allow_inf_nan=False)


class Account(BaseModel):
    """A professional account of Instagram that belongs to a page."""

    id: Number
    username: Name = "example.bakery"


class Page(BaseModel):
    """A page of Facebook."""

    id: Number
    name: Name = "Example Bakery"
    instagram: Account | None = None


class Person(BaseModel):
    """Somebody with pages on which they may publish, and a profile at Threads under their own id."""

    id: Id
    name: Name = "Ann Example"
    pages: Annotated[list[Number], Field(max_length=300)] = []


class App(BaseModel):
    """The application as Meta knows it, and how Meta treats it and what it publishes.

    No redirect URI registered means that any loopback address will do. `processing_fails` is the code that processing
    ends with instead of being done: a subcode of Instagram's, a name of Threads', words of Facebook's.
    """

    redirect_uris: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=100)] = []
    approves: Id | None = None
    code_seconds: Annotated[float, SECONDS] = 600.0
    short_seconds: Annotated[float, SECONDS] = 3600.0
    long_seconds: Annotated[float, SECONDS] = 60 * 86_400.0
    sunset: bool = False
    """Whether the version of the API was switched off."""
    processing_seconds: Annotated[float, WAIT] = 0.0
    processing_fails: Annotated[str, Field(max_length=200)] = ""
    container_seconds: Annotated[float, SECONDS] = 86_400.0
    quota_total: Annotated[int, Field(ge=0)] | None = None
    """Posts in 24 hours; null is what the platform gives: 50 at Instagram, 250 at Threads, no number at Facebook."""
    duplicate_seconds: Annotated[float, WAIT] = 600.0
    largest_image: Annotated[int, Field(ge=1)] = 8 * 1024 * 1024
    largest_video: Annotated[int, Field(ge=1)] = 100 * 1024 * 1024


@dataclass
class World:
    """People, pages and the application, as they stand."""

    app: App = field(default_factory=App)
    people: Shelf[str, Person] = field(default_factory=lambda: Shelf(most=KEPT_PEOPLE))
    pages: Shelf[str, Page] = field(default_factory=lambda: Shelf(most=KEPT_PEOPLE))

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As at the start: Ann with a page and its Instagram account, and Bob, who has none."""
        self.app = App()
        self.people.clear()
        self.pages.clear()
        self.pages.put("600001", Page(id="600001", instagram=Account(id="17841400000000001")))
        self.people.put("100001", Person(id="100001", pages=["600001"]))
        self.people.put("100002", Person(id="100002", name="Bob Example"))

    def pages_of(self, person_id: str) -> list[Page]:
        """The pages on which somebody may publish."""
        person = self.people.get(person_id)
        found = [self.pages.get(each) for each in person.pages] if person else []
        return [page for page in found if page is not None]
