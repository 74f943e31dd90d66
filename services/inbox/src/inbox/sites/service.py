from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.inbox import ChannelConnected
from inbox.channels.model import Check, lane_of
from inbox.channels.repository import ChannelRepository, organizations_of
from inbox.messages.content import TOKEN
from inbox.sites.errors import NoSecretHere, SiteNotFound
from inbox.sites.model import OVERLAP, Secrets, Site, leads_to, new_key, new_secret
from inbox.sites.repository import NewSite, SiteRepository
from inbox.sites.schemas import AddContactForm, AddWebChat, ChangeSite, origins
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import FieldError, Invalid
from kit.http.caller import MemberCaller
from kit.http.etag import Expected
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Lane
from kit.seal import Keyring

SECRET: Final = b"site_channels.secret_sealed"
RATE: Final = 500
"""Messages a second that a channel of our own hands over; it bounds a runaway program and nobody else."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A channel that a page has named, and whose it is."""

    organization_id: UUID
    site: Site


@dataclass(frozen=True, slots=True)
class SiteService:
    """Channels on an organization's own pages: what administrators do with them, and how a page finds its own."""

    database: Database
    ledger: Ledger
    keyring: Keyring

    async def add(
        self, caller: MemberCaller, wanted: AddWebChat | AddContactForm, key: Idempotency
    ) -> tuple[Site, str | None]:
        """Make a channel; with its secret, unless the same request had made it before."""
        _insist_on_redirect(wanted.options(), origins(wanted.allowed_origins))
        async with self.database.transaction(caller.organization_id) as tx:
            if earlier := await key.claim(tx):
                return await SiteRepository(tx).find(earlier.resource_id), None
            site, secret = await self._add(tx, caller, wanted)
            await key.remember(tx, site.channel_id)
        return site, secret if wanted.kind == "web_chat" else None

    async def _add(
        self, tx: Transaction, caller: MemberCaller, wanted: AddWebChat | AddContactForm
    ) -> tuple[Site, str]:
        channels, sites, organization_id = ChannelRepository(tx), SiteRepository(tx), tx.organization_id
        public, secret, options = new_key(wanted.kind), new_secret(), wanted.options()
        check = Check(new_id(), public, "", RATE, new_id(), kind=wanted.kind)
        token = await self.keyring.seal(organization_id, public.encode(), TOKEN)
        channel = await channels.connect(check, token, wanted.name, "")
        if channel is None:
            raise LookupError("nobody has a key that was just drawn")
        sealed = await self.keyring.seal(organization_id, secret.encode(), SECRET)
        allowed = origins(wanted.allowed_origins)
        await sites.add(NewSite(channel.id, wanted.kind, public, allowed, options, sealed))
        await sites.describe(channel.id, wanted.name, silent=_silent(wanted.kind, options))
        await self.ledger.set_rate(tx, Lane(organization_id, lane_of(channel.id, channel.kind), float(RATE)))
        version = channel.version + 1
        await tx.emit(
            ChannelConnected(
                organization_id=organization_id, version=version, channel_id=channel.id, kind=channel.kind
            ),
            audited("inbox.channel.connected", caller, "channel", channel.id, kind=channel.kind),
        )
        return await sites.find(channel.id), secret

    async def read(self, caller: MemberCaller, channel_id: UUID) -> Site:
        """One of them."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await SiteRepository(tx).find(channel_id)

    async def page(self, caller: MemberCaller, after: tuple[datetime, UUID] | None, limit: int) -> list[Site]:
        """All of them, the oldest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await SiteRepository(tx).page(after, limit)

    async def change(self, caller: MemberCaller, channel_id: UUID, wanted: ChangeSite, expected: Expected) -> Site:
        """Change how it looks, works, or who may use it."""
        async with self.database.transaction(caller.organization_id) as tx:
            sites = SiteRepository(tx)
            before = await sites.find(channel_id, lock=True)
            expected.check(before.version)
            now = _changed(before, wanted)
            if now == before:
                return before
            now = replace(now, version=before.version + 1)
            await sites.save(now)
            await sites.describe(channel_id, now.name, silent=_silent(now.kind, now.options))
            await tx.emit(audited("inbox.channel.changed", caller, "channel", channel_id))
        return now

    async def rotate(self, caller: MemberCaller, channel_id: UUID) -> tuple[str, datetime]:
        """Another secret, shown this once; the one before stays good for a day.

        Raises:
            NoSecretHere: it is a contact form.
        """
        secret, until = new_secret(), self.database.clock.now() + OVERLAP
        sealed = await self.keyring.seal(caller.organization_id, secret.encode(), SECRET)
        async with self.database.transaction(caller.organization_id) as tx:
            sites = SiteRepository(tx)
            site = await sites.find(channel_id, lock=True)
            if site.kind != "web_chat":
                raise NoSecretHere
            await sites.rotate(channel_id, sealed, until)
            await tx.emit(audited("inbox.channel.secret_rotated", caller, "channel", channel_id))
        return secret, until

    async def enter(self, kind: str, key: str) -> Entered:
        """The channel that a page names.

        Raises:
            SiteNotFound: there is none that is connected.
        """
        async with self.database.transaction() as tx:
            found = await organizations_of(tx, [key], ()) if key.isascii() and len(key) <= 64 else []
            if not found:
                raise SiteNotFound
            organization_id = found[0][2]
            await tx.bind(organization_id)
            site = await SiteRepository(tx).by_key(key)
        if site is None or site.kind != kind:
            raise SiteNotFound
        return Entered(organization_id, site)

    async def secrets(self, entered: Entered) -> Secrets:
        """By what its visitors are proven."""
        async with self.database.transaction(entered.organization_id) as tx:
            present, former = await SiteRepository(tx).secrets(entered.site.channel_id)
        opened = await self.keyring.open(entered.organization_id, present, SECRET)
        if former is None:
            return Secrets(opened)
        return Secrets(opened, await self.keyring.open(entered.organization_id, former, SECRET))


def _silent(kind: str, options: dict[str, Any]) -> bool:
    return kind == "contact_form" and not options.get("reply_to")


def _changed(before: Site, wanted: ChangeSite) -> Site:
    given = wanted.look if before.kind == "web_chat" else wanted.rules
    other = wanted.rules if before.kind == "web_chat" else wanted.look
    if other is not None:
        name = "rules" if before.kind == "web_chat" else "look"
        raise Invalid(errors=[FieldError(f"#/{name}", "This is of the other kind of channel on pages.")])
    allowed = before.allowed_origins if wanted.allowed_origins is None else origins(wanted.allowed_origins)
    options = before.options if given is None else given.model_dump(mode="json")
    _insist_on_redirect(options, allowed)
    return replace(before, name=wanted.name or before.name, allowed_origins=allowed, options=options)


def _insist_on_redirect(options: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """Nobody is sent from a form to a page that is not the organization's own."""
    address = options.get("redirect_to")
    if address and not leads_to(allowed, address):
        raise Invalid(errors=[FieldError("#/rules/redirect_to", "This is no page of an allowed origin.")])
