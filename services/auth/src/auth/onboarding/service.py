from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from auth.members.acting import insist
from auth.members.errors import MemberNotFound
from auth.members.repository import MemberRepository
from auth.onboarding.model import Progress
from auth.onboarding.repository import OnboardingRepository
from contracts.auth import OnboardingCompleted
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.etag import Changed, Condition
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Moves:
    """What somebody did in the first steps."""

    done: Sequence[str] = ()
    skipped: Sequence[str] = ()
    reopened: Sequence[str] = ()
    goals: Sequence[str] | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class OnboardingService:
    """The first steps of a member in an organization: each has their own, can skip and take up again."""

    database: Database

    async def read(self, organization_id: UUID, caller: Caller) -> Progress:
        """How far the caller has come; reading begins nothing."""
        async with self.database.transaction(organization_id) as tx:
            member_id = await _member(tx, caller)
            return await OnboardingRepository(tx).find(member_id) or Progress(new_id())

    async def move(self, organization_id: UUID, moves: Moves, caller: Caller, expected: Condition) -> Progress:
        """Do, skip or take up steps, and choose."""
        async with self.database.transaction(organization_id) as tx:
            member_id = await _member(tx, caller)
            held = await OnboardingRepository(tx).lock(member_id) or Progress(new_id())
            expected.check(held.version)
            moved = held.moved(moves.done, moves.skipped, moves.reopened, moves.goals, moves.template)
            return held if moved == held and held.version else await _saved(tx, member_id, moved, held.version)

    async def complete(self, organization_id: UUID, moves: Moves, caller: Caller, expected: Condition) -> Progress:
        """Mark all as done, keep the choices, and have the first post written: all of it in one commit.

        The draft has its id from here, so that it is one post however often the publisher hears of it, and so that
        whoever completes can go there. Completing again changes nothing and answers the same.
        """
        async with self.database.transaction(organization_id) as tx:
            member_id = await _member(tx, caller)
            held = await OnboardingRepository(tx).lock(member_id) or Progress(new_id())
            if held.completed_at is not None:
                return held
            expected.check(held.version)
            moved = held.moved(goals=moves.goals, template=moves.template)
            template = moved.check_completion()
            post_id = new_id()
            saved = await _saved(tx, member_id, replace(moved, post_id=post_id), held.version)
            await tx.emit(
                OnboardingCompleted(
                    onboarding_id=saved.id,
                    user_id=caller.user_id,
                    post_id=post_id,
                    goals=list(saved.goals),
                    template=template,
                    language=await OnboardingRepository(tx).locale_of(caller.user_id),
                    version=saved.version,
                ),
                audited("auth.onboarding.completed", caller, "onboarding", saved.id, template=template),
            )
        return saved


async def _member(tx: Transaction, caller: Caller) -> UUID:
    """The caller's membership; keys and people of an agency have none, and so no first steps."""
    await insist(tx, caller, "onboarding.complete")
    member = await MemberRepository(tx).find_user(caller.user_id)
    if member is None:
        raise MemberNotFound
    return member.id


async def _saved(tx: Transaction, member_id: UUID, progress: Progress, expected: int) -> Progress:
    saved = await OnboardingRepository(tx).save(member_id, progress, expected)
    if saved is None:
        raise Changed
    return saved
