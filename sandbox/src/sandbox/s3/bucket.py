"""What is kept in buckets, and uploads in parts."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from sandbox.s3 import errors

MOST_BYTES: Final = 512 * 1024 * 1024
"""Of all buckets together: a sandbox keeps them in memory."""
SMALLEST_PART: Final = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """One object."""

    content: bytes
    etag: str
    media_type: str = "binary/octet-stream"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class Upload:
    """An upload in parts that is not complete."""

    bucket: str
    key: str
    parts: dict[int, Kept] = field(default_factory=dict)


class Buckets:
    """All buckets by name, with what is in them."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """One empty bucket."""
        self._kept: dict[str, dict[str, Kept]] = {"media": {}}
        self._uploads: dict[str, Upload] = {}
        self._numbered = 0

    def make(self, name: str) -> None:
        """Let there be a bucket."""
        self._kept.setdefault(name, {})

    def of(self, name: str) -> dict[str, Kept]:
        """What is in a bucket.

        Raises:
            Refusal: there is none.
        """
        if name not in self._kept:
            raise errors.no_such_bucket()
        return self._kept[name]

    def put(self, bucket: str, key: str, content: bytes, media_type: str = "") -> Kept:
        """Keep an object in place of what was there."""
        kept = self._made(content, media_type)
        self.of(bucket)[key] = kept
        return kept

    def get(self, bucket: str, key: str) -> Kept:
        """An object.

        Raises:
            Refusal: there is none.
        """
        kept = self.of(bucket).get(key)
        if kept is None:
            raise errors.no_such_key()
        return kept

    def listed(self, bucket: str, prefix: str, after: str, most: int) -> tuple[list[tuple[str, Kept]], bool]:
        """Objects below a prefix in the order of their keys, and whether there are more."""
        found = sorted((key, kept) for key, kept in self.of(bucket).items() if key.startswith(prefix) and key > after)
        return list(islice(found, most)), len(found) > most

    def begin_upload(self, bucket: str, key: str) -> str:
        """Begin to take an object in parts; the upload's id."""
        self.of(bucket)
        self._numbered += 1
        identity = hashlib.sha256(f"{self._numbered} {key}".encode()).hexdigest()[:40]
        self._uploads[identity] = Upload(bucket, key)
        return identity

    def put_part(self, identity: str, number: int, content: bytes) -> Kept:
        """Take one part; one of the same number is replaced."""
        upload = self._upload(identity)
        upload.parts[number] = kept = self._made(content)
        return kept

    def complete(self, identity: str, listed: list[tuple[int, str]]) -> tuple[Upload, Kept]:
        """Put the parts together.

        Raises:
            Refusal: they are not those that came, or one but the last is too small.
        """
        upload = self._upload(identity)
        parts = [upload.parts.get(number) for number, _ in listed]
        if not parts or any(part is None or part.etag != etag for part, (_, etag) in zip(parts, listed, strict=True)):
            raise errors.Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.")
        contents = [part.content for part in parts if part is not None]
        if any(len(each) < SMALLEST_PART for each in contents[:-1]):
            raise errors.Refusal(400, "EntityTooSmall", "The part is smaller than the minimum allowed size")
        del self._uploads[identity]
        return upload, self.put(upload.bucket, upload.key, b"".join(contents))

    def abort(self, identity: str) -> None:
        """Forget an upload."""
        self._upload(identity)
        del self._uploads[identity]

    def _upload(self, identity: str) -> Upload:
        if identity not in self._uploads:
            raise errors.no_such_upload()
        return self._uploads[identity]

    def _made(self, content: bytes, media_type: str = "") -> Kept:
        whole = sum(len(each.content) for bucket in self._kept.values() for each in bucket.values())
        whole += sum(len(part.content) for upload in self._uploads.values() for part in upload.parts.values())
        if whole + len(content) > MOST_BYTES:
            raise errors.Refusal(503, "SlowDown", "This sandbox keeps no more than 512 MiB.")
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return Kept(content, f'"{digest}"', media_type or "binary/octet-stream")
