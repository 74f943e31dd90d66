from kit.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Unauthenticated


class ProviderSwitchedOff(NotFound):
    """This platform does not offer to sign in with this provider."""

    code = "provider-switched-off"


class NoProviderForAddress(NotFound):
    """No organization lets people with such an address sign in through it; sign in in another way."""

    code = "no-provider-for-address"


class RedirectNotAllowed(Invalid):
    """The browser may be sent back to the addresses of this platform's own applications only."""

    code = "redirect-not-allowed"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/redirect", self.title())])


class FederationOver(Unauthenticated):
    """This sign-in has ended, was used already, or was begun in another browser; begin anew."""

    code = "federation-over"


class AddressNotVerifiedThere(Forbidden):
    """The provider has not verified an address of yours; sign in in another way and link it in your settings."""

    code = "address-not-verified-there"


class ProviderOfAnotherDomain(Forbidden):
    """Your organization's provider named an address outside the domains that the organization has proven."""

    code = "provider-of-another-domain"


class NotAMember(Forbidden):
    """You are not a member of this organization; ask for an invitation."""

    code = "not-a-member"


class SignInThroughProvider(Forbidden):
    """This organization asks you to sign in through its own identity provider."""

    code = "sign-in-through-provider"


class IdentityTaken(Conflict):
    """This account of the provider is linked to another account here."""

    code = "identity-taken"


class TooManyIdentities(Conflict):
    """No more than 20 accounts of providers can be linked."""

    code = "too-many-identities"


class IdentityNotFound(NotFound):
    """There is no such linked account of yours."""

    code = "identity-not-found"


class LastWayIn(Conflict):
    """This is the only way you can sign in; set a password or add a passkey first."""

    code = "last-way-in"
