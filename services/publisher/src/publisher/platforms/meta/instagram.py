"""Instagram: professional accounts by Facebook Login. Pictures, reels, stories and carousels, by containers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from kit.ledger.model import Look, Receipt, Refused
from postrules.drafts import Kind as PostKind
from publisher.accounts.model import AccountKind
from publisher.platforms.base import (
    Capabilities,
    Identity,
    MediaItem,
    Outgoing,
    Plain,
    Processing,
    Tokens,
)
from publisher.platforms.login import ByLogin
from publisher.platforms.meta.accounts import PageAccounts
from publisher.platforms.meta.containers import ByContainers, Edges, Made
from publisher.platforms.meta.errors import INSTAGRAM
from publisher.platforms.meta.graph import (
    Complaint,
    GraphApi,
    Outcomes,
    age_of,
    meaning,
    one_line,
)
from publisher.platforms.meta.nodes import Comments
from publisher.platforms.meta.oauth import FacebookLogin

OUTCOMES: Final = Outcomes("Instagram", INSTAGRAM)
CAPABILITIES: Final = Capabilities(
    accounts=frozenset({AccountKind.ORGANIZATION}),
    kinds=frozenset({PostKind.POST, PostKind.CAROUSEL, PostKind.REEL, PostKind.STORY}),
    media=frozenset({"image", "video"}),
    comments=True,
    quota=True,
    repeatable=True,
    found_by=("handle", "fingerprint"),
    processing_within=3600.0,
)
_SUBCODE: Final = re.compile(r"22\d{5}")


def _failed(why: str, outcomes: Outcomes) -> Exception:
    """A container's status ends with the code of its error."""
    found = _SUBCODE.search(why)
    complaint = Complaint(400, 0, int(found.group()) if found else 0, one_line(why), transient=False)
    known = meaning(complaint, outcomes.catalogue, outcomes.name)
    if known.outcome != "refused":  # what is in a container is decided: waiting changes nothing
        return Refused(f"{known.plain} Publish it anew.", code=known.code, said=complaint.said)
    return known.raised(complaint.said)


EDGES: Final = Edges(
    containers="media",
    publish="media_publish",
    published="media",
    limit="content_publishing_limit",
    status="status_code",
    why="status",
    text="caption",
    failed=_failed,
)


def _account(page: Mapping[str, Any]) -> tuple[str, str] | None:
    """The professional account of a page."""
    account = page.get("instagram_business_account")
    if not isinstance(account, dict) or not account.get("id"):
        return None
    return str(account["id"]), one_line(account.get("username") or account.get("name") or "") or "Instagram account"


ACCOUNTS: Final = PageAccounts(
    OUTCOMES,
    "id,name,access_token,instagram_business_account{id,username,name}",
    _account,
    silent="Instagram did not say whose account this is; connect it again.",
    none="No professional account of Instagram belongs to these pages.",
)


@dataclass(frozen=True, slots=True)
class Instagram(ByLogin, ByContainers, Plain):
    """The platform as the ledger's kinds use it."""

    graph: GraphApi
    login: FacebookLogin

    capabilities: Capabilities = CAPABILITIES
    outcomes: ClassVar[Outcomes] = OUTCOMES
    edges: ClassVar[Edges] = EDGES

    @property
    def _comments(self) -> Comments:
        return Comments(self.graph, OUTCOMES, "text", "timestamp")

    async def renew(self, refresh_token: str, external_id: str) -> Tokens:
        """A newer token of the person, and the token of the page to which the account belongs."""
        return await ACCOUNTS.renew(self.graph, self.login, refresh_token, external_id)

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The professional accounts that belong to the person's pages.

        Raises:
            Refused: there is none, or it is not told.
        """
        _ = kind
        return await ACCOUNTS.identities(self.graph, tokens)

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Make the containers, which nobody sees.

        Raises:
            Refused, NotAccepted, Parked: by what Instagram answered.
        """
        _ = again, now
        if not outgoing.media:
            raise Refused("Instagram takes no post without a picture or video; add one.", code="no-media")
        several = len(outgoing.media) > 1
        parts = [_part(outgoing, item, child=several) for item in outgoing.media]
        return await self._containers.begin(outgoing, parts)

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Make the carousel of its children, or publish the container."""
        _ = now
        return await self._containers.go_on(outgoing, {"caption": outgoing.text}, again=again)

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Ask the container, then the account. Stories have a list of their own and no text."""
        if outgoing.kind is not PostKind.STORY:
            return await self._containers.look(outgoing, called_at, now)
        return await self._containers.among("stories").look(replace(outgoing, text=""), called_at, now)

    async def comment(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Write a comment below a post of the account."""
        _ = now
        return await self._comments.write(outgoing, again=again)

    async def look_for_comment(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Find it among the comments below the post."""
        return await self._comments.find(outgoing, age_of(outgoing, called_at, now), limit="50")


def _part(outgoing: Outgoing, item: MediaItem, *, child: bool) -> Made:
    """A container of one file: a child of a carousel, or the whole post."""
    if item.url is None:
        raise Refused("The file cannot be fetched by Instagram; publish it anew.", code="no-address")
    part: dict[str, str | bool | int | None] = {}
    story = outgoing.kind is PostKind.STORY
    if item.kind == "image":
        part["image_url"] = item.url
        part["alt_text"] = None if story else item.alt
    else:
        part["video_url"] = item.url
        part["media_type"] = "VIDEO" if child else "REELS"
    if story:
        part["media_type"] = "STORIES"
    elif child:
        part["is_carousel_item"] = True
    else:
        part["caption"] = outgoing.text
        if item.kind == "video":
            part["share_to_feed"] = outgoing.options.get("share_to_feed", True)
    return part
