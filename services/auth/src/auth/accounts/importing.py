"""People who come from another system, with the hashes that it made of their passwords."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Annotated, Final

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from auth.accounts.address import AddressInvalid, EmailAddress
from auth.accounts.model import Identity
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.challenges.model import Purpose
from auth.challenges.service import Challenges
from auth.passwords.hashing import is_bcrypt
from contracts.auth import UserRegistered, UserVerified
from kit.audit import Operator, audited
from kit.db.database import Database
from kit.ids import new_id

COSTLIEST_BCRYPT: Final = 14
COSTLIEST_ARGON2: Final = 1 << 20
"""KiB times passes: whoever imports a hash decides how long each sign-in computes, until it is renewed."""
_BCRYPT_LENGTH: Final = 60


def _usable(value: str) -> str:
    """A hash that we can verify, in a time that we can afford.

    Raises:
        ValueError: it is of another kind, or too costly.
    """
    if is_bcrypt(value):
        cost = value[4:6]
        if len(value) != _BCRYPT_LENGTH or not cost.isdigit() or not 4 <= int(cost) <= COSTLIEST_BCRYPT:
            raise ValueError(f"a hash of bcrypt has a cost of 4 to {COSTLIEST_BCRYPT}")
        return value
    try:
        found = extract_parameters(value)
    except InvalidHashError as error:
        raise ValueError("a hash of bcrypt or argon2 is needed") from error
    if found.memory_cost * found.time_cost > COSTLIEST_ARGON2:
        raise ValueError("this hash is too costly to verify")
    return value


class Imported(BaseModel):
    """One line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str = Field(max_length=320)
    hash: Annotated[str, Field(max_length=300), AfterValidator(_usable)]
    verified: bool
    locale: str = Field("en", pattern="^[a-z]{2}$")


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a line."""

    number: int
    outcome: str


@dataclass(frozen=True, slots=True)
class UserImport:
    """Opens accounts whose address another system has proven; whoever has not proven theirs is sent a link.

    The same file twice changes nothing the second time, so a run that broke off is run again.
    """

    database: Database
    addresses: Addresses
    challenges: Challenges

    async def run(self, lines: Iterable[str]) -> AsyncIterator[Told]:
        """What became of each line, by its number: opened, mailed, known, or what is wrong with it."""
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield Told(number, await self._outcome(line))

    async def _outcome(self, line: str) -> str:
        try:
            person = Imported.model_validate_json(line)
            handle = EmailAddress.parse(person.email)
        except ValidationError as wrong:
            return "refused: " + "; ".join(f"{each['loc'][-1:]} {each['msg']}" for each in wrong.errors())
        except AddressInvalid:
            return "refused: this cannot be an address"
        if await self._is_known(handle):
            return "known"
        if not person.verified:
            await self.challenges.ask(Purpose.SIGN_UP, handle, person.locale, person.hash)
            return "mailed"
        return "opened" if await self._open(handle, person) else "known"

    async def _is_known(self, handle: EmailAddress) -> bool:
        blind = await self.addresses.blind(handle)
        async with self.database.transaction() as tx:
            return await AccountRepository(tx).find(handle.kind, blind) is not None

    async def _open(self, handle: EmailAddress, person: Imported) -> bool:
        user_id, identity_id = new_id(), new_id()
        sealed = await self.addresses.seal_own(user_id, identity_id, handle)
        identity = Identity(identity_id, user_id, handle.kind, await self.addresses.blind(handle), sealed)
        async with self.database.transaction() as tx:
            if not await AccountRepository(tx).add(identity, person.hash, person.locale):
                return False
            await tx.emit(
                UserRegistered(user_id=user_id),
                UserVerified(user_id=user_id, version=2),
                audited("auth.user.imported", Operator(), "user", user_id),
            )
        return True
