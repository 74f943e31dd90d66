from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from auth.factors.model import Factor
from kit.http.models import Line, Model, Out

Base64Url = StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")
CredentialId = Annotated[str, Base64Url, Field(max_length=1364)]
Bytes = Annotated[str, Base64Url, Field(max_length=16_384)]


class _Browsers(BaseModel):
    """What browsers write (WebAuthn level 3, section 5.1.8): its members as they name them, with others beside."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def plain(self) -> dict[str, Any]:
        """The same as it came."""
        return self.model_dump(by_alias=True, exclude_none=True)


class AttestationResponse(_Browsers):
    """What an authenticator says of a passkey that it has made."""

    client_data: Bytes = Field(alias="clientDataJSON")
    attestation: Bytes = Field(alias="attestationObject")
    transports: list[Annotated[str, Field(max_length=32)]] = Field([], max_length=16)


class Attestation(_Browsers):
    """The `toJSON()` of what `navigator.credentials.create()` gives."""

    id: CredentialId
    raw_id: CredentialId = Field(alias="rawId")
    type: Literal["public-key"]
    response: AttestationResponse


class AssertionResponse(_Browsers):
    """What an authenticator answers."""

    client_data: Bytes = Field(alias="clientDataJSON")
    authenticator_data: Bytes = Field(alias="authenticatorData")
    signature: Bytes
    user_handle: Annotated[str, Base64Url, Field(max_length=128)] | None = Field(None, alias="userHandle")


class Assertion(_Browsers):
    """The `toJSON()` of what `navigator.credentials.get()` gives."""

    id: CredentialId
    raw_id: CredentialId = Field(alias="rawId")
    type: Literal["public-key"]
    response: AssertionResponse


class AddPasskey(Model):
    """A passkey that was made with the options of a challenge."""

    name: Line = Field(description="To tell it from others: a device, not a person.", examples=["Laptop"])
    credential: Attestation
    end_other_sessions: bool = Field(True, description="Whether all other sessions end.")


class RenamePasskey(Model):
    """Another name."""

    name: Line


class SignInWithPasskey(Model):
    """A new session; with an organization, to act in it at once."""

    assertion: Assertion
    organization_id: UUID | None = None


class OptionsOut(Out):
    """What to hand to the browser, by `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`."""

    options: dict[str, Any]
    expires_in: int = Field(description="Seconds until the challenge in it is void; it is good once.")


class PasskeyOut(Out):
    """A passkey."""

    id: UUID
    name: str | None
    backed_up: bool = Field(description="Whether it is kept on other devices, too.")
    version: int = Field(description="Also the ETag.")
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None


class PasskeyAddedOut(PasskeyOut):
    """A new passkey, and recovery codes where there were none, shown this once."""

    recovery_codes: list[str]

    @classmethod
    def of(cls, held: Factor, codes: list[str]) -> Self:
        """The passkey with what came with it."""
        shown = PasskeyOut.model_validate(held).model_dump()
        return cls(**shown, recovery_codes=codes)
