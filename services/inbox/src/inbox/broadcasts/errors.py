from kit.errors import Conflict, FieldError, Invalid, NotFound


class BroadcastNotFound(NotFound):
    """There is no such broadcast in this organization."""

    code = "broadcast-not-found"


class NotThatWay(Conflict):
    """A broadcast in this state cannot be changed like that."""

    code = "broadcast-not-that-way"

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(f"It is {state} and cannot be {wanted}.", state=str(state))


class NotPrepared(Conflict):
    """Its recipients are still being written down; ask again in some seconds."""

    code = "broadcast-not-prepared"


class NobodyToReach(Conflict):
    """The audience of this broadcast is empty."""

    code = "broadcast-without-audience"


class AudienceUnknown(Invalid):
    """The audience names what is not there."""

    code = "broadcast-audience-unknown"

    def __init__(self, pointer: str, told: str) -> None:
        super().__init__(errors=[FieldError(pointer, told)])


class MessageUnfit(Invalid):
    """What is to be sent does not fit the channel."""

    code = "broadcast-message-unfit"

    def __init__(self, pointer: str, told: str) -> None:
        super().__init__(errors=[FieldError(pointer, told)])
