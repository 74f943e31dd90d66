from kit.errors import FieldError, Invalid


class OperationNeedsReason(Invalid):
    """Say why the users are suspended."""

    code = "reason-needed"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/reason", self.title())])
