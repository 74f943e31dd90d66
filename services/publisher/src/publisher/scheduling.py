"""What plans when posts leave, put together for bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from kit.jobs.jobs import Jobs
from kit.ledger.ledger import Ledger
from kit.privacy.holding import Holding
from kit.privacy.kept_rows import KeptRows
from kit.process import Loop
from publisher.allowances.model import QUOTA
from publisher.allowances.service import AllowanceService
from publisher.budgets.reading import BudgetWatch
from publisher.budgets.service import BudgetService
from publisher.deliveries.sending import Sending
from publisher.imports.kind import PostImports
from publisher.imports.repository import PersonsImports
from publisher.imports.service import ImportService
from publisher.lookahead.service import LookaheadService
from publisher.queues.service import QueueService
from publisher.recurrences.making import Making
from publisher.recurrences.repository import PersonsRecurrences
from publisher.recurrences.service import RecurrenceService
from publisher.stops.repository import PersonsStops
from publisher.stops.service import StopService


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Limits, stops, queues, what recurs, and bulk."""

    allowances: AllowanceService
    budgets: BudgetService
    budget_watch: BudgetWatch
    lookahead: LookaheadService
    stops: StopService
    queues: QueueService
    recurrences: RecurrenceService
    making: Making
    jobs: Jobs
    imports: ImportService

    @classmethod
    def build(cls, sending: Sending, ledger: Ledger) -> Self:
        """All of it."""
        database = sending.database
        jobs = Jobs(database, [PostImports(ledger, sending)])
        return cls(
            allowances=AllowanceService(database),
            budgets=BudgetService(database),
            budget_watch=BudgetWatch(database, ledger, sending.platforms),
            lookahead=LookaheadService(database, ledger, sending),
            stops=StopService(database, ledger),
            queues=QueueService(database, ledger),
            recurrences=RecurrenceService(database, ledger, sending),
            making=Making(database, ledger, sending),
            jobs=jobs,
            imports=ImportService(database, jobs, sending),
        )

    def for_endpoints(self) -> Sequence[object]:
        """What endpoints ask for."""
        return (
            self.allowances,
            self.budgets,
            self.lookahead,
            self.stops,
            self.queues,
            self.recurrences,
            self.imports,
        )

    def loops(self) -> Sequence[Loop]:
        """What a worker does for it; jobs bring their own loops."""
        return (
            *QUOTA.loops(self.making.database),
            Loop("budgets", self.budget_watch.ask_due, every=5.0),
            Loop("recurring posts", self.making.make_due, every=5.0),
        )

    def holdings(self) -> Sequence[Holding]:
        """What is held about people."""
        database = self.making.database
        return (
            KeptRows(database, "publishing_stops", PersonsStops),
            KeptRows(database, "recurrences", PersonsRecurrences),
            KeptRows(database, "post_imports", PersonsImports),
        )
