from kit.errors import FieldError, Forbidden, Gone, Invalid, NotFound


class NoteNotFound(NotFound):
    """There is no such note in this organization."""

    code = "note-not-found"


class NoteNotYours(Forbidden):
    """Only who wrote a note can change or delete it."""

    code = "note-not-yours"


class NoteDeleted(Gone):
    """This note was deleted."""

    code = "note-deleted"


class MentionNotAMember(Invalid):
    """Only members who work in the inbox can be mentioned."""

    code = "mention-not-a-member"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/mention_ids", "Name owners, admins and agents of the organization.")])


class MentionedTeamNotThere(Invalid):
    """Only teams of the organization can be mentioned."""

    code = "mentioned-team-not-there"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/mention_team_ids", "Name teams of the organization.")])
