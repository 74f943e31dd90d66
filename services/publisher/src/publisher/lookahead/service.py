from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.ids import BEFORE_ALL
from kit.ledger.ledger import Ledger
from kit.ledger.model import State
from postrules.limits import Platform as PlatformName
from publisher.accounts.model import Account, AccountState
from publisher.accounts.repository import AccountRepository
from publisher.budgets.model import Budget, longest
from publisher.budgets.planning import budgets_of
from publisher.budgets.repository import BudgetRepository
from publisher.deliveries.model import KIND
from publisher.deliveries.sending import Sending
from publisher.lookahead.model import Foreseen, Trouble, of_account, of_budgets
from publisher.lookahead.repository import LookaheadRepository
from publisher.platforms.base import Bounds, MediaItem
from publisher.posts.checking import faults, unknown
from publisher.posts.composing import Composed
from publisher.posts.content import Content
from publisher.posts.model import Target

BATCH: Final = 200
"""Deliveries that are looked through at once."""

OVERDUE: Final = timedelta(days=31)
"""How far back it is looked for what came due and has not left."""

BATCHES: Final = 5
"""How many batches one request looks through; where all is well it says where to go on."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is read at once for a batch: nothing here is asked of anybody."""

    accounts: Mapping[UUID, Account]
    states: Mapping[UUID, State]
    budgets: Mapping[UUID, Sequence[Budget]]
    times: Mapping[UUID, Sequence[datetime]]
    media: Mapping[UUID, MediaItem]
    bounds: Mapping[UUID, Bounds]


@dataclass(frozen=True, slots=True)
class LookaheadService:
    """Tells what will fail or wait, in a few statements for each batch."""

    database: Database
    ledger: Ledger
    sending: Sending

    async def page(
        self,
        caller: MemberCaller,
        days: int,
        account_id: UUID | None,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> tuple[list[Foreseen], tuple[datetime, UUID] | None]:
        """What will go wrong within so many days, in the order of the times, and where to go on."""
        now = self.database.clock.now()
        until, place = now + timedelta(days=days), after or (now - OVERDUE, BEFORE_ALL)
        found: list[Foreseen] = []
        async with self.database.snapshot(caller.organization_id) as tx:
            for _ in range(BATCHES):
                rows = await LookaheadRepository(tx).waiting(until, account_id, place, BATCH)
                known = await self._known(tx, rows) if rows else None
                for row in rows:
                    place = row["publish_at"], row["id"]
                    troubles = tuple(self._troubles(row, known)) if known else ()
                    if troubles:
                        found.append(_foreseen(row, troubles))
                    if len(found) == limit:
                        return found, place
                if len(rows) < BATCH:
                    return found, None
        return found, place

    async def _known(self, tx: Transaction, rows: Sequence[Row]) -> Known:
        accounts = await AccountRepository(tx).among({row["account_id"] for row in rows})
        budgets = BudgetRepository(tx)
        holding = budgets_of(accounts, await budgets.told(accounts), "post")
        window = longest(each for own in holding.values() for each in own)
        first, last = rows[0]["publish_at"], rows[-1]["publish_at"]
        times = await budgets.taken(holding, first - window, last + timedelta(seconds=1)) if holding else {}
        contents = [Content.read(row["content"]).changed_by(row["different"]) for row in rows]
        wanted = set().union(*(content.media_ids for content in contents))
        media = await self.sending.media.find(tx, wanted) if wanted else {}
        states = await self.ledger.states(tx, KIND, [row["id"] for row in rows])
        return Known(accounts, states, holding, times, media, await budgets.bounds(accounts))

    def _troubles(self, row: Row, known: Known) -> Iterator[Trouble]:
        account, at = known.accounts[row["account_id"]], row["publish_at"]
        platform = self.sending.platforms[account.platform]
        yield from of_account(account, at, on=platform.on)
        state = known.states.get(row["id"])
        held = None if state is None else state.held
        if held and account.state is AccountState.CONNECTED:
            yield Trouble("held", held, "See to what it says, or lift the stop.")
        yield from of_budgets(known.budgets.get(account.id, ()), known.times.get(account.id, ()), at)
        yield from self._of_rules(row, account, known)

    def _of_rules(self, row: Row, account: Account, known: Known) -> Iterator[Trouble]:
        """What the rules of today say: they may have changed, and pictures and videos may have gone."""
        target = Target(account.id, row["own_text"], row["different"])
        content, accounts = Content.read(row["content"]), {account.id: account}
        composed = Composed(row["text"], content, (target,), accounts, known.media, known.bounds)
        for error in unknown(composed):
            if not error.pointer.startswith("#/targets"):
                yield Trouble(
                    "media-missing", error.detail, "Choose another, or wait until it is ready.", error.pointer
                )
        for variant in composed.variants():
            for fault in faults(variant, self.sending.platforms.get(account.platform)):
                if fault.finding.blocks:
                    yield Trouble(fault.finding.rule, fault.finding.detail, fault.finding.fix, fault.pointer)


def _foreseen(row: Row, troubles: tuple[Trouble, ...]) -> Foreseen:
    return Foreseen(
        row["post_id"], row["id"], row["account_id"], PlatformName(row["platform"]), row["publish_at"], troubles
    )
