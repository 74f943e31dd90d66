from collections.abc import Collection

from kit.errors import Conflict, FieldError, Gone, Invalid, NotFound


class MessageNotFound(NotFound):
    """There is no such message in this conversation."""

    code = "message-not-found"


class WindowClosed(Conflict):
    """The contact has not written for too long to be written to freely; see what may be sent, or let it wait."""

    code = "window-closed"


class KindNotOffered(Invalid):
    """This channel does not take this kind of message."""

    code = "kind-not-offered"

    def __init__(self, kind: str, sends: Collection[str], pointer: str = "#/type") -> None:
        offered = ", ".join(sorted(sends))
        super().__init__(errors=[FieldError(pointer, f"This channel does not take {kind}; it takes {offered}.")])


class CaptionNotOffered(Invalid):
    """This channel shows no words beside a medium."""

    code = "caption-not-offered"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/media/caption", "Send the words as a message of their own.")])


class TextTooLong(Invalid):
    """This channel does not take so long a text."""

    code = "text-too-long"

    def __init__(self, longest: int) -> None:
        super().__init__(errors=[FieldError("#/text", f"This channel takes at most {longest} characters.")])


class OptedOut(Conflict):
    """The contact does not want messages on this channel; they must write START first."""

    code = "contact-opted-out"


class NotHeld(Conflict):
    """This message does not wait any more and cannot be taken back."""

    code = "message-not-held"


class NothingToRetry(Conflict):
    """No part of this message has failed, or some are still on their way."""

    code = "nothing-to-retry"


class MessageIdTaken(Conflict):
    """This message id was used for another message."""

    code = "message-id-taken"


class ContactForgotten(Gone):
    """This contact was forgotten and cannot be written to."""

    code = "contact-forgotten"


class ChannelGone(Conflict):
    """The channel of this conversation was disconnected."""

    code = "channel-disconnected"


class ChannelSilent(Conflict):
    """Nothing can be answered through this contact form; give it an address to which answers may come."""

    code = "channel-does-not-answer"


class TwoPlaces(Invalid):
    """Give either a cursor or a message to begin at, not both."""

    code = "two-places"
