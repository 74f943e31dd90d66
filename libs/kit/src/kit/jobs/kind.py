"""What a service must say of one sort of bulk work."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from kit.db.database import Transaction
from kit.jobs.model import Found, Item, Job, Outcome

W = TypeVar("W")


class Kind(Protocol[W]):
    """One sort of bulk work. Methods with `tx` take part in a commit, and are bound to the job's organization.

    `W` is what `work` needs from outside the database, such as keys; who needs nothing says `prepares = False`.
    """

    @property
    def name(self) -> str:
        """Its name in rows and metrics: `auth.user-operation`."""

    @property
    def batch(self) -> int:
        """How many items at most are worked in one transaction; it should take less than a second."""

    @property
    def prepares(self) -> bool:
        """Whether `prepare` is to be called before each batch."""

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """The next page of items after a cursor (None at first), for jobs that were submitted without any."""

    async def prepare(self, job: Job, items: Sequence[Item]) -> W:
        """Fetch what the work on these items needs, with no transaction open; others may work on them meanwhile.

        Raises:
            TransientError: it cannot be had now; the job goes on later.
        """

    async def work(
        self, tx: Transaction, job: Job, items: Sequence[Item], prepared: W | None
    ) -> Mapping[int, Outcome]:
        """Do these items, set-based, and say by number what became of each; one that is left out waits on.

        Nobody else has them, and what is done here is undone when the job is cancelled meanwhile. When it raises,
        the batch is undone and tried again in smaller ones; an item that fails alone is recorded as failed.

        Raises:
            TransientError: not just now; the job goes on later.
        """

    async def ended(self, tx: Transaction, job: Job) -> None:
        """Carry the end of the job into our own rows, in the commit that ends it."""
