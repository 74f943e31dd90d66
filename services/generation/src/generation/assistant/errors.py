from kit.errors import Conflict, Forbidden, Gone, Invalid, NotFound


class ConversationNotFound(NotFound):
    """You have no such conversation with the assistant."""

    code = "conversation-not-found"


class TurnNotFound(NotFound):
    """Nothing of the kind was said in this conversation."""

    code = "turn-not-found"


class ActionNotFound(NotFound):
    """Nothing of the kind was put before you."""

    code = "action-not-found"


class OnlyForPeople(Forbidden):
    """The assistant talks with people; a key or a program acts by itself."""

    code = "only-for-people"


class PersonaUnknown(Invalid):
    """There is no such persona; GET /v1/assistant/personas lists them."""

    code = "persona-unknown"


class PictureUnreadable(Invalid):
    """A picture must be PNG, JPEG, WebP or GIF in base64, as its media type says."""

    code = "picture-unreadable"


class StillAnswering(Conflict):
    """The assistant still answers what was said before; wait until it has."""

    code = "still-answering"


class ConversationFull(Conflict):
    """Nothing more can be said in this conversation; begin another."""

    code = "conversation-full"


class DecidedAlready(Conflict):
    """This was decided before, and stays so."""

    code = "decided-already"


class BeingDone(Conflict):
    """This is being done just now; look again in a minute."""

    code = "being-done"


class ActionExpired(Gone):
    """This was put before you too long ago; ask the assistant again."""

    code = "action-expired"
