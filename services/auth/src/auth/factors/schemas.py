from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr, model_validator

from auth.factors.model import Overview
from auth.factors.proving import Shown, ShownCode
from auth.passkeys.proving import ShownPasskey
from auth.passkeys.schemas import Assertion
from auth.sign_ins.model import Proof
from kit.http.models import Line, Model, Out

AppCode = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="The six digits that the app shows now")]
TypedCode = Annotated[
    SecretStr, Field(max_length=64, description="Six digits of the app, or a recovery code however it is spaced")
]


class EnrolApp(Model):
    """A new authenticator app."""

    name: Line = Field(description="To tell it from others: a device, not a person.", examples=["Phone"])


class ActivateApp(Model):
    """The first code of a new app."""

    code: AppCode
    end_other_sessions: bool = Field(True, description="Whether all other sessions end.")


class CompleteSignIn(Model):
    """The second factor that a sign-in owes."""

    sign_in_token: SecretStr = Field(max_length=256)
    factor: Literal["totp", "passkey", "recovery_code"]
    code: TypedCode | None = None
    assertion: Assertion | None = None
    remember_device: bool = Field(False, description="Whether this device need not show it for a while.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        _insist_on_one(self, {"passkey": "assertion"}.get(self.factor, "code"))
        return self

    def shown(self) -> Shown:
        """What is shown."""
        return _shown(self.factor, self.code, self.assertion)


class Prove(Model):
    """One thing that shows that it is you."""

    factor: Literal["password", "totp", "passkey", "recovery_code"]
    password: SecretStr | None = Field(None, max_length=1024)
    code: TypedCode | None = None
    assertion: Assertion | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        _insist_on_one(self, {"password": "password", "passkey": "assertion"}.get(self.factor, "code"))
        return self

    def shown(self) -> Shown:
        """What is shown, unless it is the password."""
        return _shown(self.factor, self.code, self.assertion)


class AskForPasskey(Model):
    """A sign-in that owes a second factor."""

    sign_in_token: SecretStr = Field(max_length=256)


class FactorOut(Out):
    """A second factor in use."""

    id: UUID
    kind: Literal["totp", "passkey"]
    name: str | None = Field(description="Null while the account is being forgotten.")
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None
    backed_up: bool | None = Field(description="Of a passkey: whether it is kept on other devices, too.")
    version: int | None = Field(description="Of a passkey: its ETag.")


class DemandOut(Out):
    """An organization that lets in only those who have shown a second factor."""

    organization_id: UUID
    name: str


class FactorsOut(Out):
    """All second factors of the caller."""

    items: list[FactorOut]
    recovery_codes_left: int
    demanded_by: list[DemandOut] = Field(description="The first of my organizations that demand a second factor.")

    @classmethod
    def of(cls, found: Overview) -> Self:
        """As found."""
        return cls(
            items=[FactorOut.model_validate(each) for each in found.factors],
            recovery_codes_left=found.recovery_codes_left,
            demanded_by=[DemandOut.model_validate(each) for each in found.demanded_by],
        )


class EnrolmentOut(Out):
    """What the app is told; it is shown this once."""

    id: UUID
    secret: str = Field(description="In base32, for apps that read no QR code.")
    uri: str = Field(description="otpauth://…, to be shown as a QR code.")


class RecoveryCodesOut(Out):
    """New recovery codes, shown this once; empty when the earlier ones stay good."""

    recovery_codes: list[str]


class ProvenOut(Out):
    """What the session is worth now. Refresh: access tokens from before are void."""

    proofs: list[Proof]
    proven_at: AwareDatetime
    strong_at: AwareDatetime | None = Field(description="When last two distinct factors were shown.")
    fresh_until: AwareDatetime


def _insist_on_one(body: Model, wanted: str) -> None:
    sent = [name for name in ("password", "code", "assertion") if getattr(body, name, None) is not None]
    if sent != [wanted]:
        raise ValueError("send what the factor asks for, and nothing else")


def _shown(factor: str, code: SecretStr | None, assertion: Assertion | None) -> Shown:
    if assertion is not None:
        return ShownPasskey(assertion.plain())
    return ShownCode(Proof(factor), code.get_secret_value() if code else "")
