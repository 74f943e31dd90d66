from kit.errors import Conflict, Forbidden, NotFound


class SiteNotFound(NotFound):
    """There is no such channel; look at the key in the page."""

    code = "site-channel-not-found"


class OriginNotAllowed(Forbidden):
    """Pages of this origin may not use this channel; add the origin to those that are allowed."""

    code = "origin-not-allowed"


class NoSecretHere(Conflict):
    """A contact form has no secret: nobody is proven by it."""

    code = "no-secret-here"
