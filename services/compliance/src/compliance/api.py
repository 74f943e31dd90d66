"""The doors of compliance."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from compliance.keys.router import router as keys

ROUTERS: Final[Sequence[APIRouter]] = (keys,)
