"""What compliance says: the audit trail, exports, erasure, retention and consent."""

from typing import ClassVar

from contracts.audit import AuditEntry


class ComplianceAuditRecorded(AuditEntry):
    """Something about the audit trail, exports, erasure, retention or consent was done that the audit trail keeps."""

    type: ClassVar[str] = "compliance.audit.recorded.v1"
