"""Addresses at which posts are live."""

import re
from typing import Final

from kit.ledger.model import Receipt

_URN: Final = re.compile(r"urn:li:(?:share|ugcPost|activity):[0-9]{1,25}", re.ASCII)


def receipt_of(url: str | None) -> Receipt:
    """What a person's word for a live post proves: the platform's id of it, if the address holds one."""
    found = _URN.search((url or "").replace("%3A", ":"))
    return Receipt(found.group() if found else None, said="a person has seen it")
