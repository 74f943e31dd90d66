"""A passkey that somebody shows: asked for by a challenge, weighed outside of any transaction, used in one."""

from dataclasses import dataclass, field
from uuid import UUID

from auth.mails.notices import Notice, notify
from auth.passkeys.ceremony import CeremonyFailed, Credential, RelyingParty, answer_of, new_challenge
from auth.passkeys.model import CHALLENGE_LIFE, Asserted, Challenge, Options, Purpose, regressed
from auth.passkeys.repository import ChallengeRepository, PasskeyRepository
from auth.sign_ins.model import Proof
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction
from kit.mail import Mailer


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """What a browser answered."""

    assertion: Credential = field(repr=False)
    proof: Proof = Proof.PASSKEY


@dataclass(frozen=True, slots=True)
class RightPasskey:
    """A passkey whose signature was right."""

    id: UUID
    user_id: UUID
    asserted: Asserted
    mailer: Mailer
    proof: Proof = Proof.PASSKEY

    async def use(self, tx: Transaction) -> bool:
        """Note its use; False when it was removed meanwhile. Its owner hears of a count that went back."""
        seen = await PasskeyRepository(tx).use(self.id, self.asserted)
        if seen is None:
            return False
        if regressed(seen, self.asserted.sign_count):
            await tx.emit(audited("auth.passkey.count_regressed", SYSTEM, "factor", self.id))
            await notify(tx, self.mailer, self.user_id, Notice.PASSKEY_COPIED)
        return True


@dataclass(frozen=True, slots=True)
class PasskeyProofs:
    """Asks for passkeys and weighs what is answered."""

    database: Database
    party: RelyingParty
    mailer: Mailer

    async def ask(self, challenge: Challenge) -> Options:
        """A new challenge; to somebody who is known it names their passkeys."""
        value = new_challenge()
        async with self.database.transaction() as tx:
            known = [] if challenge.user_id is None else await PasskeyRepository(tx).described(challenge.user_id)
            await ChallengeRepository(tx).add(value, challenge, CHALLENGE_LIFE)
        return Options(self.party.request(value, known))

    async def weigh(self, shown: ShownPasskey, challenge: Challenge) -> RightPasskey | None:
        """The passkey, if the answer is right; its challenge is used up either way.

        Whether nobody has such a passkey, it is another's, or the signature is wrong: the answer is the same, after
        the same work.
        """
        try:
            value, credential_id = answer_of(shown.assertion)
            async with self.database.transaction() as tx:
                asked = await ChallengeRepository(tx).take(value, challenge)
                passkey = await PasskeyRepository(tx).find(credential_id)
            if passkey is not None and challenge.user_id not in {None, passkey.user_id}:
                passkey = None
            alone = challenge.purpose is Purpose.SIGN_IN
            asserted = self.party.asserted(shown.assertion, value, passkey, alone=alone)
        except CeremonyFailed:
            return None
        if not asked or passkey is None:
            return None
        return RightPasskey(passkey.id, passkey.user_id, asserted, self.mailer)
