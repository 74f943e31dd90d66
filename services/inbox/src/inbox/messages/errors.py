from kit.errors import Conflict, Gone, Invalid, NotFound


class MessageNotFound(NotFound):
    """There is no such message in this conversation."""

    code = "message-not-found"


class WindowClosed(Conflict):
    """More than 24 hours have passed since the contact last wrote; only a template may be sent now."""

    code = "window-closed"


class MessageIdTaken(Conflict):
    """This message id was used for another message."""

    code = "message-id-taken"


class ContactForgotten(Gone):
    """This contact was forgotten and cannot be written to."""

    code = "contact-forgotten"


class ChannelGone(Conflict):
    """The channel of this conversation was disconnected."""

    code = "channel-disconnected"


class TwoPlaces(Invalid):
    """Give either a cursor or a message to begin at, not both."""

    code = "two-places"
