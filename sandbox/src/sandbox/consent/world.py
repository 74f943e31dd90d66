"""What an application is registered with, and how long what it is given lives."""

from typing import Annotated, Generic, Protocol, TypeVar

from pydantic import BaseModel, Field

from sandbox.shelf import Shelf

KEPT_PEOPLE = 10_000
SECONDS = Field(gt=0, le=10 * 365 * 86_400, allow_inf_nan=False)
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]


class Registration(BaseModel):
    """The application as a platform knows it; no redirect URI registered means that any loopback address will do."""

    redirect_uris: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=100)] = []
    approves: Id | None = None
    """Who consents at once, without the consent page being shown; null shows it."""
    code_seconds: Annotated[float, SECONDS] = 600.0
    access_token_seconds: Annotated[float, SECONDS] = 3600.0
    refresh_token_seconds: Annotated[float, SECONDS] = 365 * 86_400.0
    rotates: bool = False
    """Whether a refresh token is good once, and a new one comes with each renewal."""


class Named(Protocol):
    """Somebody with an id."""

    id: str


A = TypeVar("A", bound=Registration)
P = TypeVar("P", bound=Named)


class World(Generic[A, P]):
    """The application and the people, as they stand."""

    def __init__(self, first: A, beginning: tuple[P, ...]) -> None:
        self._first, self._beginning = first, beginning
        self.app = first
        self.people: Shelf[str, P] = Shelf(most=KEPT_PEOPLE)
        self.begin()

    def begin(self) -> None:
        """As at the start."""
        self.app = self._first
        self.people.clear()
        for person in self._beginning:
            self.people.put(person.id, person)
