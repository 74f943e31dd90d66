from kit.errors import Forbidden, Invalid, NotFound, TooManyRequests, Unauthenticated


class VisitorUnknown(Unauthenticated):
    """This visitor is not known any more; begin a new visit."""

    code = "visitor-unknown"


class ProofRefused(Forbidden):
    """The proof does not fit the user's id; make it with the present secret of this channel."""

    code = "proof-refused"


class ProofNeeded(Forbidden):
    """Only visitors whom the page has proven may write here."""

    code = "proof-needed"


class TooFast(TooManyRequests):
    """So many messages at once are not taken; wait a moment."""

    code = "visitor-too-fast"


class FileRefused(Invalid):
    """This file is not taken here."""

    code = "file-refused"


class FileNotThere(NotFound):
    """There is no such file in this visitor's conversation."""

    code = "file-not-there"
