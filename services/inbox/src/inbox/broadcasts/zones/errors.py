from kit.errors import FieldError, Invalid


class AttributeUnfit(Invalid):
    """Time zones can stand in an attribute of contacts of type text or list that is not personal."""

    code = "zone-attribute-unfit"

    def __init__(self) -> None:
        detail = "There is no such attribute of contacts, or it is personal, or it holds no text."
        super().__init__(errors=[FieldError("#/zone_attribute_id", detail)])
