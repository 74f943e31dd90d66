"""Who there is at X, and how X treats the one application."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sandbox.consent import world as consent
from sandbox.consent.world import SECONDS, Id, Registration

CLIENT_ID = "sandbox-x-client"
CLIENT_SECRET = "sandbox-x-secret"  # noqa: S105 - published in the README: it protects nothing
CONSUMER_SECRET = "sandbox-x-consumer-secret"  # noqa: S105 - as above
APP_BEARER = "sandbox-x-bearer"
APP_ID = "10000001"
SCOPES = frozenset(
    {
        "tweet.read",
        "tweet.write",
        "tweet.moderate.write",
        "users.read",
        "offline.access",
        "media.write",
        "dm.read",
        "dm.write",
        "like.read",
        "like.write",
        "follows.read",
    }
)


class Person(BaseModel):
    """A user of X."""

    id: Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]
    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,15}$")] = "annexample"
    name: Annotated[str, Field(min_length=1, max_length=50)] = "Ann Example"
    longest: Annotated[int, Field(ge=1, le=25_000)] = 280
    """How long a post of theirs may be, weighted; more with X Premium."""


class App(Registration):
    """The application as X knows it, and how X treats it. What is not given is as at the start."""

    approves: Id | None = None
    code_seconds: Annotated[float, SECONDS] = 30.0
    access_token_seconds: Annotated[float, SECONDS] = 7200.0
    refresh_token_seconds: Annotated[float, SECONDS] = 183 * 86_400.0
    rotates: bool = True
    limits: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Calls in 15 minutes for one user, by endpoint ("POST /2/tweets"), in place of X's own."""
    posts_per_day: Annotated[int, Field(ge=0)] = 10_000
    """Posts of the application in 24 hours."""
    credits: Annotated[int, Field(ge=0)] | None = None
    """Posts that are paid for; null is without end, and with none left X answers 402."""
    duplicate_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 86_400.0
    processing_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.5
    """How long X works on a film before it can be posted."""
    processing: Literal["succeeds", "fails", "hangs"] = "succeeds"


class World(consent.World[App, Person]):
    """People and the application, as they stand. At the start Ann and Bob."""

    def __init__(self) -> None:
        super().__init__(
            App(),
            (
                Person(id="2000001"),
                Person(id="2000002", username="bobexample", name="Bob Example"),
            ),
        )
