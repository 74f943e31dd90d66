"""The kind of jobs `inbox.macro-run`: a macro in many conversations, in each once, as somebody would run it there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from inbox.arrangement.errors import NotArranged
from inbox.arrangement.service import Arrangements
from inbox.channels.viewing.narrowing import SEE_ALL
from inbox.macros.repository import RunRepository
from inbox.macros.running import Result, Running
from inbox.macros.schemas import ACTIONS
from inbox.members.repository import MemberRepository
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import DomainError
from kit.http.caller import MemberCaller
from kit.jobs.model import Done, Failed, Found, Item, Job, Outcome
from kit.seal import Keyring

KIND: Final = "inbox.macro-run"
_LEFT: Final = Failed("not-a-member", "Who had begun this does not work on conversations here any more.")
_GONE: Final = Failed("not-arranged", "The macro was deleted.")
_CHANGED: Final = Failed("macro-changed", "The macro was changed meanwhile; run it anew as it is now.")


class _Nothing(DomainError):
    """Nothing of a macro was done, and nothing of it is to be kept."""

    def __init__(self, outcome: Failed) -> None:
        super().__init__(outcome.code)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class MacroRunKind:
    """Runs a macro in each conversation of a job, in the commit that counts it.

    A run has an id that follows from job and conversation, so that trying again what failed does nothing twice. Of a
    macro of which a part was done the run stands as done (`partly-done`): tried again, that part would happen twice.
    """

    database: Database
    keyring: Keyring
    running: Running
    name: str = KIND
    batch: int = 20
    prepares: bool = False

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """Nothing: all conversations come with the job."""
        _ = tx, job, cursor, limit
        return Found(())

    async def prepare(self, job: Job, items: Sequence[Item]) -> None:
        """Nothing is needed from outside."""
        _ = job, items

    async def work(self, tx: Transaction, job: Job, items: Sequence[Item], prepared: None) -> Mapping[int, Outcome]:
        """One conversation after the other; all are locked first, in the order of their ids."""
        _ = prepared
        caller = await _caller(tx, job)
        if caller is None:
            return {each.number: _LEFT for each in items}
        macro_id = UUID(job.parameters["macro_id"])
        try:
            macro = await Arrangements(self.database, self.keyring, "macro").find(tx, caller.user_id, macro_id)
        except NotArranged:
            return {each.number: _GONE for each in items}
        if macro.version != job.parameters["version"]:
            return {each.number: _CHANGED for each in items}
        actions = ACTIONS.validate_python(macro.document["actions"])
        wanted = {each.number: each.subject_id for each in items if each.subject_id is not None}
        await self.running.hold(tx, caller, wanted.values(), actions)
        outcomes: dict[int, Outcome] = {}
        for number, conversation_id in wanted.items():
            try:
                async with tx.attempt():
                    outcomes[number] = await self._one(tx, caller, job, conversation_id, macro.document)
            except _Nothing as nothing:
                outcomes[number] = nothing.outcome
            except DomainError as refusal:
                outcomes[number] = Failed(refusal.code, refusal.title()[:200])
        return outcomes

    async def _one(
        self, tx: Transaction, caller: MemberCaller, job: Job, conversation_id: UUID, document: Mapping[str, Any]
    ) -> Outcome:
        runs, run_id = RunRepository(tx), uuid5(job.id, str(conversation_id))
        macro_id, actions = UUID(job.parameters["macro_id"]), ACTIONS.validate_python(document["actions"])
        await self.running.lock(tx, caller, conversation_id, actions)
        if not await runs.begin(run_id, macro_id, conversation_id, caller.user_id):
            return Done()
        results = await self.running.run(tx, caller, conversation_id, actions, document["on_failure"])
        outcome = _outcome(results)
        if isinstance(outcome, Failed):
            raise _Nothing(outcome)
        await runs.end(run_id, results)
        line = ("inbox.macro.run", caller, "conversation", conversation_id)
        await tx.emit(audited(*line, macro=str(macro_id), job=str(job.id)))
        return outcome

    async def ended(self, tx: Transaction, job: Job) -> None:
        """Its end stands in the job; each conversation has a line of its own."""
        _ = tx, job


async def _caller(tx: Transaction, job: Job) -> MemberCaller | None:
    """Who has begun the job, as they stand now; nobody when they do not answer here any more."""
    if job.submitted_by is None or job.organization_id is None:
        return None
    role = await MemberRepository(tx).role(job.submitted_by)
    if role is None:
        return None
    if role not in SEE_ALL:
        await RunRepository(tx).see_as(job.submitted_by)
    return MemberCaller(job.submitted_by, job.id, job.organization_id, role, 0)


def _outcome(results: Sequence[Result]) -> Outcome:
    """What became of a conversation, by what became of each action."""
    refused = [(at, each) for at, each in enumerate(results, 1) if each["outcome"] == "failed"]
    if not refused:
        return Done()
    at, first = refused[0]
    reason = f"Action {at} ({first['do']}) was refused."
    if any(each["outcome"] == "done" for each in results):
        return Done("partly-done", reason)
    return Failed(first["code"][:100], reason)
