"""The doors of compliance."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from compliance.audit.router import internal as platform_audit
from compliance.audit.router import public as audit_log
from compliance.audit.router import router as audit

ROUTERS: Final[Sequence[APIRouter]] = (audit, audit_log, platform_audit)
