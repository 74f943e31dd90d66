"""The keys that sign id_tokens; making an RSA key takes long, so the first ones live as long as the process."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from sandbox.json import Object
from sandbox.openid.world import Algorithm

MOST_KEYS = 5


@dataclass(frozen=True)
class SigningKey:
    """A key of one algorithm."""

    kid: str
    algorithm: Algorithm
    private: Any

    def sign(self, signed: bytes) -> bytes:
        """The signature as a JWS carries it."""
        if self.algorithm == "RS256":
            return bytes(self.private.sign(signed, padding.PKCS1v15(), hashes.SHA256()))
        if self.algorithm == "ES256":
            r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        return bytes(self.private.sign(signed))

    def pem(self) -> bytes:
        """The public half as text: what a careless verifier takes for the secret of an HMAC."""
        return bytes(
            self.private.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def jwk(self) -> Object:
        """The public half as the key set shows it."""
        shown: Object = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        public = self.private.public_key()
        if self.algorithm == "RS256":
            numbers = public.public_numbers()
            return shown | {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        if self.algorithm == "ES256":
            numbers = public.public_numbers()
            x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
            return shown | {"kty": "EC", "crv": "P-256", "x": segment(x), "y": segment(y)}
        return shown | {"kty": "OKP", "crv": "Ed25519", "x": segment(public.public_bytes_raw())}


class Keys:
    """The keys of one provider: the newest of the wanted algorithm signs, older ones are still shown."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._keys: list[SigningKey] = []

    def signer(self, algorithm: Algorithm) -> SigningKey:
        """The key that signs now."""
        for key in reversed(self._keys):
            if key.algorithm == algorithm:
                return key
        self._keys.append(_first(self._name, algorithm))
        return self._keys[-1]

    def rotate(self, algorithm: Algorithm, *, drops_older: bool) -> SigningKey:
        """Sign with another key from now on; the older ones are shown still, or not."""
        if drops_older:
            self._keys.clear()
        self._keys.append(_made(algorithm))
        del self._keys[:-MOST_KEYS]
        return self._keys[-1]

    def shown(self, algorithm: Algorithm) -> list[Object]:
        """The key set."""
        self.signer(algorithm)
        return [key.jwk() for key in self._keys]

    def clear(self) -> None:
        """As at the start."""
        self._keys.clear()


def jws(header: Object, claims: Object, key: SigningKey | bytes | None) -> str:
    """A token in compact form: signed by a key, by HMAC under some bytes, or not at all."""
    signed = f"{segment(orjson.dumps(header))}.{segment(orjson.dumps(claims))}"
    if key is None:
        return f"{signed}."
    if isinstance(key, SigningKey):
        return f"{signed}.{segment(key.sign(signed.encode()))}"
    return f"{signed}.{segment(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def segment(value: bytes) -> str:
    """Bytes as a part of a token."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


@cache
def foreign_key(algorithm: Algorithm) -> SigningKey:
    """A key that no key set shows."""
    return _made(algorithm)


@cache
def _first(_name: str, algorithm: Algorithm) -> SigningKey:
    return _made(algorithm)


def _made(algorithm: Algorithm) -> SigningKey:
    kid = secrets.token_hex(20)
    if algorithm == "RS256":
        return SigningKey(kid, algorithm, rsa.generate_private_key(65537, 2048))
    if algorithm == "ES256":
        return SigningKey(kid, algorithm, ec.generate_private_key(ec.SECP256R1()))
    return SigningKey(kid, algorithm, ed25519.Ed25519PrivateKey.generate())


def _number(value: int) -> str:
    return segment(value.to_bytes((value.bit_length() + 7) // 8))
