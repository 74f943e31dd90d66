from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from inbox.forms.errors import HeldDecided
from inbox.forms.model import Submission
from inbox.forms.repository import HeldRepository, HeldSubmission, State, purge
from inbox.forms.schemas import SubmitForm
from inbox.forms.source import SOURCE
from inbox.forms.spam import suspicion
from inbox.forms.stamps import Stamps
from inbox.sites.errors import OriginNotAllowed
from inbox.sites.service import Entered, SiteService
from kit.audit import audited
from kit.db.database import Database
from kit.errors import FieldError, Invalid
from kit.http.caller import MemberCaller
from kit.intake.intake import Intake
from kit.seal import Keyring

KEPT_FOR: Final = timedelta(days=30)
"""How long what was held back may be released."""
CONTENT: Final = b"held_submissions.content_sealed"
_ACTIONS: Final = {"released": "inbox.submission.released", "discarded": "inbox.submission.discarded"}
_AT_ONCE: Final = 1000
_OCCASION: Final = 600
"""Seconds within which the same words of the same sender, without stamp or id, are one message."""


@dataclass(frozen=True, slots=True)
class FormService:
    """Messages through contact forms: taken, held back, released."""

    database: Database
    keyring: Keyring
    sites: SiteService
    intake: Intake

    async def enter(self, key: str, origin: str) -> Entered:
        """The form that a page names.

        Raises:
            SiteNotFound: there is none.
            OriginNotAllowed: it is a page of somebody else.
        """
        entered = await self.sites.enter("contact_form", key)
        if origin and not entered.site.allows(origin):
            raise OriginNotAllowed
        return entered

    async def stamp(self, entered: Entered) -> str:
        """A stamp for a form that is shown now."""
        return (await self._stamps(entered)).make(self.database.clock.now())

    async def submit(self, entered: Entered, wanted: SubmitForm) -> UUID:
        """Take a message: it is stored before this returns. What looks like spam is held back, and nobody told."""
        now, site = self.database.clock.now(), entered.site
        shown, apart = (await self._stamps(entered)).read(wanted.stamp, now)
        said = wanted.submission(site.key)
        identity = said.id(str(wanted.id) if wanted.id else apart or str(int(now.timestamp()) // _OCCASION))
        score, reasons = suspicion(
            said, shown=shown, trapped=bool(wanted.website), blocked=site.options.get("blocked_words", ())
        )
        told = orjson.dumps(said.told(identity, now))
        if score < site.options.get("hold_at", 1):
            await self.intake.take(SOURCE, told)
            return UUID(identity)
        sealed = await self.keyring.seal(entered.organization_id, told, CONTENT)
        async with self.database.transaction(entered.organization_id) as tx:
            await HeldRepository(tx).add(UUID(identity), site.channel_id, sealed, score, reasons)
        return UUID(identity)

    def after(self, entered: Entered, wanted: SubmitForm) -> str:
        """Where the browser goes after an HTML form; empty when nothing was said.

        Raises:
            Invalid: that is no page of an allowed origin.
        """
        if wanted.redirect and not entered.site.leads_to(wanted.redirect):
            raise Invalid(errors=[FieldError("#/redirect", "This is no page of an allowed origin.")])
        return wanted.redirect or str(entered.site.options.get("redirect_to") or "")

    async def held(
        self, caller: MemberCaller, state: State, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[tuple[HeldSubmission, Submission | None]]:
        """What was held back, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await HeldRepository(tx).page(state, after, limit)
        return await self._opened(caller.organization_id, found)

    async def release(self, caller: MemberCaller, held_id: UUID) -> tuple[HeldSubmission, Submission | None]:
        """Let it into the inbox, as if it had never been held; done twice it is one message.

        Raises:
            HeldDecided: it was released or discarded before.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            held = await HeldRepository(tx).find(held_id)
        if held.state != "held":
            raise HeldDecided
        await self.intake.take(SOURCE, await self.keyring.open(caller.organization_id, held.content_sealed, CONTENT))
        return await self._decide(caller, held_id, "released")

    async def discard(self, caller: MemberCaller, held_id: UUID) -> tuple[HeldSubmission, Submission | None]:
        """It is spam."""
        return await self._decide(caller, held_id, "discarded")

    async def purge(self) -> bool:
        """Delete what was held back long ago; True when there is more."""
        async with self.database.transaction() as tx:
            return await purge(tx, KEPT_FOR, _AT_ONCE) >= _AT_ONCE

    async def _decide(
        self, caller: MemberCaller, held_id: UUID, state: State
    ) -> tuple[HeldSubmission, Submission | None]:
        async with self.database.transaction(caller.organization_id) as tx:
            repository = HeldRepository(tx)
            if not await repository.decide(held_id, state):
                await repository.find(held_id)
                raise HeldDecided
            await tx.emit(audited(_ACTIONS[state], caller, "submission", held_id))
            held = await repository.find(held_id)
        (shown,) = await self._opened(caller.organization_id, [held])
        return shown

    async def _opened(
        self, organization_id: UUID, found: list[HeldSubmission]
    ) -> list[tuple[HeldSubmission, Submission | None]]:
        sealed = [(each.content_sealed, CONTENT) for each in found]
        opened = await self.keyring.open_many(organization_id, sealed) if sealed else []
        return [
            (each, None if words is None else Submission.read(orjson.loads(words)))
            for each, words in zip(found, opened, strict=True)
        ]

    async def _stamps(self, entered: Entered) -> Stamps:
        secret = await self.keyring.secret(entered.organization_id, "contact form stamps")
        return Stamps(secret, entered.site.key)
