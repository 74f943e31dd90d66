from dataclasses import dataclass

from auth.accounts.handle import Handles
from auth.challenges.errors import LinkExpired
from auth.challenges.model import Purpose
from auth.challenges.repository import ChallengeRepository
from auth.challenges.service import Challenges, read
from auth.sign_ins.model import Outcome, Proof, Wish
from auth.sign_ins.service import Entrance
from kit.db.database import Database


@dataclass(frozen=True, slots=True)
class MagicLinkService:
    """Signing in by a link in a mail: one factor, so who has a second one still owes it."""

    database: Database
    handles: Handles
    challenges: Challenges
    entrance: Entrance

    async def ask(self, email: str, locale: str) -> str:
        """Send a link to whoever has an account under this address; the same is done for all others."""
        return await self.challenges.ask(Purpose.MAGIC_LINK, self.handles.known(email, None), locale)

    async def redeem(self, token: str, request_token: str, wish: Wish) -> Outcome:
        """Sign in with the link of a mail, in the browser that asked for it: a link alone opens nothing.

        So a link that somebody is talked into following, or that is read on its way, is of no use elsewhere.

        Raises:
            LinkExpired: it was used, is too old, belongs to another request, or sessions were ended since.
        """
        challenge = await self.challenges.find(token, Purpose.MAGIC_LINK)
        if not challenge.known or read(self.challenges.mints.request, request_token) != challenge.id:
            raise LinkExpired
        async with self.database.transaction() as tx:
            if await ChallengeRepository(tx).use(challenge.id) is None:
                raise LinkExpired
            return await self.entrance.admit(tx, challenge.user_id, {Proof.MAIL}, wish)
