"""Members come, change and go as auth tells.

Every row carries the version it was written from, so the copy comes out the same in whatever order and however often
events arrive: no version gate is needed. A user who is no member any more may be one again under another membership;
what they hold is given back only when none is left.
"""

from collections.abc import Sequence

from inbox.assignment.repository import GivingRepository
from inbox.channels.viewing.repository import ViewingRepository
from inbox.conversations.participants.repository import ParticipantRepository
from inbox.conversations.releasing import release
from inbox.members.repository import MemberRepository, Told
from inbox.teams.repository import TeamRepository
from kit.db.database import Transaction


async def on_members(events: Sequence[Told], tx: Transaction) -> None:
    """Write what was told; who no longer answers has and follows no conversation any more."""
    members = MemberRepository(tx)
    await members.settle(events)
    gone = await members.not_answering({(event.organization, event.user_id) for event in events})
    await release(tx, gone)
    await ParticipantRepository(tx).leave(gone)
    left = await members.not_here({(event.organization, event.user_id) for event in events})
    await TeamRepository(tx).leave(left)
    await ViewingRepository(tx).forget_users(left)
    await ViewingRepository(tx).look_again()
    await GivingRepository(tx).nudge()
