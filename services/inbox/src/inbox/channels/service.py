from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.inbox import ChannelDisconnected
from inbox.channels.base import Platforms
from inbox.channels.checking import CHECK
from inbox.channels.errors import ACCOUNT_REFUSED, ChannelOff, NumberRefused, NumberTaken, NumberUnproven, WhatsAppOff
from inbox.channels.model import Channel, Check, lane_of, media_lane_of
from inbox.channels.repository import ChannelRepository
from inbox.channels.schemas import Wanted
from inbox.messages.content import TOKEN
from inbox.whatsapp.platform import WHATSAPP
from kit.audit import audited
from kit.db.database import Database
from kit.errors import FieldError
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class ChannelService:
    """What administrators do with channels."""

    database: Database
    ledger: Ledger
    keyring: Keyring
    platforms: Platforms

    async def connect(self, caller: MemberCaller, wanted: Wanted, key: Idempotency) -> Channel:
        """Ask the platform whether the token may use our end, and connect it when so.

        Raises:
            NumberTaken: another organization of this platform has it.
            NumberRefused: the platform says no.
            NumberUnproven: the platform could not be asked; nothing was connected.
        """
        if not self.platforms[wanted.kind].on:
            raise WhatsAppOff if wanted.kind == WHATSAPP else ChannelOff
        check_id = await self._begin(caller, wanted, key)
        lane = Lane(caller.organization_id, f"channel-check:{check_id}")
        settled = await self.ledger.perform(Effect(CHECK, lane, check_id))
        return await self._outcome(caller, check_id, settled.code)

    async def _begin(self, caller: MemberCaller, wanted: Wanted, key: Idempotency) -> UUID:
        sealed = await self.keyring.seal(caller.organization_id, wanted.token.encode(), TOKEN)
        wish, by = wanted.wish, caller.user_id
        check = Check(
            new_id(), wish.external_id, wish.account_id, wanted.rate, new_id(), asked_by=by, kind=wanted.kind
        )
        async with self.database.transaction(caller.organization_id) as tx:
            if earlier := await key.claim(tx):
                return earlier.resource_id
            await ChannelRepository(tx).begin_check(check, sealed)
            await key.remember(tx, check.id)
        return check.id

    async def _outcome(self, caller: MemberCaller, check_id: UUID, code: str) -> Channel:
        async with self.database.transaction(caller.organization_id) as tx:
            channels = ChannelRepository(tx)
            check = await channels.check(check_id)
            match check.outcome:
                case "connected":
                    return await channels.find(check.channel_id)
                case "taken":
                    raise NumberTaken
                case "refused":
                    wrong = [FieldError("#/waba_id", check.reason)] if code == ACCOUNT_REFUSED else None
                    raise NumberRefused(check.reason, errors=wrong)
                case _:
                    raise NumberUnproven("The platform could not be asked just now.", retry_after=5)

    async def read(self, caller: MemberCaller, channel_id: UUID) -> Channel:
        """One channel."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await ChannelRepository(tx).find(channel_id)

    async def page(self, caller: MemberCaller, after: tuple[datetime, UUID] | None, limit: int) -> list[Channel]:
        """Channels, the oldest first."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await ChannelRepository(tx).page(after, limit)

    async def disconnect(self, caller: MemberCaller, channel_id: UUID) -> Channel:
        """Give a channel up: its token is forgotten, what still waits is refused, what was said stays."""
        async with self.database.transaction(caller.organization_id) as tx:
            channel = await ChannelRepository(tx).disconnect(channel_id)
            for lane in (lane_of(channel_id, channel.kind), media_lane_of(channel_id, channel.kind)):
                await self.ledger.release(tx, caller.organization_id, lane)  # what is parked there can now be refused
            await tx.emit(
                ChannelDisconnected(
                    organization_id=caller.organization_id, version=channel.version, channel_id=channel.id
                ),
                audited("inbox.channel.disconnected", caller, "channel", channel.id),
            )
        return channel
