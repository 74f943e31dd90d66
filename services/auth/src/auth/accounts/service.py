from dataclasses import dataclass, replace
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.accounts.errors import LinkOfAnother, LinkUsed
from auth.accounts.handle import Handles
from auth.accounts.model import Identity, Profile
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.challenges.errors import LinkExpired, TextCodeOver
from auth.challenges.model import Challenge, Purpose
from auth.challenges.repository import ChallengeRepository
from auth.challenges.service import Challenges
from auth.passwords.approving import Approval
from auth.passwords.hashing import Passwords
from contracts.auth import UserRegistered, UserVerified
from kit.audit import User, audited
from kit.db.database import Database
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.seal import KeyShredded


@dataclass(frozen=True, slots=True)
class AccountService:
    """Opening accounts: one comes into being when its address is proven, with the password of that very sign-up."""

    database: Database
    addresses: Addresses
    handles: Handles
    passwords: Passwords
    approval: Approval
    challenges: Challenges

    async def sign_up(self, email: str | None, phone: str | None, password: str, locale: str) -> str:
        """Send a link or code to an address; returns by which token the one who asks is known."""
        handle = self.handles.new(email, phone)
        hashed = await self.approval.hashed(password, [handle.value])
        return await self.challenges.ask(Purpose.SIGN_UP, handle, locale, hashed)

    async def resend(self, email: str, locale: str) -> None:
        """Send another link with the password of the newest sign-up, if there was one; earlier links stay good."""
        await self.challenges.ask(Purpose.SIGN_UP, self.handles.known(email, None), locale, again=True)

    async def resend_text(self, request_token: str) -> None:
        """Send the same code once more, whatever it is for; the same is done for numbers that nobody has.

        Raises:
            TextCodeOver: there is none that is still good.
            TooManyTexts: it was sent just now, or too many were.
        """
        await self.challenges.repeat(request_token)

    async def verify(self, token: str, password: str) -> UUID:
        """Take the link of a mail together with the password of the sign-up it belongs to: an account is opened.

        The mailbox alone does not open an account, since strangers may sign up with somebody's address and choose a
        password; nor does the password alone. Who follows a stranger's link is told that it is not theirs.
        """
        challenge = await self.challenges.seen(token, Purpose.SIGN_UP)
        if challenge.used:
            raise LinkUsed
        if challenge.expired or not challenge.password_hash:
            raise LinkExpired
        if not await self.passwords.match(password, challenge.password_hash):
            raise LinkOfAnother
        if not await self._open(challenge):
            raise LinkUsed
        return challenge.user_id

    async def verify_phone(self, request_token: str, code: str) -> UUID:
        """Take the code of a text message, from whoever signed up: an account is opened."""
        challenge = await self.challenges.solved(request_token, code, Purpose.SIGN_UP)
        if not challenge.password_hash or not await self._open(challenge):
            raise TextCodeOver
        return challenge.user_id

    async def me(self, caller: Caller) -> Profile:
        """The caller's own account; who is being forgotten has no address any more."""
        async with self.database.transaction() as tx:
            profile = await AccountRepository(tx).profile(caller.user_id)
        if profile is None:
            raise Unauthenticated
        there = profile.places
        opened = dict(zip((each.row_id for each in there), await self.addresses.open(there), strict=True))
        return replace(
            profile,
            email=None if profile.address is None else opened[profile.address.row_id],
            phone=None if profile.number is None else opened[profile.number.row_id],
        )

    async def _open(self, challenge: Challenge) -> bool:
        """Open the account of a challenge that was met; False when it was used, or somebody has the address now.

        Of any number of them for one address one wins, by the uniqueness of the address; the others are void.
        """
        claimed = SealedAddress(challenge.id, challenge.sealed or b"")
        try:
            sealed = await self.addresses.seal_proven(challenge.user_id, challenge.identity_id, claimed)
        except KeyShredded:  # opened before, and forgotten since
            return False
        identity = Identity(challenge.identity_id, challenge.user_id, challenge.kind, challenge.blind, sealed)
        async with self.database.transaction() as tx:
            challenges = ChallengeRepository(tx)
            await challenges.lock_address(challenge.blind)
            if challenge.known or await challenges.use(challenge.id) is None:
                return False
            if not await AccountRepository(tx).add(identity, challenge.password_hash, challenge.locale):
                return False
            await challenges.void(challenge.blind, Purpose.SIGN_UP)
            user_id = challenge.user_id
            await tx.emit(
                UserRegistered(user_id=user_id),
                audited("auth.user.registered", User(user_id), "user", user_id),
                UserVerified(user_id=user_id, version=2),
                audited("auth.user.verified", User(user_id), "user", user_id, by=challenge.kind),
            )
        return True
