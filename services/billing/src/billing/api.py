"""The doors of billing."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from billing.entitlements.router import internal as plans
from billing.organizations.router import router as organizations

ROUTERS: Final[Sequence[APIRouter]] = (organizations, plans)
