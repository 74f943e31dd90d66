"""Who there is at YouTube, and how Google treats the one project."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sandbox.consent import world as consent
from sandbox.consent.world import SECONDS, Id, Registration

CLIENT_ID = "2000000000001-sandbox.apps.googleusercontent.com"
CLIENT_SECRET = "sandbox-youtube-secret"  # noqa: S105 - published in the README: it protects nothing
PREFIX = "https://www.googleapis.com/auth/"
UPLOAD, READ, MANAGE, FORCE_SSL = (
    f"{PREFIX}{name}" for name in ("youtube.upload", "youtube.readonly", "youtube", "youtube.force-ssl")
)
SCOPES = frozenset({"openid", "email", "profile", UPLOAD, READ, MANAGE, FORCE_SSL})


class Person(BaseModel):
    """A Google account with the channel that was chosen for it; null has none."""

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=100)] = "Ann Example"
    channel: Annotated[str, Field(pattern=r"^UC[A-Za-z0-9_-]{22}$")] | None = None
    title: Annotated[str, Field(min_length=1, max_length=100)] = "Example Bakery"

    @property
    def uploads(self) -> str:
        """The playlist of everything the channel has uploaded."""
        return "UU" + (self.channel or "")[2:]


class App(Registration):
    """The project as Google knows it, and how it is treated. What is not given is as at the start."""

    audited: bool = False
    """Films of a project that was never audited stay private, whatever is asked for."""
    verified: bool = True
    """Channels that are not verified by telephone choose no covers."""
    units_per_day: Annotated[int, Field(ge=0)] = 10_000
    uploads_per_day: Annotated[int, Field(ge=0)] = 100
    """The project's uploads have a bucket of their own."""
    channel_uploads_per_day: Annotated[int, Field(ge=0)] | None = None
    """What one channel may upload in 24 hours; above it is `uploadLimitExceeded`."""
    session_seconds: Annotated[float, SECONDS] = 7 * 86_400.0
    processing_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.5
    processing: Literal["succeeds", "fails", "rejects", "hangs"] = "succeeds"
    reason: Annotated[str, Field(max_length=60)] = ""
    """`failureReason` (codec, invalidFile ...) or `rejectionReason` (duplicate, length, copyright ...)."""


class World(consent.World[App, Person]):
    """People and the project, as they stand. At the start Ann, who has a channel, and Bob, who has none."""

    def __init__(self) -> None:
        super().__init__(
            App(),
            (
                Person(id="ann", channel="UCsandbox000000000000001"),
                Person(id="bob", name="Bob Example"),
            ),
        )
