"""What may be wrong with a wish about an effect."""

from kit.errors import Conflict, NotFound, TransientError


class EffectNotFound(NotFound):
    """There is no such effect."""

    code = "effect-not-found"


class EffectMovedOn(Conflict):
    """The effect is in a state that does not allow this."""

    code = "effect-moved-on"


class LaneNotFree(TransientError):
    """Nothing can leave on this lane just now."""

    code = "lane-not-free"


class UnderWay(TransientError):
    """The effect is being called just now."""

    code = "effect-under-way"
