from kit.errors import FieldError, Invalid


class NothingToFind(Invalid):
    """There is no word here to search for."""

    code = "nothing-to-find"

    def __init__(self) -> None:
        told = "Write a word of at least two letters, or for contacts four digits."
        super().__init__(errors=[FieldError("#/text", told)])
