"""What intake keeps of what platforms have told: found by whom it is about, and let go of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.channels.repository import ChannelRepository
from inbox.contacts.recognizing import IDENTITY
from inbox.contacts.repository import ContactRepository, PersonsContact
from inbox.messages.content import Sealing
from inbox.whatsapp.payload import Hidden, key_of, message_item, status_item
from kit.db.database import Row, Transaction
from kit.intake import forgetting
from kit.intake.forgetting import Kept

_READ: Final = ("read", "played")


@dataclass(frozen=True, slots=True)
class SentIn:
    """Items of one person: in the lanes of our ends by all that they are known by, or by the id of a message.

    One for each source, whose name is the kind of its channels.
    """

    source: str
    hide: Hidden = field(repr=False)
    sealing: Sealing

    async def lanes(self, tx: Transaction, contact_id: UUID) -> list[bytes]:
        """Where what a contact sends, and what is reported of messages to them, is applied in order."""
        members = await PersonsContact(tx).members(contact_id)
        known = [each for each in await ContactRepository(tx).identities(members) if each["sealed"]]
        numbers = await ChannelRepository(tx).numbers(self.source)
        if not numbers:
            return []
        sealed = [(each["sealed"], IDENTITY) for each in known]
        opened = await self.sealing.keyring.open_many(tx.organization_id, sealed) if sealed else []
        values = {each.decode(errors="surrogatepass") for each in opened if each is not None}
        hide = self.hide
        keys = {key_of(number, value, hide) for number in numbers for value in values}
        return [forgetting.lane_of(key) for key in sorted(keys)]

    async def page(self, tx: Transaction, lanes: Sequence[bytes], after: UUID | None, limit: int) -> list[Kept]:
        """What is kept in these lanes, opened."""
        return await forgetting.kept_of_lanes(
            tx, self.sealing.keyring, self.source, tx.organization_id, lanes, after=after, at_most=limit
        )

    async def forget(self, tx: Transaction, lanes: Sequence[bytes], at_most: int) -> int:
        """Delete as many items of these lanes.

        Raises:
            Undecided: something waits to be applied.
        """
        return await forgetting.forget_lanes(tx, self.source, tx.organization_id, lanes, at_most)

    async def forget_messages(
        self, tx: Transaction, messages: Sequence[Row], receipts: Sequence[Row]
    ) -> dict[str, int]:
        """Delete the items that brought these messages and reports, in whichever lane; rows by table."""
        identified = [row for row in messages if row["provider_sealed"]]
        ids = await self.sealing.provider_ids(tx.organization_id, [row["provider_sealed"] for row in identified])
        if len(ids) < len(identified):  # the key is gone, and with it the way to them
            return {}
        of_message = {row["id"]: provider_id for row, provider_id in zip(identified, ids, strict=True)}
        items = [message_item(each, self.hide) for each in ids]
        for row in receipts:
            if row["id"] in of_message:
                items += _reports(of_message[row["id"]], row["status"], row["provider_time"], self.hide)
        return {
            "intake_items": await forgetting.forget_items(tx, self.source, tx.organization_id, items) if items else 0
        }


def _reports(provider_id: str, status: str, at: datetime, hide: Hidden) -> Iterable[str]:
    """The items that may have brought a report: some statuses of the platform are one of ours."""
    told = _READ if status == "read" else (status,)
    return [status_item(provider_id, each, str(int(at.timestamp())), hide) for each in told]
