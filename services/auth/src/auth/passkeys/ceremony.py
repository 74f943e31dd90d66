"""WebAuthn by the `webauthn` library: what browsers are asked, and whether what they answer is right."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, encode_cbor, options_to_json_dict
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.passkeys.model import (
    CHALLENGE_BYTES,
    CHALLENGE_LIFE,
    LONGEST_ID,
    SHORTEST_ID,
    Asserted,
    Described,
    NewPasskey,
    Passkey,
)
from kit.ids import new_id

log = structlog.get_logger(__name__)

T = TypeVar("T")
Credential = Mapping[str, Any]
"""What a browser answers, in the JSON of WebAuthn level 3, section 5.1.8."""

_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_TIMEOUT: Final = int(CHALLENGE_LIFE.total_seconds() * 1000)
_TRANSPORTS: Final = frozenset(each.value for each in AuthenticatorTransport)


class CeremonyFailed(Exception):
    """What the browser answered is not right, for whatever reason; the log says which."""


def new_challenge() -> bytes:
    """A question of 256 bits."""
    return secrets.token_bytes(CHALLENGE_BYTES)


def answer_of(credential: Credential) -> tuple[bytes, bytes]:
    """Which challenge this says to answer, and the id of the credential.

    Raises:
        CeremonyFailed: it says neither.
    """
    return _attempt("answer", lambda: _answer(credential))


def _nobodys() -> Passkey:
    numbers = generate_private_key(SECP256R1()).public_key().public_numbers()
    key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
    return Passkey(new_id(), new_id(), secrets.token_bytes(32), encode_cbor(key), 0, backup_eligible=False)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Us, as authenticators know us: by a domain, and by the origins of our pages and programs."""

    id: str
    name: str
    origins: Sequence[str]
    verification: Literal["required", "preferred"]
    """Of the person by the authenticator, where a passkey stands beside another factor; alone it is required."""
    nobodys: Passkey = field(default_factory=_nobodys)

    def creation(self, handle: bytes, account: str, challenge: bytes, known: Sequence[Described]) -> dict[str, Any]:
        """What a browser needs to make a passkey that can be found without a user name."""
        options = generate_registration_options(
            rp_id=self.id,
            rp_name=self.name,
            user_name=account,
            user_id=handle,
            challenge=challenge,
            timeout=_TIMEOUT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement(self.verification),
            ),
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=_ALGORITHMS,
        )
        return options_to_json_dict(options)

    def request(self, challenge: bytes, known: Sequence[Described] = ()) -> dict[str, Any]:
        """What a browser needs to show a passkey: one of these, or, without any, whichever its user chooses."""
        options = generate_authentication_options(
            rp_id=self.id,
            challenge=challenge,
            timeout=_TIMEOUT,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement(self.verification if known else "required"),
        )
        return options_to_json_dict(options)

    def registered(self, credential: Credential, challenge: bytes) -> NewPasskey:
        """The passkey that was made in answer to this challenge.

        Raises:
            CeremonyFailed: the answer is not right.
        """
        return _attempt("registration", lambda: self._registered(credential, challenge))

    def asserted(self, credential: Credential, challenge: bytes, passkey: Passkey | None, *, alone: bool) -> Asserted:
        """What the passkey says in answer to this challenge; one that nobody has is checked all the same.

        Raises:
            CeremonyFailed: the answer is not right.
        """
        held = passkey or self.nobodys
        asserted = _attempt("assertion", lambda: self._asserted(credential, challenge, held, alone=alone))
        if passkey is None:
            raise CeremonyFailed
        return asserted

    def _registered(self, credential: Credential, challenge: bytes) -> NewPasskey:
        _insist_on_top_level(credential)
        found = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=self.id,
            expected_origin=list(self.origins),
            require_user_verification=self.verification == "required",
            supported_pub_key_algs=_ALGORITHMS,
        )
        if not SHORTEST_ID <= len(found.credential_id) <= LONGEST_ID:
            raise ValueError("the id of the credential is too short or too long")
        return NewPasskey(
            found.credential_id,
            found.credential_public_key,
            found.sign_count,
            tuple(sorted(_TRANSPORTS & set(credential["response"].get("transports") or ()))),
            found.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
            found.credential_backed_up,
        )

    def _asserted(self, credential: Credential, challenge: bytes, passkey: Passkey, *, alone: bool) -> Asserted:
        _insist_on_top_level(credential)
        found = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=self.id,
            expected_origin=list(self.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # what goes back is a signal to us, and no reason to refuse
            require_user_verification=alone or self.verification == "required",
        )
        handle = credential["response"].get("userHandle")
        if (handle is None and alone) or (handle is not None and base64url_to_bytes(handle) != passkey.handle):
            raise ValueError("the user handle is another's")
        if (found.credential_device_type == CredentialDeviceType.MULTI_DEVICE) != passkey.backup_eligible:
            raise ValueError("whether it may be backed up has changed")
        return Asserted(found.new_sign_count, found.credential_backed_up)


def _attempt(what: str, work: Callable[[], T]) -> T:
    """Whatever goes wrong over bytes that a stranger chose is one and the same refusal."""
    try:
        return work()
    except Exception as trouble:
        log.info("passkey.refused", what=what, why=f"{type(trouble).__name__}: {trouble}"[:200])
        raise CeremonyFailed from trouble


def _answer(credential: Credential) -> tuple[bytes, bytes]:
    return base64url_to_bytes(_client_data(credential)["challenge"]), base64url_to_bytes(credential["rawId"])


def _client_data(credential: Credential) -> dict[str, Any]:
    said = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
    if not isinstance(said, dict):
        raise TypeError("the client data is no object")
    return said


def _insist_on_top_level(credential: Credential) -> None:
    """None of our pages is shown in a frame of another's (WebAuthn level 3, section 7)."""
    if _client_data(credential).get("crossOrigin", False) is not False:
        raise ValueError("asked for in a frame of another origin")


def _descriptors(known: Sequence[Described]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential_id, transports=[AuthenticatorTransport(name) for name in each.transports]
        )
        for each in known
    ]
