from kit.errors import NotFound

HEARD_OF_WITHIN = 1
"""Seconds after which asking again makes sense: events usually arrive within milliseconds."""


class OrganizationNotHeardOf(NotFound):
    """Billing has not heard of this organization yet; a new one arrives within moments, so ask again."""

    code = "organization-not-heard-of"
