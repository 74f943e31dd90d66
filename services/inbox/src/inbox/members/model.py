from typing import Final

ANSWERING: Final = ("owner", "admin", "agent")
"""Roles whose members work on conversations; any other, also one we do not know yet, does not."""
