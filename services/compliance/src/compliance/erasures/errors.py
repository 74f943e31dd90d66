from kit.errors import Conflict, NotFound


class ErasureNotFound(NotFound):
    """There is no such erasure."""

    code = "erasure-not-found"


class ErasureUnderWay(Conflict):
    """This person is to be erased already; the request under way is named in `erasure_id`."""

    code = "erasure-under-way"


class ErasureBegunAlready(Conflict):
    """The erasure has begun and cannot be taken back."""

    code = "erasure-begun"
