from kit.errors import Invalid


class VariableMalformed(Invalid):
    """A variable in this text cannot be read."""

    code = "variable-malformed"


class VariableUnknown(Invalid):
    """This text has a variable that there is not."""

    code = "variable-unknown"


class VariableEmpty(Invalid):
    """Nothing is known for a variable of this text, and it says nothing to write instead."""

    code = "variable-empty"
