from kit.errors import Conflict, Invalid


class NothingToHandOver(Conflict):
    """This generation has no texts that may be used: it runs, failed, or waits for a person's decision."""

    code = "nothing-to-hand-over"


class NoSuchText(Invalid):
    """This generation has no text in this language and variation."""

    code = "no-such-text"
