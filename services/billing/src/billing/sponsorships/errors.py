from kit.errors import Conflict, NotFound


class SponsorshipNotFound(NotFound):
    """There is no such sponsorship."""

    code = "sponsorship-not-found"


class NotItsAgency(Conflict):
    """Your organization does not act for this client; ask for a delegation first."""

    code = "not-its-agency"


class PlanSponsorsNobody(Conflict):
    """The plan that your organization pays for does not pay for clients."""

    code = "plan-sponsors-nobody"


class TooManyClients(Conflict):
    """Your organization pays for as many clients as its plan allows."""

    code = "too-many-clients"


class SponsoredAlready(Conflict):
    """Somebody pays for this organization already."""

    code = "sponsored-already"


class SponsorshipOver(Conflict):
    """This sponsorship has ended."""

    code = "sponsorship-over"
