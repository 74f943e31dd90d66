"""What is asked of an identity provider, and what it says: values, whichever provider it is."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class Asked:
    """With what a browser is sent to a provider."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    challenge: str
    redirect_uri: str
    login_hint: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser has brought back, with what only we know of the way it took."""

    code: str = field(repr=False)
    iss: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    redirect_uri: str
    age: timedelta
    """How long ago the browser was sent: an id_token older than that was not made for it."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """Who somebody is, by the word of a provider; `verified` is None where it does not say."""

    subject: str = field(repr=False)
    address: str | None = field(default=None, repr=False)
    verified: bool | None = None


class Provider(Protocol):
    """One that vouches for people."""

    @property
    def realm(self) -> str:
        """The namespace of its subjects: no two providers share one, so none can name another's people."""

    async def authorization_url(self, asked: Asked) -> str:
        """Where the browser goes.

        Raises:
            ProviderUnreachable: it cannot be asked where that is.
        """

    async def identify(self, returned: Returned) -> Assertion:
        """Exchange the code and check all that comes; nothing is believed before.

        Raises:
            ProviderRefused: the provider says no, or what it says does not hold.
            ProviderUnreachable: it did not answer; the code may be used up.
        """
