"""Idempotency keys: https://docs.stripe.com/api/idempotent_requests."""

import hashlib
from typing import Any, Final

import orjson
from starlette.responses import Response

from sandbox.shelf import Shelf
from sandbox.stripe import errors

KEPT: Final = 50_000
LONGEST: Final = 255


class Attempt:
    """The first request with a key: under way, or with the answer that is replayed."""

    def __init__(self, fingerprint: bytes, request_id: str, at: int) -> None:
        self.fingerprint, self.request_id, self.at = fingerprint, request_id, at
        self.status = 0
        self.body = b""

    def replay(self) -> Response:
        """The first answer again."""
        headers = {"Idempotent-Replayed": "true", "Original-Request": self.request_id}
        return Response(self.body, self.status, headers=headers, media_type="application/json")


class Keys:
    """All keys of late."""

    def __init__(self) -> None:
        self._attempts: Shelf[tuple[str, str], Attempt] = Shelf(most=KEPT)

    def clear(self) -> None:
        """Forget all."""
        self._attempts.clear()

    def begin(self, name: tuple[str, str], fingerprint: bytes, request_id: str, *, now: int, lives: int) -> Attempt:
        """Take a key for a first request; or the attempt that has it, done already.

        Raises:
            Refusal: The key belongs to another request, or its request is not done.
        """
        before = self._attempts.get(name)
        if before is None or before.at + lives <= now:
            made = Attempt(fingerprint, request_id, now)
            self._attempts.put(name, made)
            return made
        if before.fingerprint != fingerprint:
            raise errors.other_parameters(name[1])
        if not before.status:
            raise errors.key_in_use(name[1])
        return before

    def forget(self, name: tuple[str, str]) -> None:
        """Nothing began: the key is free again."""
        self._attempts.take(name)


def fingerprint(method: str, path: str, tree: dict[str, Any]) -> bytes:
    """What makes two requests the same one."""
    return hashlib.sha256(orjson.dumps([method, path, tree], option=orjson.OPT_SORT_KEYS)).digest()
