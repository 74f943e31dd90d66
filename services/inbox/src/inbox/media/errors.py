from kit.errors import Conflict, Forbidden, Gone, NotFound


class MediaNotFound(NotFound):
    """There is no such medium in this organization."""

    code = "media-not-found"


class MediaNotReady(Conflict):
    """This medium is still being fetched."""

    code = "media-not-ready"


class MediaLost(Gone):
    """This medium could not be fetched and never will be."""

    code = "media-lost"


class AddressExpired(Forbidden):
    """This address does not lead to the file any more; ask for another one."""

    code = "address-expired"
