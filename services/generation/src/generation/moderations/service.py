from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from generation.calls.calling import Calling
from generation.calls.model import Purpose
from generation.moderations.model import Decision, Policy
from generation.moderations.repository import PolicyRepository
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller


@dataclass(frozen=True, slots=True)
class ModerationService:
    """Judges texts by an organization's policy, and lets it change that."""

    database: Database
    calling: Calling

    async def judge(self, purpose: Purpose, texts: Sequence[str]) -> tuple[Decision, tuple[str, ...]]:
        """What is to be done with these texts, and for which categories.

        Raises:
            BudgetExhausted, NoModel, Unanswered: they were not judged, and so are not to be used.
        """
        verdicts = await self.calling.judge(purpose, texts)
        async with self.database.snapshot(purpose.organization_id) as tx:
            policy = await PolicyRepository(tx).find()
        return policy.decide(verdicts)

    async def read(self, caller: MemberCaller) -> Policy:
        """What the organization wishes."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await PolicyRepository(tx).find()

    async def change(self, caller: MemberCaller, categories: Mapping[str, Decision]) -> Policy:
        """Wish otherwise from now on."""
        async with self.database.transaction(caller.organization_id) as tx:
            await PolicyRepository(tx).save(categories, caller.user_id)
            await tx.emit(
                audited(
                    "generation.moderation.changed",
                    caller,
                    "organization",
                    caller.organization_id,
                    categories=str(len(categories)),
                )
            )
        return Policy(categories)
