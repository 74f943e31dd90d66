from kit.errors import Conflict


class RunIdTaken(Conflict):
    """This id belongs to another run; draw a new one."""

    code = "run-id-taken"
