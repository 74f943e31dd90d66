from kit.errors import Conflict, FieldError, Invalid, NotFound


class LabelNotFound(NotFound):
    """There is no such label in this organization."""

    code = "label-not-found"


class LabelTaken(Conflict):
    """There is a label of this name, written the same or with other capitals."""

    code = "label-taken"


class TooManyLabels(Conflict):
    """The organization has as many labels as it can have; delete one first."""

    code = "too-many-labels"


class TooManyOnOne(Conflict):
    """One of these has as many labels as it can carry; take one off first."""

    code = "too-many-labels-on-one"


class NothingToLabel(Invalid):
    """Name conversations or contacts, and labels to put on or take off."""

    code = "nothing-to-label"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/conversation_ids", "Name at least one, here or in contact_ids.")])


class UnknownLabels(Invalid):
    """Some of these labels are not there."""

    code = "unknown-labels"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/add", "Name labels of GET /v1/labels, here and in remove.")])
