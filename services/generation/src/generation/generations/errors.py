from kit.errors import Conflict, Invalid, NotFound


class GenerationNotFound(NotFound):
    """There is no such generation."""

    code = "generation-not-found"


class TooManyTexts(Invalid):
    """At most 40 texts are made at once: platforms times languages times variations."""

    code = "too-many-texts"


class GenerationRunning(Conflict):
    """This generation is under way; wait until it has ended."""

    code = "generation-running"
