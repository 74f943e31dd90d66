"""Versions over HTTP (RFC 9110, section 13): a strong ETag from the version, If-Match for changes, 304 for reads.

A change takes `expected: Expected` and checks `expected.check(row.version)` after locking the row; or, where the
check is in SQL, takes `expected.version`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from kit.errors import PreconditionFailed, PreconditionRequired

_ENTITY_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_GAP = re.compile(r"[ \t]*(?:,[ \t]*)*")
_VERSION = re.compile(r"v(\d{1,10})", re.ASCII)


class ConditionMissing(PreconditionRequired):
    """Send If-Match with the ETag you have read."""

    code = "if-match-required"


class Changed(PreconditionFailed):
    """This has changed since you read it; read it again and repeat your change."""

    code = "version-mismatch"


class ConditionMalformed(PreconditionFailed):
    """The condition is not a list of entity tags."""

    code = "condition-malformed"


@dataclass(frozen=True, slots=True)
class Tags:
    """The entity tags of a condition; `any` stands for `*`."""

    any: bool
    tags: tuple[tuple[bool, str], ...]

    def match_strongly(self, opaque: str) -> bool:
        """Whether one of the tags is strong and the same (for If-Match)."""
        return self.any or (False, opaque) in self.tags

    def match_weakly(self, opaque: str) -> bool:
        """Whether one of the tags is the same, weak or strong (for If-None-Match)."""
        return self.any or any(tag == opaque for _, tag in self.tags)


def parse_tags(lines: Sequence[str]) -> Tags:
    """Read a list of entity tags, or `*`, which may be spread over several header lines.

    Raises:
        ConditionMalformed: it is neither.
    """
    text = ",".join(lines).strip(" \t")
    if text == "*":
        return Tags(any=True, tags=())
    tags, at = [], _skip(text, 0)
    while at < len(text):
        match = _ENTITY_TAG.match(text, at)
        if match is None:
            raise ConditionMalformed
        tags.append((match.group(1) is not None, match.group(2)))
        after = _skip(text, match.end())
        if after < len(text) and "," not in text[match.end() : after]:
            raise ConditionMalformed
        at = after
    if not tags:
        raise ConditionMalformed
    return Tags(any=False, tags=tuple(tags))


def _skip(text: str, at: int) -> int:
    match = _GAP.match(text, at)
    return match.end() if match else at


def etag(version: int, of: UUID | None = None) -> str:
    """The strong ETag of a version.

    `of` tells whose version it is, where one address shows each caller something else (the token's organization):
    else one organization's version 3 would pass for another's.
    """
    return f'"v{version}"' if of is None else f'"v{version}-{of.hex[-12:]}"'


@dataclass(frozen=True, slots=True)
class Condition:
    """The version a change expects; None stands for any that exists."""

    tags: Tags

    def check(self, version: int) -> None:
        """Go on only if this version is expected.

        Raises:
            Changed: another one is.
        """
        if not self.tags.match_strongly(f"v{version}"):
            raise Changed

    @property
    def version(self) -> int | None:
        """The one version expected, or None for `*`.

        Raises:
            Changed: none or several are named that could be versions of ours; none of them is checked for.
        """
        if self.tags.any:
            return None
        versions = {
            int(match.group(1)) for weak, tag in self.tags.tags if not weak and (match := _VERSION.fullmatch(tag))
        }
        if len(versions) != 1:
            raise Changed
        return versions.pop()


async def expected(request: Request) -> Condition:
    """The condition of a change; required, so that nobody overwrites what they have not seen."""
    lines = request.headers.getlist("if-match")
    if not lines:
        raise ConditionMissing
    return Condition(parse_tags(lines))


Expected = Annotated[Condition, Depends(expected)]


def not_modified(request: Request, version: int, of: UUID | None = None) -> bool:
    """Whether the reader already has this version (If-None-Match); a condition that cannot be read counts as none."""
    lines = request.headers.getlist("if-none-match")
    if not lines:
        return False
    try:
        return parse_tags(lines).match_weakly(etag(version, of).strip('"'))
    except ConditionMalformed:
        return False


class Versions:
    """Puts the version of what is answered into the headers, and answers 304 to a reader who has it already."""

    def __init__(self, request: Request, response: Response) -> None:
        self._request = request
        self._response = response

    def tag(self, version: int, of: UUID | None = None) -> None:
        """Set the ETag of the answer; for `of` see `etag`."""
        self._response.headers["etag"] = etag(version, of)

    def unchanged(self, version: int, of: UUID | None = None) -> Response | None:
        """The answer 304 if the reader has this version; else the ETag is set and None is returned."""
        self.tag(version, of)
        if not not_modified(self._request, version, of):
            return None
        return Response(status_code=304, headers={"etag": etag(version, of)})


async def versions(request: Request, response: Response) -> Versions:
    """The versions of what this request is answered with."""
    return Versions(request, response)


Versioned = Annotated[Versions, Depends(versions)]
