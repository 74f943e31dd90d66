from typing import Final

from contracts.permissions import PERMISSIONS

ANSWERING: Final = tuple(sorted(PERMISSIONS["conversations.reply"].roles))
"""Roles whose members work on conversations; any other, also one we do not know yet, does not."""
