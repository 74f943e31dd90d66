"""The doors of compliance."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

ROUTERS: Final[Sequence[APIRouter]] = ()
