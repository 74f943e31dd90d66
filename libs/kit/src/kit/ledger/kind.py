"""What a service must say of one sort of effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from kit.db.database import Transaction
from kit.ledger.model import Entry, Look, Receipt, Settled

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Timing:
    """The patience of a kind; seconds.

    `call_within` bounds one call. `looks_after` are the waits before the first, second … look at an unknown effect,
    the last one repeating. A look that finds nothing counts as proof only `absent_after` seconds after the call began
    and not before a second look; None means that absence is never proven. What is undecided `unconfirmed_after`
    seconds after the call began goes to a person, but where absence can be proven, never before that second look:
    nobody may have looked while all workers were down. A transient refusal is retried with jittered back-off from
    `backoff_first` to `backoff_longest` until `give_up_after` seconds after the effect was first due.
    """

    call_within: float = 20.0
    looks_after: tuple[float, ...] = (5.0, 30.0, 120.0, 300.0)
    absent_after: float | None = None
    unconfirmed_after: float = 3600.0
    backoff_first: float = 2.0
    backoff_longest: float = 600.0
    give_up_after: float = 86400.0


class Kind(Protocol[W]):
    """One sort of effect: how to prepare it, do it, look for it, and what it changes in our own rows.

    `W` is what a call needs besides the entry (content, token), loaded in one go for a batch.
    """

    @property
    def name(self) -> str:
        """Its name in rows, metrics and commands: `publisher.delivery`."""

    @property
    def timing(self) -> Timing:
        """Its patience."""

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, W]:
        """What each entry needs, by entry id, read set-based in a transaction bound to the entries' organizations.

        An entry that is left out is withdrawn: its subject is gone, or it must not be done any more.
        """

    async def call(self, entry: Entry, work: W) -> Receipt:
        """Do it, once, with no transaction open.

        Raises:
            Refused: the other side said no for good.
            NotAccepted: proven not accepted.
            Parked: proven not accepted, and the lane is of no use until somebody acts.
            Unanswered: it may have happened. Any other exception counts as this.
        """

    async def look(self, entry: Entry, work: W) -> Look:
        """See whether it has happened; it only reads, or asks again where the other side keeps answers under a key.

        Raises:
            Refused: it is known now that the other side said no.
            NotAccepted, Parked, Unanswered: it could not look now.
        """

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry the new status into our own rows and emit facts, set-based, in the commit that makes it.

        Called with changes only, for done, refused, unknown, unconfirmed, and pending (postponed or parked).
        """
