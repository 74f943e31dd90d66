"""Who there is at TikTok, and how TikTok treats the one application."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sandbox.consent import world as consent
from sandbox.consent.world import SECONDS, Id, Registration

CLIENT_KEY = "sandboxtiktokkey"
CLIENT_SECRET = "sandbox-tiktok-secret"  # noqa: S105 - published in the README: it protects nothing
SCOPES = frozenset(
    {"user.info.basic", "user.info.profile", "user.info.stats", "video.list", "video.publish", "video.upload"}
)
Privacy = Literal["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"]
SELF_ONLY: Privacy = "SELF_ONLY"


class Person(BaseModel):
    """A creator."""

    id: Id
    username: Annotated[str, Field(pattern=r"^[a-z0-9_.]{2,24}$")] = "annexample"
    name: Annotated[str, Field(min_length=1, max_length=60)] = "Ann Example"
    private: bool = False
    comment_disabled: bool = False
    duet_disabled: bool = False
    stitch_disabled: bool = False
    longest_video: Annotated[int, Field(ge=1, le=3600)] = 600
    """Seconds."""
    banned: bool = False

    @property
    def privacy_options(self) -> list[Privacy]:
        """What this creator may choose."""
        if self.private:
            return ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", SELF_ONLY]
        return ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", SELF_ONLY]


class App(Registration):
    """The application as TikTok knows it, and how TikTok treats it. What is not given is as at the start."""

    code_seconds: Annotated[float, SECONDS] = 600.0
    access_token_seconds: Annotated[float, SECONDS] = 86_400.0
    refresh_token_seconds: Annotated[float, SECONDS] = 365 * 86_400.0
    rotates: bool = True
    audited: bool = True
    """An application that was not audited may post for oneself to see only."""
    verified_prefixes: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)
    """Where files may be fetched from; empty is everywhere."""
    posts_per_minute: Annotated[int, Field(ge=0)] = 6
    status_per_minute: Annotated[int, Field(ge=0)] = 30
    posts_per_day: Annotated[int, Field(ge=0)] = 15
    """What one creator may post in 24 hours by the API of all applications."""
    processing_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.5
    moderation_seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0
    """How much later the id of a public post is told."""
    processing: Literal["succeeds", "fails", "hangs"] = "succeeds"
    reason: Annotated[str, Field(max_length=60)] = "file_format_check_failed"


class World(consent.World[App, Person]):
    """People and the application, as they stand. At the start Ann, and Bob, whose account is private."""

    def __init__(self) -> None:
        super().__init__(
            App(),
            (
                Person(id="ann-open-id"),
                Person(id="bob-open-id", username="bobexample", name="Bob Example", private=True),
            ),
        )
