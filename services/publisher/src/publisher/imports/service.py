from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import DomainError
from kit.http.caller import MemberCaller
from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.jobs.model import Failed, Job, NewItem, Submission
from kit.jobs.report import csv_lines
from publisher.accounts.repository import AccountRepository
from publisher.budgets.repository import BudgetRepository
from publisher.deliveries.sending import Sending
from publisher.imports.errors import FileNotAcceptable
from publisher.imports.kind import KIND
from publisher.imports.model import Fault, Import, Line, fingerprint
from publisher.imports.reading import lines, missing, of_refusal, wishes
from publisher.imports.repository import ImportRepository
from publisher.posts.checking import check
from publisher.posts.composing import Composed
from publisher.posts.content import NOTHING_MORE, Content
from publisher.posts.model import Changes, Target
from publisher.posts.when import InQueue, When, checked, zones

MOST_TOLD: Final = 200
"""Faults that a problem or a dry run tells; the report has all."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A file as it was read: its rows, and what is wrong with which."""

    rows: tuple[Line, ...]
    faults: tuple[Fault, ...]

    @property
    def bad(self) -> set[int]:
        """The lines that cannot be imported as they are."""
        return {each.line for each in self.faults}

    @property
    def broken(self) -> bool:
        """Whether the file has no form by which its rows could be told apart."""
        return any(each.rule in ("csv", "columns", "rows.max", "rows.min") for each in self.faults)


@dataclass(frozen=True, slots=True)
class ImportService:
    """What people ask of imports."""

    database: Database
    jobs: Jobs
    sending: Sending

    async def check(self, text: str, zone: str, caller: MemberCaller) -> Checked:
        """A dry run: everything that can be told about a file without writing anything.

        What depends on other posts shows only when it is done: free slots, budgets, what the plan includes.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            return await self._check(tx, text, zone)

    async def begin(
        self, text: str, zone: str, name: str, caller: MemberCaller, *, partial: bool
    ) -> tuple[Import, Job]:
        """Import a file; the same one again is the import that there is.

        Without `partial` nothing is imported when anything is wrong with the file; with it, the other rows are.

        Raises:
            FileNotAcceptable: it cannot be imported, with each fault by line and column.
            TooManyJobs: too many imports are under way.
        """
        digest = fingerprint(text, zone)
        async with self.database.transaction(caller.organization_id) as tx:
            rows = ImportRepository(tx)
            found = await self._check(tx, text, zone)
            if found.broken or (found.faults and not partial) or len(found.bad) == len(found.rows):
                raise _refused(found)
            now, total = self.database.clock.now(), len(found.rows)
            made = Import(new_id(), caller.organization_id, name, zone, new_id(), total, caller.user_id, now)
            if not await rows.add(made, digest):
                earlier = await rows.same(digest)
                return earlier, await self.jobs.show(tx, earlier.job_id)
            job = await self._submit(tx, made, found)
            await tx.emit(audited("publisher.import.begun", caller, "import", made.id, rows=made.total))
        return made, job

    async def _submit(self, tx: Transaction, made: Import, found: Checked) -> Job:
        faults: dict[int, list[Fault]] = {}
        for fault in found.faults:
            faults.setdefault(fault.line, []).append(fault)
        ids = [(new_id(), each) for each in found.rows]
        items = [
            NewItem(row_id, _failed(faults[each.number]) if each.number in faults else None) for row_id, each in ids
        ]
        await ImportRepository(tx).add_rows(
            made.id,
            [
                (row_id, each.number, each.cells, [fault.stored() for fault in faults.get(each.number, ())])
                for row_id, each in ids
            ],
        )
        return await self.jobs.submit(
            tx, Submission(KIND, str(made.id), made.organization_id, items=items, id=made.job_id)
        )

    async def find(self, import_id: UUID, caller: MemberCaller) -> tuple[Import, Job]:
        """One import, and how far it is.

        Raises:
            ImportNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            found = await ImportRepository(tx).find(import_id)
            return found, await self.jobs.show(tx, found.job_id)

    async def page(self, caller: MemberCaller, after: UUID | None, limit: int) -> list[tuple[Import, Job]]:
        """The newest first."""
        async with self.database.transaction(caller.organization_id) as tx:
            found = await ImportRepository(tx).page(after, limit)
            jobs = await self.jobs.several(tx, [each.job_id for each in found])
        return [(each, jobs[each.job_id]) for each in found if each.job_id in jobs]

    async def cancel(self, import_id: UUID, caller: MemberCaller) -> tuple[Import, Job]:
        """Import nothing more; what was imported stays.

        Raises:
            ImportNotFound, JobEnded: there is none, or it has ended.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            found = await ImportRepository(tx).find(import_id)
            job = await self.jobs.cancel(tx, found.job_id)
            await tx.emit(audited("publisher.import.cancelled", caller, "import", import_id, done=job.done))
        return found, job

    async def report(self, import_id: UUID, caller: MemberCaller) -> bytes:
        """What became of each row, as CSV that no spreadsheet takes for formulas.

        Raises:
            ImportNotFound: there is none.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            await ImportRepository(tx).find(import_id)
            rows = await ImportRepository(tx).all_rows(import_id)
        told: list[list[object]] = [["line", "outcome", "post_id", "column", "rule", "detail", "fix"]]
        for row in rows:
            outcome = "imported" if row.post_id else "refused" if row.faults else "waiting"
            for fault in row.faults or ({},):
                said = [fault.get(each, "") for each in ("column", "rule", "detail", "fix")]
                told.append([row.line, outcome, row.post_id or "", *said])
        return csv_lines(told)

    async def _check(self, tx: Transaction, text: str, zone: str) -> Checked:
        if zone not in zones():
            fault = Fault(1, "zone", "zone", "This zone is not known.", "Use a name such as Europe/Berlin.")
            return Checked((), (fault,))
        rows, faults = lines(text)
        found, now = Checked(tuple(rows), tuple(faults)), self.database.clock.now()
        if found.broken:
            return found
        read = {each.number: wishes(each, zone, now) for each in rows if each.number not in found.bad}
        faults += [fault for _, wrong in read.values() for fault in wrong]
        ids = {target.account_id for changes, _ in read.values() if changes for target in _targets(changes)}
        accounts = await AccountRepository(tx).among(ids)
        wanted = {each for changes, _ in read.values() if changes for each in _content(changes).media_ids}
        media = await self.sending.media.find(tx, wanted) if wanted else {}
        bounds = await BudgetRepository(tx).bounds(accounts) if accounts else {}
        for line in rows:
            changes = read[line.number][0] if line.number in read else None
            if changes is not None:
                composed = Composed(str(changes.text), _content(changes), _targets(changes), accounts, media, bounds)
                faults += missing(line, composed.content, media) or self._of_row(line, changes, composed, now)
        return Checked(found.rows, tuple(sorted(faults, key=lambda each: (each.line, each.column))))

    def _of_row(self, line: Line, changes: Changes, composed: Composed, now: datetime) -> list[Fault]:
        """What the rules say of a row that can be read."""
        queued = isinstance(changes.when, InQueue)
        final = changes.when is not None and (not queued or bool(composed.targets))
        try:
            check(composed, self.sending.platforms, final=final)
            if isinstance(changes.when, When):
                checked(changes.when, now)
        except DomainError as refusal:
            return of_refusal(line.number, refusal)
        return []


def _targets(changes: Changes) -> tuple[Target, ...]:
    return changes.targets if isinstance(changes.targets, tuple) else ()


def _content(changes: Changes) -> Content:
    return changes.content if isinstance(changes.content, Content) else NOTHING_MORE


def _failed(faults: list[Fault]) -> Failed:
    return Failed(faults[0].rule[:100], f"Line {faults[0].line}: see the report.")


def _refused(found: Checked) -> FileNotAcceptable:
    """The refusal of a file, with its faults."""
    said = (
        f"{len(found.bad)} of {len(found.rows)} rows cannot be imported; mend them, or import the others (partial)."
    )
    return FileNotAcceptable(said, faults=[each.stored() for each in found.faults[:MOST_TOLD]])
