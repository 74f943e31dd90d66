from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from auth.passwords.breached import BreachedPasswords
from auth.passwords.common import KnownPasswords, NotAList
from auth.passwords.errors import PasswordRefused
from auth.passwords.hashing import Passwords
from auth.passwords.policy import Objection, PasswordPolicy
from kit.http.client import Outbound


@dataclass(frozen=True, slots=True)
class Approval:
    """Says whether a password may be chosen; the same is done for everybody."""

    passwords: Passwords
    policy: PasswordPolicy
    breached: BreachedPasswords | None = None
    strict: Callable[[], bool] = field(default=lambda: False)
    """Whether staff has said that the strict policy holds, whatever is configured."""

    async def hashed(self, password: str, context: Sequence[str] = (), *, second_factor: bool = False) -> str:
        """The hash of a good password. With no transaction open.

        Raises:
            PasswordRefused: with what is wrong and what would be better.
            TooManyPasswords: the queue is full.
        """
        policy = replace(self.policy, name="strict") if self.strict() else self.policy
        _refuse(policy.length_objection(password, second_factor=second_factor))
        if self.breached is not None and await self.breached.holds(password):
            raise PasswordRefused("This password has leaked elsewhere.", ["Choose one that you use nowhere else."])

        def judge(typed: str) -> None:
            _refuse(policy.objection(typed, context, second_factor=second_factor))

        return await self.passwords.hashed(password, judge)

    async def needs_factor(self, password: str, context: Sequence[str] = ()) -> bool:
        """Whether a password that passed is good only because of a second factor. With no transaction open."""
        policy = replace(self.policy, name="strict") if self.strict() else self.policy
        if policy.length_objection(password) is not None:
            return True
        return await self.passwords.compute(policy.objection, password, context) is not None


def _refuse(objection: Objection | None) -> None:
    if objection is not None:
        raise PasswordRefused(objection.warning, objection.suggestions)


class Wanted(Protocol):
    """What is asked of passwords, as the settings say."""

    @property
    def password_policy(self) -> Literal["default", "strict"]:
        """How long they have to be."""

    @property
    def breached_passwords(self) -> Path | None:
        """A file of leaked ones."""

    @property
    def breached_url(self) -> str | None:
        """A service that knows leaked ones."""


def approval_of(passwords: Passwords, outbound: Outbound, wanted: Wanted, strict: Callable[[], bool]) -> Approval:
    """What is asked of passwords; a list that cannot be used is noticed before anybody signs up."""
    more = [] if wanted.breached_passwords is None else [wanted.breached_passwords]
    try:
        known = KnownPasswords.shipped(*more)
    except (NotAList, OSError) as error:
        raise SystemExit(f"AUTH_BREACHED_PASSWORDS: {error}") from error
    breached = None if wanted.breached_url is None else BreachedPasswords(outbound, wanted.breached_url)
    return Approval(passwords, PasswordPolicy(wanted.password_policy, known=known), breached, strict)
