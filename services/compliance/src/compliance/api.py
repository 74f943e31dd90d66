"""The doors of compliance."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from compliance.audit.router import internal as platform_audit
from compliance.audit.router import public as audit_log
from compliance.audit.router import router as audit
from compliance.erasures.router import router as erasures
from compliance.exports.router import internal as pieces
from compliance.exports.router import router as exports
from compliance.keys.router import router as keys
from compliance.retention.router import router as retention

ROUTERS: Final[Sequence[APIRouter]] = (audit, audit_log, platform_audit, exports, erasures, retention, pieces, keys)
