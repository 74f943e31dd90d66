"""Members come, change and go as auth tells.

Every row carries the version it was written from, so the copy comes out the same in whatever order and however often
events arrive: no version gate is needed. A user who is no member any more may be one again under another membership;
what they hold is given back only when none is left.
"""

from collections.abc import Sequence

from inbox.conversations.releasing import release
from inbox.members.repository import MemberRepository, Told
from kit.db.database import Transaction


async def on_members(events: Sequence[Told], tx: Transaction) -> None:
    """Write what was told; conversations of those who no longer answer are everybody's again."""
    members = MemberRepository(tx)
    await members.settle(events)
    gone = await members.not_answering({(event.organization, event.user_id) for event in events})
    await release(tx, gone)
