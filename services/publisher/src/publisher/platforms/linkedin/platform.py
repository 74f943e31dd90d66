"""LinkedIn: publishing as a member or as an organization, and looking for what may be live."""

from asyncio import Semaphore
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import orjson

from kit.http.client import Answer, NotSent
from kit.http.client import Refused as Rejected
from kit.http.client import Unanswered as Silent
from kit.ledger.model import Found, Look, NotAccepted, NotFound, Receipt, Refused, Unanswered
from postrules import little
from postrules.drafts import Kind as PostKind
from publisher.accounts.model import AccountKind
from publisher.platforms.base import Capabilities, Identity, Outgoing, Plain, Processing, Ready, Tokens
from publisher.platforms.linkedin import errors
from publisher.platforms.linkedin.api import Complaint, LinkedInApi, encoded, one_line
from publisher.platforms.linkedin.media import (
    LARGE_AT_ONCE,
    Progress,
    Uploads,
    content_of,
    is_worked_on,
    refuse_mixed,
)
from publisher.platforms.linkedin.reading import created, document, elements, is_comment, is_it
from publisher.platforms.login import ByLogin, CodeFlow
from publisher.platforms.pieces import Budget
from publisher.platforms.speaking import TROUBLES, token_of
from publisher.platforms.windows import began

PAGE: Final = 100
PAGES: Final = 5
FIRST_CALL: Final = 8.0
STEP: Final = 25.0
CAPABILITIES: Final = Capabilities(
    accounts=frozenset({AccountKind.MEMBER, AccountKind.ORGANIZATION}),
    kinds=frozenset({PostKind.POST}),
    media=frozenset({"image", "video", "document"}),
    comments=True,
    deletes=True,
    processing_within=1800.0,
)
"""LinkedIn has no key that makes posting twice posting once; what members have posted can be read by few."""


@dataclass(frozen=True, slots=True)
class LinkedIn(ByLogin, Plain):
    """The platform as the ledger's kinds use it."""

    api: LinkedInApi
    login: CodeFlow
    large: Semaphore = field(default_factory=lambda: Semaphore(LARGE_AT_ONCE))
    capabilities: Capabilities = CAPABILITIES

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The member, or the pages that the member administers.

        Raises:
            Refused: there is none, or LinkedIn does not tell.
        """
        try:
            found = await (
                self._member(tokens.access_token)
                if kind is AccountKind.MEMBER
                else self._organizations(tokens.access_token)
            )
        except (Rejected, NotSent, Silent, Unanswered) as trouble:
            raise Refused(
                "LinkedIn did not say whose account this is; connect it again.", code="nobody", said=str(trouble)
            ) from trouble
        if not found:
            raise Refused("This member administers no page at LinkedIn.", code="no-page")
        return found

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Publish a text, or a text with pictures; a film or document is begun to be sent.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what LinkedIn answered.
        """
        refuse_mixed(outgoing)
        first = 0.0 if any(item.kind == "document" for item in outgoing.media) else FIRST_CALL
        return await self._go_on(outgoing, Progress(), first, again=again, now=now)

    async def check(self, outgoing: Outgoing, now: datetime) -> Receipt | Ready | Processing:
        """Whether a film or document is ready to be posted; what is not wholly sent is ready to be sent on.

        Raises:
            Refused: LinkedIn could not process it.
            NotAccepted, Parked, Unanswered: it could not be read now.
        """
        progress = Progress.unpacked(outgoing.handle)
        if not progress.is_all(outgoing) or not is_worked_on(outgoing):
            return Ready()
        try:
            told = await self._uploads.status(progress.urns[0], token_of(outgoing.access_token))
        except TROUBLES as trouble:
            raise errors.of_upload(trouble, now) from trouble
        if told.get("status") == "AVAILABLE":
            return Ready()
        if told.get("status") == "PROCESSING_FAILED":
            why = one_line(told.get("processingFailureReason") or "no reason was given")
            paper = outgoing.media[0].kind == "document"
            what, better = ("document", "a PDF") if paper else ("video", "MP4 (H.264, AAC)")
            raise Refused(
                f"LinkedIn could not process the {what}: {why}. Save it anew as {better} and try again.",
                code="processing-failed",
                said=why,
            )
        return Processing(progress.packed(), 5.0)

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Send the next parts, or publish what LinkedIn is done with.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what LinkedIn answered.
        """
        progress = Progress.unpacked(outgoing.handle)
        if progress.is_all(outgoing):
            return await self._posted(outgoing, progress.urns, again=again, now=now)
        return await self._go_on(outgoing, progress, STEP, again=again, now=now)

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Read the author's recent posts and find the one that shows or says the same.

        The window is measured back from LinkedIn's own clock. What members have posted may be read with a permission
        only that LinkedIn gives to few; without it this never finds anything out.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """
        token_of(outgoing.access_token)
        if outgoing.behind:
            raise NotAccepted("An earlier post with the same text is being looked for first.", code="behind")
        urns = Progress.unpacked(outgoing.handle).urns
        for page in range(PAGES):
            answer = await self._posts_of(outgoing, page)
            found, since = elements(answer), began(answer, outgoing.since, called_at, now)
            for element in found:
                if is_it(element, outgoing, since, urns):
                    return Found(Receipt(str(element["id"]), said=f"found {element['id']}"))
            if len(found) < PAGE or created(found[-1]) < since:
                return NotFound(f"not among {page * PAGE + len(found)} posts")
        raise NotAccepted("More was posted since than can be read.", code="too-many")

    async def comment(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Write a comment below a post.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what LinkedIn answered.
        """
        said = {"actor": outgoing.author, "object": outgoing.reply_to, "message": {"text": outgoing.text}}
        path = f"/rest/socialActions/{encoded(outgoing.reply_to or '')}/comments"
        return await self._made(path, outgoing, orjson.dumps(said), again=again, now=now)

    async def look_for_comment(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Read the comments below the post.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """
        path = f"/rest/socialActions/{encoded(outgoing.reply_to or '')}/comments?count={PAGE}"
        answer = await self._looked(path, outgoing)
        since = began(answer, outgoing.since, called_at, now)
        for element in elements(answer):
            if is_comment(element, outgoing, since):
                return Found(Receipt(str(element.get("id") or ""), said="found"))
        return NotFound("not among the comments")

    async def delete(self, external_id: str, access_token: str) -> Receipt:
        """Take a post down; LinkedIn answers the same where there is none any more.

        Raises:
            Refused, NotAccepted, Parked: by what LinkedIn answered.
        """
        try:
            await self.api.delete(f"/rest/posts/{encoded(external_id)}", access_token)
        except Rejected as rejected:
            if rejected.status == HTTPStatus.NOT_FOUND:
                return Receipt(external_id, said="it was gone")
            raise errors.of_removal(rejected) from rejected
        except (NotSent, Silent) as trouble:
            raise errors.of_removal(trouble) from trouble
        return Receipt(external_id, said="deleted")

    def url_of(self, external_id: str) -> str:
        """Where people see the post."""
        return f"https://www.linkedin.com/feed/update/{external_id}/"

    @property
    def _uploads(self) -> Uploads:
        return Uploads(self.api, self.large)

    async def _go_on(
        self, outgoing: Outgoing, begun: Progress, budget: float, *, again: bool, now: datetime
    ) -> Receipt | Processing:
        """Send what is missing. What needs no processing is posted at once, as the last request of the call."""
        token = token_of(outgoing.access_token)
        try:
            progress = await self._uploads.send(outgoing, token, begun, Budget.of(budget))
        except TROUBLES as trouble:
            raise errors.of_upload(trouble, now) from trouble
        if not progress.is_all(outgoing) or is_worked_on(outgoing):
            return Processing(progress.packed(), 1.0)
        return await self._posted(outgoing, progress.urns, again=again, now=now)

    async def _posted(self, outgoing: Outgoing, urns: tuple[str, ...], *, again: bool, now: datetime) -> Receipt:
        return await self._made("/rest/posts", outgoing, _body(outgoing, urns), again=again, now=now)

    async def _made(self, path: str, outgoing: Outgoing, body: bytes, *, again: bool, now: datetime) -> Receipt:
        try:
            answer = await self.api.post(path, token_of(outgoing.access_token), body)
        except TROUBLES as trouble:
            raise errors.of_post(trouble, again=again, now=now) from trouble
        urn = answer.headers.get("x-restli-id", "")
        if answer.status != HTTPStatus.CREATED or not urn:
            raise Unanswered("LinkedIn's answer names nothing.", code="no-id", said=f"{answer.status}")
        return Receipt(urn, said=f"{answer.status} {urn}")

    async def _posts_of(self, outgoing: Outgoing, page: int) -> Answer:
        query = f"q=author&author={encoded(outgoing.author)}&count={PAGE}&start={page * PAGE}&sortBy=CREATED"
        return await self._looked(f"/rest/posts?{query}", outgoing, finder=True)

    async def _looked(self, path: str, outgoing: Outgoing, *, finder: bool = False) -> Answer:
        try:
            return await self.api.get(path, outgoing.access_token or "", finder=finder)
        except Rejected as rejected:
            complaint = Complaint.of(rejected)
            if rejected.status == HTTPStatus.UNAUTHORIZED:
                raise errors.dead_token(complaint) from rejected
            raise NotAccepted(
                "LinkedIn does not let us read this account's posts.",
                code="unreadable",
                said=complaint.said,
                retry_after=rejected.retry_after,
            ) from rejected
        except (NotSent, Silent) as trouble:
            raise Unanswered("LinkedIn did not answer.", code="answer-lost", said=str(trouble)) from trouble

    async def _member(self, token: str) -> list[Identity]:
        said = document(await self.api.get("/v2/userinfo", token))
        if not said.get("sub"):
            raise Refused("LinkedIn did not say whose account this is; connect it again.", code="nobody")
        urn = f"urn:li:person:{said['sub']}"
        return [Identity(AccountKind.MEMBER, urn, one_line(said.get("name") or "") or "LinkedIn member")]

    async def _organizations(self, token: str) -> list[Identity]:
        path = "/rest/organizationAcls?q=roleAssignee&role=ADMINISTRATOR&state=APPROVED&count=100"
        found = elements(await self.api.get(path, token, finder=True))
        urns = [str(element.get("organization") or element.get("organizationTarget") or "") for element in found]
        return [await self._organization(urn, token) for urn in urns if urn.startswith("urn:li:organization:")]

    async def _organization(self, urn: str, token: str) -> Identity:
        number = urn.rpartition(":")[2]
        name = ""
        with suppress(Rejected, NotSent, Silent, Unanswered):  # a name is no reason to refuse an account
            said = document(await self.api.get(f"/rest/organizations/{number}", token))
            name = one_line(said.get("localizedName") or "")
        return Identity(AccountKind.ORGANIZATION, urn, name or f"LinkedIn page {number}")


def _body(outgoing: Outgoing, urns: tuple[str, ...]) -> bytes:
    post: dict[str, Any] = {
        "author": outgoing.author,
        "commentary": little.rendered(outgoing.text),
        "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    return orjson.dumps(post | content_of(outgoing, urns))
