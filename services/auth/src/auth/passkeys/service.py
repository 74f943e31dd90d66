import secrets
from dataclasses import dataclass, field, replace
from uuid import UUID

from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.factors.errors import FactorNotFound, TooManyFactors, WrongFactor
from auth.factors.model import Factor
from auth.factors.sealing import FactorSeals
from auth.factors.service import added, begin_change, removed
from auth.passkeys.ceremony import CeremonyFailed, Credential, RelyingParty, answer_of, new_challenge
from auth.passkeys.errors import PasskeyKnown, PasskeyRefused
from auth.passkeys.model import (
    CHALLENGE_LIFE,
    HANDLE_BYTES,
    MOST_PASSKEYS,
    Challenge,
    NewPasskey,
    Options,
    Purpose,
)
from auth.passkeys.proving import PasskeyProofs, ShownPasskey
from auth.passkeys.repository import ChallengeRepository, PasskeyRepository
from auth.sign_ins.model import Outcome, Proof, Wish
from auth.sign_ins.service import Entrance
from kit.audit import audited
from kit.db.database import Database
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded


@dataclass(frozen=True, slots=True)
class PasskeyService:
    """Adding, naming and removing passkeys, and signing in with nothing else."""

    database: Database
    party: RelyingParty
    proofs: PasskeyProofs
    entrance: Entrance
    seals: FactorSeals
    addresses: Addresses
    mailer: Mailer
    codes_key: bytes = field(repr=False)

    async def begin(self, caller: Caller) -> Options:
        """What a browser needs to make a passkey; not on an authenticator that holds one of this person's."""
        value = new_challenge()
        async with self.database.transaction() as tx:
            await begin_change(tx, caller)
            passkeys = PasskeyRepository(tx)
            if await passkeys.count(caller.user_id) >= MOST_PASSKEYS:
                raise TooManyFactors
            handle = await passkeys.handle_of(caller.user_id, secrets.token_bytes(HANDLE_BYTES))
            known = await passkeys.described(caller.user_id)
            profile = await AccountRepository(tx).profile(caller.user_id)
            await ChallengeRepository(tx).add(value, _registration(caller), CHALLENGE_LIFE)
        if handle is None:
            raise Unauthenticated
        there = [] if profile is None else profile.places
        opened = [each for each in await self.addresses.open(there) if each is not None]
        return Options(self.party.creation(handle, next(iter(opened), self.party.name), value, known))

    async def add(
        self, name: str, credential: Credential, caller: Caller, *, end_others: bool
    ) -> tuple[Factor, list[str]]:
        """Add a passkey made in answer to a challenge of this session; with the first factor come recovery codes."""
        made = await self._made(credential, caller)
        passkey_id = new_id()
        try:
            named = await self.seals.seal_name(caller.user_id, passkey_id, name)
        except KeyShredded as forgotten:
            raise Unauthenticated from forgotten
        async with self.database.transaction() as tx:
            await begin_change(tx, caller)
            passkeys = PasskeyRepository(tx)
            if await passkeys.count(caller.user_id) >= MOST_PASSKEYS:
                raise TooManyFactors
            if not await passkeys.add(passkey_id, caller.user_id, made, named):
                raise PasskeyKnown
            held = await passkeys.lock(passkey_id, caller.user_id)
            codes = await added(
                tx, caller, passkey_id, Proof.PASSKEY, self.mailer, self.codes_key, end_others=end_others
            )
        if held is None:
            raise FactorNotFound
        return replace(held, name=name), codes

    async def rename(self, passkey_id: UUID, name: str, caller: Caller, expected: Condition) -> Factor:
        """Give a passkey another name."""
        try:
            named = await self.seals.seal_name(caller.user_id, passkey_id, name)
        except KeyShredded as forgotten:
            raise Unauthenticated from forgotten
        async with self.database.transaction() as tx:
            passkeys = PasskeyRepository(tx)
            held = await passkeys.lock(passkey_id, caller.user_id)
            if held is None or held.version is None:
                raise FactorNotFound
            expected.check(held.version)
            await passkeys.rename(passkey_id, named)
            await tx.emit(audited("auth.factor.renamed", caller, "factor", passkey_id))
        return replace(held, name=name, version=held.version + 1)

    async def remove(self, passkey_id: UUID, caller: Caller, *, end_others: bool) -> None:
        """Take a passkey out of use."""
        async with self.database.transaction() as tx:
            await begin_change(tx, caller)
            if not await PasskeyRepository(tx).delete(passkey_id, caller.user_id):
                raise FactorNotFound
            await removed(tx, caller, passkey_id, Proof.PASSKEY, self.mailer, end_others=end_others)

    async def ask(self) -> Options:
        """A challenge for whoever wants to sign in; it says nothing of anybody."""
        return await self.proofs.ask(Challenge(Purpose.SIGN_IN))

    async def sign_in(self, assertion: Credential, wish: Wish) -> Outcome:
        """Begin a session with a passkey and nothing else: it is two factors, for it has verified its user.

        Raises:
            WrongFactor: nobody has such a passkey, or what it answered is not right.
        """
        right = await self.proofs.weigh(ShownPasskey(assertion), Challenge(Purpose.SIGN_IN))
        if right is not None:
            async with self.database.transaction() as tx:
                if await right.use(tx):
                    return await self.entrance.admit(tx, right.user_id, {Proof.PASSKEY}, wish)
        raise WrongFactor

    async def _made(self, credential: Credential, caller: Caller) -> NewPasskey:
        try:
            value, _ = answer_of(credential)
            async with self.database.transaction() as tx:
                asked = await ChallengeRepository(tx).take(value, _registration(caller))
            if not asked:
                raise PasskeyRefused
            return self.party.registered(credential, value)
        except CeremonyFailed as error:
            raise PasskeyRefused from error


def _registration(caller: Caller) -> Challenge:
    return Challenge(Purpose.REGISTRATION, caller.user_id, caller.session_id)
