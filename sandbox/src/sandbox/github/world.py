"""Who has an account at GitHub, and the one application."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sandbox.consent.world import SECONDS
from sandbox.shelf import Shelf

CLIENT_ID = "Iv1.sandbox0000000001"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - published in the README: it protects nothing
KEPT_PEOPLE = 10_000


class Email(BaseModel):
    """An address of an account."""

    email: Annotated[str, Field(max_length=320)]
    primary: bool = True
    verified: bool = True
    visibility: Literal["public", "private"] | None = "private"


class Person(BaseModel):
    """An account; the id stays, the login may be changed and be somebody else's later."""

    id: Annotated[int, Field(ge=1, lt=2**53)]
    login: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,39}$")]
    name: Annotated[str, Field(max_length=255)] | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    """The public address; most people show none."""
    emails: Annotated[list[Email], Field(max_length=100)] = []


class App(BaseModel):
    """The application as GitHub knows it; no callback URL registered means that any loopback address will do."""

    callback_url: Annotated[str, Field(max_length=2000)] = ""
    approves: int | None = None
    """Who consents at once, by id; null shows the page."""
    grants: list[str] | None = None
    """The scopes that people leave checked; null is all that are asked for."""
    code_seconds: Annotated[float, SECONDS] = 600.0


def _beginning() -> tuple[Person, ...]:
    hidden = "1001+ann-example@users.noreply.github.com"
    return (
        Person(
            id=1001,
            login="ann-example",
            name="Ann Example",
            emails=[
                Email(email="ann.old@example.org", primary=False, visibility=None),
                Email(email="ann@example.org"),
                Email(email=hidden, primary=False, visibility=None),
            ],
        ),
        Person(
            id=1002,
            login="bob-example",
            email="bob@example.org",
            emails=[Email(email="bob@example.org", verified=False, visibility="public")],
        ),
    )


@dataclass
class World:
    """People and the application, as they stand."""

    app: App = field(default_factory=App)
    people: Shelf[int, Person] = field(default_factory=lambda: Shelf(most=KEPT_PEOPLE))

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As at the start: Ann, and Bob, who has not verified his address."""
        self.app = App()
        self.people.clear()
        for person in _beginning():
            self.people.put(person.id, person)
