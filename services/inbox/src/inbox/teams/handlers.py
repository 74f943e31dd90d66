"""Teams come, change and go as auth tells; each row carries the version it was written from, so order matters not."""

from collections.abc import Sequence

from contracts.auth import TeamCreated, TeamDeleted, TeamMembersChanged, TeamRenamed
from inbox.assignment.repository import GivingRepository
from inbox.channels.viewing.repository import ViewingRepository
from inbox.channels.viewing.telling import reviewed
from inbox.conversations.releasing import release_teams
from inbox.teams.repository import TeamRepository
from kit.db.database import Transaction


async def on_teams(events: Sequence[TeamCreated | TeamRenamed | TeamDeleted], tx: Transaction) -> None:
    """Know the teams; conversations of those that are gone are of no team."""
    await TeamRepository(tx).settle(events)
    gone = [event.team_id for event in events if isinstance(event, TeamDeleted)]
    await release_teams(tx, gone)
    await reviewed(tx, gone)
    await ViewingRepository(tx).forget_teams(gone)


async def on_team_members_changed(events: Sequence[TeamMembersChanged], tx: Transaction) -> None:
    """Know who is in which team; the team may not have been heard of yet."""
    teams = TeamRepository(tx)
    await teams.settle(events)
    await teams.settle_members(events)
    await reviewed(tx, [event.team_id for event in events])
    await GivingRepository(tx).nudge()
