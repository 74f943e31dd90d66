"""The kinds of tokens there are; one row each, so that no two share a key."""

from dataclasses import dataclass

from auth.tokens.model import TokenMint
from kit.seal import Sealer


@dataclass(frozen=True, slots=True)
class FederationMints:
    """Of a way to a provider and back: what goes there, what the browser keeps, what it is brought back with."""

    state: TokenMint
    request: TokenMint
    completion: TokenMint

    @classmethod
    def under(cls, sealer: Sealer) -> "FederationMints":
        """A key for each."""
        return cls(
            state=TokenMint(sealer, "federation-state"),
            request=TokenMint(sealer, "federation-request"),
            completion=TokenMint(sealer, "federation-completion"),
        )


@dataclass(frozen=True, slots=True)
class Mints:
    """One mint per purpose: `challenge` is in a link, `request` is what whoever asked for it keeps."""

    refresh: TokenMint
    challenge: TokenMint
    request: TokenMint
    invitation: TokenMint
    sign_in: TokenMint
    federation: FederationMints
    device: TokenMint
    unlock: TokenMint
    factor_recovery: TokenMint
    oauth_request: TokenMint
    oauth_code: TokenMint
    oauth_refresh: TokenMint
    staff_enrolment: TokenMint
    staff_refresh: TokenMint

    @classmethod
    def under(cls, sealer: Sealer) -> "Mints":
        """All mints, with keys derived from one master key."""
        return cls(
            refresh=TokenMint(sealer, "refresh"),
            challenge=TokenMint(sealer, "challenge"),
            request=TokenMint(sealer, "request"),
            invitation=TokenMint(sealer, "invitation", ids=2),
            sign_in=TokenMint(sealer, "sign-in"),
            federation=FederationMints.under(sealer),
            device=TokenMint(sealer, "device"),
            unlock=TokenMint(sealer, "unlock"),
            factor_recovery=TokenMint(sealer, "factor-recovery"),
            oauth_request=TokenMint(sealer, "oauth-request"),
            oauth_code=TokenMint(sealer, "oauth-code"),
            oauth_refresh=TokenMint(sealer, "oauth-refresh"),
            staff_enrolment=TokenMint(sealer, "staff-enrolment"),
            staff_refresh=TokenMint(sealer, "staff-refresh"),
        )
