import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from inbox.arrangement.model import Arranged
from inbox.arrangement.service import Arrangements, Place
from inbox.labels.model import key_of
from inbox.macros.errors import RunIdTaken
from inbox.macros.many import KIND
from inbox.macros.repository import RunRepository
from inbox.macros.running import Running
from inbox.macros.schemas import ACTIONS, ChangeMacro, MacroRunOut, MakeMacro, ResultOut, RunMacro, RunOnMany
from inbox.variables.rendering import parsed
from inbox.variables.values import Values
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.jobs.jobs import Jobs
from kit.jobs.model import Job, NewItem, Submission
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class MacroService:
    """Several actions under one name, and their runs."""

    database: Database
    keyring: Keyring
    values: Values
    running: Running
    jobs: Jobs

    @property
    def _things(self) -> Arrangements:
        return Arrangements(self.database, self.keyring, "macro")

    async def page(self, caller: MemberCaller, after: Place | None, limit: int) -> list[Arranged]:
        """Those that all share and the caller's own, by name."""
        return await self._things.page(caller, "", after, limit)

    async def make(self, caller: MemberCaller, wanted: MakeMacro, once: Idempotency) -> Arranged:
        """Make one.

        Raises:
            VariableUnknown, VariableMalformed: one of its texts cannot be filled.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            document = await self._document(tx, wanted)
            return await self._things.make(tx, caller, key_of(wanted.name), document, shared=wanted.shared, once=once)

    async def change(
        self, caller: MemberCaller, macro_id: UUID, wanted: ChangeMacro, expected: Condition
    ) -> Arranged:
        """Let one do something else.

        Raises:
            VariableUnknown, VariableMalformed: one of its texts cannot be filled.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            document = await self._document(tx, wanted)
            return await self._things.change(tx, caller, macro_id, key_of(wanted.name), document, expected=expected)

    async def delete(self, caller: MemberCaller, macro_id: UUID) -> None:
        """It is gone; what its runs did stays."""
        await self._things.delete(caller, macro_id)

    async def run(self, caller: MemberCaller, macro_id: UUID, wanted: RunMacro) -> MacroRunOut:
        """Run one in a conversation, once for each id.

        Raises:
            NotArranged: there is no such macro.
            ConversationNotFound: there is no such conversation.
            RunIdTaken: the id belongs to another run.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            runs = RunRepository(tx)
            found = await self._things.find(tx, caller.user_id, macro_id)
            actions = ACTIONS.validate_python(found.document["actions"])
            await self.running.lock(tx, caller, wanted.conversation_id, actions)
            if await runs.begin(wanted.id, macro_id, wanted.conversation_id, caller.user_id):
                results = await self.running.run(
                    tx, caller, wanted.conversation_id, actions, found.document["on_failure"]
                )
                await runs.end(wanted.id, results)
                line = audited("inbox.macro.run", caller, "conversation", wanted.conversation_id, macro=str(macro_id))
                await tx.emit(line)
            row = await runs.find(wanted.id)
        return _the_same(row, macro_id, wanted, caller)

    async def run_on_many(self, caller: MemberCaller, macro_id: UUID, wanted: RunOnMany) -> Job:
        """Begin to run one in many conversations, in each once; as it is now, and as the caller alone could.

        Raises:
            NotArranged: there is no such macro.
            JobKeyReused: the id belongs to another one.
            TooManyJobs: too many are under way.
        """
        ids = sorted(set(wanted.conversation_ids))
        async with self.database.transaction(caller.organization_id) as tx:
            found = await self._things.find(tx, caller.user_id, macro_id)
            told = hashlib.sha256(b"".join(each.bytes for each in ids)).hexdigest()
            parameters = {"macro_id": str(macro_id), "version": found.version, "conversations": told}
            submission = Submission(
                KIND,
                f"{caller.user_id}/{wanted.id}",
                caller.organization_id,
                caller.user_id,
                parameters,
                [NewItem(each) for each in ids],
            )
            job = await self.jobs.submit(tx, submission)
            if job.id == submission.id:
                await tx.emit(audited("inbox.macro.run_on_many", caller, "macro", macro_id, conversations=len(ids)))
        return job

    async def _document(self, tx: Transaction, wanted: ChangeMacro) -> dict[str, Any]:
        known = await self.values.known(tx)
        document = wanted.model_dump(mode="json", include={"name", "actions", "on_failure"})
        for at, action in enumerate(document["actions"]):
            for text in _texts(action):
                parsed(text, known, f"#/actions/{at}")
        return document


def _texts(part: Any) -> Iterator[str]:
    """All texts that are filled when it runs."""
    if isinstance(part, list):
        for each in part:
            yield from _texts(each)
    if isinstance(part, dict):
        for name, each in part.items():
            if name == "text" and isinstance(each, str):
                yield each
            else:
                yield from _texts(each)


def _the_same(row: Row | None, macro_id: UUID, wanted: RunMacro, caller: MemberCaller) -> MacroRunOut:
    told = (macro_id, wanted.conversation_id, caller.user_id)
    if row is None or (row["macro_id"], row["conversation_id"], row["user_id"]) != told:
        raise RunIdTaken
    return MacroRunOut(
        id=row["id"],
        macro_id=row["macro_id"],
        conversation_id=row["conversation_id"],
        results=[ResultOut.model_validate(each) for each in row["results"]],
        created_at=row["created_at"],
    )
