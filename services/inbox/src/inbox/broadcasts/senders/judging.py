"""What the platform tells by webhook of how fast, and to how many people, numbers may write, and of their account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from inbox.broadcasts.senders.braking import Braking
from inbox.broadcasts.senders.repository import SenderRepository
from inbox.whatsapp.pacing import COEXISTING, RATES, limit_of
from inbox.whatsapp.payload import text
from kit.db.database import Row, Transaction
from kit.intake.model import Applied, Quarantined, Received, Verdict

Json = Mapping[str, Any]

QUALITIES: Final[Mapping[str, str]] = {"FLAGGED": "RED", "UNFLAGGED": "GREEN"}
"""What an event says of the quality; a number that is flagged has a low one."""

CAPABILITIES: Final = "field:business_capability_update"
ACCOUNTS: Final = "field:account_update"

_STOPPED: Final[Mapping[str, str]] = {
    "ACCOUNT_DELETED": "WhatsApp has deleted this business account.",
    "ACCOUNT_OFFBOARDED": "This business account has left the platform.",
    "PARTNER_REMOVED": "The business no longer shares this account with us.",
    "PARTNER_APP_UNINSTALLED": "The business no longer shares this account with us.",
}
"""Events after which nothing of an account can be sent, with what they mean."""
_BACK: Final = frozenset({"ACCOUNT_RECONNECTED", "PARTNER_ADDED"})
_ANSWERS: Final = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"
_NO_SENDING: Final = frozenset({"RESTRICTED_BIZ_INITIATED_MESSAGING", _ANSWERS})
_RESTRICTED: Final = "WhatsApp does not let this business account write to people for now; see its business manager."
_BY_WEBHOOK: Final = "account-"
_LONGEST_TIME: Final = 10  # digits of a time in seconds


@dataclass(frozen=True, slots=True)
class Judging:
    """Applies `phone_number_quality_update`, `business_capability_update` and `account_update`, in order."""

    braking: Braking

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> list[Verdict]:
        """One verdict for each item."""
        return [await self._apply(tx, each) for each in items]

    async def _apply(self, tx: Transaction, received: Received) -> Verdict:
        told: Json = orjson.loads(received.item.content)
        value, account = told["value"], text(told.get("account"))
        match received.item.kind:
            case kind if kind == CAPABILITIES:
                return await self._capable(tx, account, value)
            case kind if kind == ACCOUNTS:
                return await self._account(tx, account, value)
            case _:
                return await self._number(tx, account, value)

    async def _number(self, tx: Transaction, account: str, value: Json) -> Verdict:
        """Of one number: its quality, its throughput, and the limit of its portfolio."""
        shown = "".join(each for each in text(value.get("display_phone_number")) if each.isdigit())
        found = await SenderRepository(tx).of_number(account, shown)
        if found is None:
            return Quarantined("a word on a number that is not connected")
        event, limit = text(value.get("event")), limit_of(value.get("max_daily_conversations_per_business"))
        faster = event == "THROUGHPUT_UPGRADE"
        if limit is None and not faster:  # with an upgrade the old field tells the throughput, not the limit
            limit = limit_of(value.get("current_limit"))
        if faster:
            await self.braking.paced(tx, found["id"], COEXISTING if found["coexists"] else RATES["HIGH"])
        await self.braking.judged(tx, found["id"], QUALITIES.get(event, ""), limit)
        return Applied()

    async def _capable(self, tx: Transaction, account: str, value: Json) -> Verdict:
        """Of a business: to how many people it may write first within 24 hours, and how many numbers it may have."""
        limit = limit_of(value.get("max_daily_conversations_per_business"))
        if limit is None:
            limit = limit_of(value.get("max_daily_conversation_per_phone"))
        numbers = limit_of(value.get("max_phone_numbers_per_business"))
        if numbers is None:
            numbers = limit_of(value.get("max_phone_numbers_per_waba"))
        if limit is None and numbers is None:
            return Quarantined("a word on what a business may that tells nothing")
        await SenderRepository(tx).capable(account, limit, numbers)
        return Applied()

    async def _account(self, tx: Transaction, account: str, value: Json) -> Verdict:
        """Of an account: that nothing can be sent from it, or that something can again. Other events are noted."""
        event = text(value.get("event"))
        if not event:
            return Quarantined("a word on an account that tells nothing")
        senders = SenderRepository(tx)
        if (business := _owner(value)) and event not in _STOPPED:
            await senders.owned(account, business)
        now = self.braking.database.clock.now()
        if reason := _stopping(event, value, now):
            code, restricted = f"{_BY_WEBHOOK}{event.lower()}"[:60], _restrictions(value, now)
            of_some = event == "ACCOUNT_RESTRICTION"
            all_of_it, until = not of_some or _ANSWERS in restricted, _until(restricted) if of_some else None
            rows = await senders.of_account(account)
            await self.braking.stopped(tx, rows, code, reason, all_of_it=all_of_it, until=until)
        elif event in _BACK or _reinstated(event, value):
            await self.braking.resumed(tx, [row for row in await senders.of_account(account) if _told_so(row)])
        return Applied()


def _stopping(event: str, value: Json, now: datetime) -> str:
    """What it means, when nothing can be sent any more; empty otherwise."""
    if event in _STOPPED:
        return _STOPPED[event]
    if event == "DISABLED_UPDATE" and not _reinstated(event, value):
        ban = value.get("ban_info")
        scheduled = isinstance(ban, dict) and ban.get("waba_ban_state") == "SCHEDULE_FOR_DISABLE"
        return "" if scheduled else "WhatsApp has disabled this business account; see its business manager."
    return _RESTRICTED if event == "ACCOUNT_RESTRICTION" and _restrictions(value, now) else ""


def _restrictions(value: Json, now: datetime) -> dict[str, datetime | None]:
    """Which sort of writing is not allowed, and until when, where that is told; what has ended by now is left out."""
    told = value.get("restriction_info")
    listed = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    ends = {text(each.get("restriction_type")): _time(each.get("expiration")) for each in listed}
    return {sort: end for sort, end in ends.items() if sort in _NO_SENDING and (end is None or end > now)}


def _until(restricted: Mapping[str, datetime | None]) -> datetime | None:
    """When all of them have ended; None when one of them has no end."""
    ends = [end for end in restricted.values() if end is not None]
    return max(ends) if len(ends) == len(restricted) > 0 else None


def _time(told: object) -> datetime | None:
    """A time in seconds since 1970, as a number or in digits; one that makes no sense is none."""
    digits = str(told) if isinstance(told, int | str) else ""
    known = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_TIME
    return datetime.fromtimestamp(int(digits), UTC) if known else None


def _reinstated(event: str, value: Json) -> bool:
    ban = value.get("ban_info")
    return event == "DISABLED_UPDATE" and isinstance(ban, dict) and ban.get("waba_ban_state") == "REINSTATE"


def _told_so(row: Row) -> bool:
    return str(row["health_code"]).startswith(_BY_WEBHOOK)


def _owner(value: Json) -> str:
    info = value.get("waba_info")
    return text(info.get("owner_business_id"))[:64] if isinstance(info, dict) else ""
