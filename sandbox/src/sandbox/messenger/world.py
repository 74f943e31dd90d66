"""Who there is: pages and accounts, the people who write to them, and what was said."""

import time
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from sandbox.json import Object
from sandbox.ring import Ring
from sandbox.shelf import Shelf

APP_SECRET = "sandbox-app-secret"  # noqa: S105 - published in the README: it protects nothing
VERIFY_TOKEN = "sandbox-verify"  # noqa: S105
PAGE_TOKEN = "sandbox-page-token"  # noqa: S105
PAGE, ACCOUNT = "600001", "17841400000000001"
KEPT = 20_000
DAY = 86_400.0

Kind = Literal["messenger", "instagram"]
NodeId = Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]


class EndIn(BaseModel):
    """A page or an account, and how Meta treats it."""

    kind: Kind = "messenger"
    id: NodeId = PAGE
    name: Annotated[str, Field(max_length=200)] = "Example Bakery"
    username: Annotated[str, Field(max_length=40)] = "bakery"
    token: Annotated[str, Field(min_length=1, max_length=500)] = PAGE_TOKEN
    standing: Literal["live", "expired"] = "live"
    echoes: bool = True
    refuses_with: int | None = None


class PersonIn(BaseModel):
    """Somebody with an id that counts at one page or account only."""

    id: NodeId
    end: NodeId = PAGE
    name: Annotated[str, Field(max_length=200)] = "Ann Example"
    username: Annotated[str, Field(max_length=40)] = "ann"
    reads: bool = True
    wrote_seconds_ago: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """How long ago they last wrote; null: never, until they do."""
    refuses_with: int | None = None


@dataclass(slots=True)
class Person:
    """Somebody as things stand."""

    is_: PersonIn
    wrote_at: float = 0.0


class SentOut(BaseModel):
    """What a page or account has sent, or done."""

    id: str
    end: str
    to: str
    what: str
    body: dict[str, JsonValue]


@dataclass(slots=True)
class World:
    """All of it."""

    app_secret: str = APP_SECRET
    ends: Shelf[str, EndIn] = field(default_factory=lambda: Shelf(most=1000))
    people: Shelf[str, Person] = field(default_factory=lambda: Shelf(most=KEPT))
    sent: Ring[SentOut] = field(default_factory=lambda: Ring(most=KEPT))
    subscribed: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """As at the start: a page and an account, nobody who writes."""
        self.ends.clear()
        self.people.clear()
        self.sent.clear()
        self.subscribed.clear()
        self.ends.put(PAGE, EndIn())
        self.ends.put(ACCOUNT, EndIn(kind="instagram", id=ACCOUNT))

    def put_person(self, settings: PersonIn) -> Person:
        """Somebody, new or changed."""
        person = self.people.get(settings.id) or Person(settings)
        person.is_ = settings
        if settings.wrote_seconds_ago is not None:
            person.wrote_at = time.time() - settings.wrote_seconds_ago
        self.people.put(settings.id, person)
        return person


def event(sender: str, recipient: str, part: Object, at: float | None = None) -> Object:
    """One event of a webhook; times are in milliseconds."""
    moment = int((time.time() if at is None else at) * 1000)
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": moment, **part}
