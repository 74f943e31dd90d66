from kit.errors import NotFound


class LinkUnknown(NotFound):
    """This link leads nowhere any more."""

    code = "link-unknown"
