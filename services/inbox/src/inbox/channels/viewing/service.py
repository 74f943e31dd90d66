from dataclasses import dataclass
from uuid import UUID

from inbox.assignment.repository import GivingRepository
from inbox.channels.viewing.errors import ViewersNotThere
from inbox.channels.viewing.repository import ViewingRepository, Visibility, seeing
from inbox.channels.viewing.telling import tell_seen
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.http.etag import Condition


@dataclass(frozen=True, slots=True)
class ViewingService:
    """Who sees which channel."""

    database: Database

    async def read(self, caller: MemberCaller, channel_id: UUID) -> Visibility:
        """Who sees a channel."""
        async with self.database.snapshot(caller.organization_id) as tx:
            return await ViewingRepository(tx).find(channel_id)

    async def viewers(self, organization_id: UUID, conversation_id: UUID) -> list[UUID] | None:
        """Who beside owners and admins sees a conversation; None for everyone."""
        return await seeing(self.database, organization_id, conversation_id)

    async def set(self, caller: MemberCaller, wanted: Visibility, expected: Condition) -> Visibility:
        """Show a channel to everyone, or to chosen teams and people; it holds for what was said before, too.

        Giving out rests meanwhile, so nobody is given what they no longer see. What they have already they give back.

        Raises:
            ViewersNotThere: a team or person that is none of this organization.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            viewing = ViewingRepository(tx)
            await viewing.hold_giving()
            teams = await viewing.teams_missing(wanted.team_ids)
            users = await viewing.users_missing(wanted.user_ids)
            expected.check((await viewing.find(wanted.channel_id, for_update=True)).version)
            if teams or users:
                raise ViewersNotThere(sorted(teams), sorted(users))
            version = await viewing.save(wanted)
            await GivingRepository(tx).nudge()
            await tell_seen(
                tx, [{"id": wanted.channel_id, "organization_id": tx.organization_id, "version": version}]
            )
            line = audited(
                "inbox.channel.shown",
                caller,
                "channel",
                wanted.channel_id,
                to=wanted.visible_to,
                teams=len(wanted.team_ids),
                users=len(wanted.user_ids),
            )
            await tx.emit(line)
            return await viewing.find(wanted.channel_id)
