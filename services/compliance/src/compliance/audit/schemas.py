from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from compliance.audit.model import Entry, Proven
from compliance.audit.notes import b64
from contracts.audit import ACTIONS
from kit.http.models import Out


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is no time in UTC") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class AuditEntryOut(Out):
    """An entry of the audit trail, as it was hashed."""

    id: UUID
    sequence: int = Field(description="Its number within the organization; there are no gaps.")
    position: int = Field(description="Its place in the log of all organizations.")
    at: datetime
    action: str = Field(examples=["auth.member.removed"])
    meaning: str = Field(description="What the action means.", examples=["A member was removed, or left."])
    actor_kind: str = Field(examples=["user"])
    actor_id: UUID | None
    target_kind: str = Field(examples=["member"])
    target_id: str
    details: dict[str, str | int | bool]
    request_id: str | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """From the bytes that were hashed, not from the columns by which they are found."""
        said = entry.said
        names = cls.model_fields.keys() - {"position", "meaning"}
        return cls(
            position=entry.position,
            meaning=ACTIONS.get(said["action"], ""),
            **{name: said[name] for name in names},
        )


class EntryProofOut(Out):
    """An entry with the proof that it is in the log: hash `leaf`, go up by `proof`, compare with the checkpoint."""

    position: int
    leaf: str = Field(description="The exact bytes that were hashed (RFC 6962, with 0x00 before).")
    proof: list[str] = Field(description="Hashes in base64 from the bottom up (RFC 6962, 2.1.1).")
    checkpoint: str = Field(description="The signed checkpoint (C2SP tlog-checkpoint).")

    @classmethod
    def of(cls, proven: Proven) -> Self:
        """As it is stored and computed."""
        return cls(
            position=proven.entry.position,
            leaf=proven.entry.leaf.decode("ascii"),
            proof=[b64(each) for each in proven.proof],
            checkpoint=proven.checkpoint.note,
        )


class ConsistencyOut(Out):
    """The proof that the log of the later size begins with the log of the earlier one."""

    from_size: int
    to_size: int
    proof: list[str] = Field(description="Hashes in base64 (RFC 6962, 2.1.2).")


class LogKeysOut(Out):
    """The public keys of the log: pin the one that signs now, from a source you trust."""

    keys: list[str] = Field(description="Verifier keys (C2SP signed-note); the one that signs now first.")
