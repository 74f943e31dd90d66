from kit.errors import Conflict, Invalid, NotFound


class VoiceNotFound(NotFound):
    """There is no such voice, or no such version of it."""

    code = "voice-not-found"


class VoiceNotReady(Conflict):
    """This voice has learned nothing yet; wait, or see why its version failed."""

    code = "voice-not-ready"


class VoiceLearning(Conflict):
    """A version of this voice is being learned; wait until it has ended."""

    code = "voice-learning"


class TooManyVoices(Conflict):
    """An organization has at most 50 voices."""

    code = "too-many-voices"


class TooManySamples(Invalid):
    """A version is learned from at most 200 samples."""

    code = "too-many-samples"


class PageNotFetchable(Invalid):
    """This is not the address of a page on the public internet; only https is fetched."""

    code = "page-not-fetchable"
