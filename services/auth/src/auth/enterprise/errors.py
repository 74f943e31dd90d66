from kit.errors import Conflict, FieldError, Invalid, NotFound, TransientError


class IdentityProviderNotFound(NotFound):
    """There is no such identity provider in this organization."""

    code = "identity-provider-not-found"


class TooManyIdentityProviders(Conflict):
    """An organization has at most 10 identity providers."""

    code = "too-many-identity-providers"


class IssuerUnusable(Invalid):
    """This issuer cannot be used: it must answer over https with a discovery document of its own."""

    code = "issuer-unusable"

    def __init__(self, reason: str) -> None:
        super().__init__(errors=[FieldError("#/issuer", self.title())], reason=reason)


class DomainInvalid(Invalid):
    """This is not a domain that mail can have."""

    code = "domain-invalid"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/domain", self.title())])


class DomainNotFound(NotFound):
    """There is no such domain of this identity provider."""

    code = "domain-not-found"


class DomainNamedAlready(Conflict):
    """This domain stands with this identity provider already."""

    code = "domain-named-already"


class TooManyDomains(Conflict):
    """An identity provider has at most 50 domains."""

    code = "too-many-domains"


class DomainNotProven(Conflict):
    """The DNS does not hold the text that proves that this domain is yours; changes may take an hour to be seen."""

    code = "domain-not-proven"


class DomainTaken(Conflict):
    """Another provider or organization has proven this domain."""

    code = "domain-taken"


class ResolverUnreachable(TransientError):
    """The DNS cannot be asked at this moment."""

    code = "resolver-unreachable"
