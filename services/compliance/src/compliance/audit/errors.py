from kit.errors import Invalid, NotFound, TransientError


class EntryNotFound(NotFound):
    """There is no such entry in the audit trail; a new one is in it within a second or two."""

    code = "audit-entry-not-found"


class CheckpointNotFound(NotFound):
    """The log never had a signed checkpoint of this size."""

    code = "audit-checkpoint-not-found"


class SizeNotReached(Invalid):
    """The log is not that large, or the sizes are in the wrong order."""

    code = "audit-size-not-reached"


class SequenceNotReached(Invalid):
    """The organization has no entry with this sequence number."""

    code = "audit-sequence-not-reached"


class LogNotReady(TransientError):
    """The log has no key or no checkpoint yet."""


class LogBroken(Exception):
    """The tree is not the one that was signed: somebody touched the database, and nothing more is signed."""
