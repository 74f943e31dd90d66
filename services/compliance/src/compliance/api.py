"""The doors of compliance."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from compliance.erasures.router import router as erasures
from compliance.exports.router import internal as pieces
from compliance.exports.router import router as exports

ROUTERS: Final[Sequence[APIRouter]] = (exports, erasures, pieces)
