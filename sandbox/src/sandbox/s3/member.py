import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.received import Received
from sandbox.s3.bucket import Buckets, Kept
from sandbox.s3.errors import Refusal, not_allowed, xml
from sandbox.s3.signing import Asked, check

_RANGE: Final = re.compile(r"bytes=([0-9]+)-([0-9]*)")
_MOST_LISTED: Final = 1000
_PREFIX: Final = "/s3"


class KeptOut(BaseModel):
    """An object as it is kept."""

    bucket: str
    key: str
    size: int
    etag: str


class BucketIn(BaseModel):
    """A bucket to be made."""

    name: str


class S3:
    """Amazon S3 with requests that are signed, buckets in the path, and one pair of keys."""

    name = "s3"
    about = "Amazon S3: objects, ranges, lists, uploads in parts."
    door: Door = "http"
    doors: Sequence[str] = (_PREFIX,)
    servers: Sequence[Server] = ()
    webhooks = None

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self._buckets = Buckets()
        self._keys = {"AKIASANDBOX": "sandbox-s3-secret"}
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: one empty bucket, `media`."""
        self._buckets.begin()

    def _routes(self) -> APIRouter:
        routes = APIRouter()
        routes.add_api_route("/s3/control/buckets", self.make, methods=["POST"], status_code=204)
        routes.add_api_route("/s3/control/buckets/{bucket}/objects", self.objects, methods=["GET"])
        routes.add_route("/s3/{rest:path}", self._answer, methods=["GET", "HEAD", "PUT", "POST", "DELETE"])
        return routes

    async def make(self, bucket: BucketIn) -> None:
        """Let there be another bucket."""
        self._buckets.make(bucket.name)

    async def objects(self, bucket: str) -> dict[str, list[KeptOut]]:
        """What a bucket keeps, at most a thousand."""
        found, _ = self._buckets.listed(bucket, "", "", _MOST_LISTED)
        told = [KeptOut(bucket=bucket, key=key, size=len(kept.content), etag=kept.etag) for key, kept in found]
        return {"items": told}

    async def _answer(self, request: Request) -> Response:
        sent = request.scope["raw_path"].decode("ascii", "replace")
        try:
            body, query = await request.body(), request.scope["query_string"].decode("ascii", "replace")
            check(Asked(request.method, sent, query, request.headers, body), self._keys, datetime.now(UTC))
            bucket, _, key = unquote(sent).removeprefix(f"{_PREFIX}/").partition("/")
            return self._done(request, bucket, key, body)
        except Refusal as refusal:
            return refusal.answer(sent, body=request.method != "HEAD")

    def _done(self, request: Request, bucket: str, key: str, body: bytes) -> Response:
        asked = request.query_params
        if "uploads" in asked or "uploadId" in asked:
            return self._in_parts(request, bucket, key, body)
        match request.method, bool(key):
            case "GET", False:
                return self._listed(request, bucket)
            case "GET" | "HEAD", True:
                return _read(request, self._buckets.get(bucket, key))
            case "PUT", True:
                kept = self._buckets.put(bucket, key, body, request.headers.get("content-type", ""))
                return Response(headers={"etag": kept.etag})
            case "POST", False if "delete" in asked:
                return self._deleted(bucket, body)
            case "DELETE", True:
                self._buckets.of(bucket).pop(key, None)
                return Response(status_code=204)
        raise not_allowed()

    def _in_parts(self, request: Request, bucket: str, key: str, body: bytes) -> Response:
        asked, identity = request.query_params, request.query_params.get("uploadId", "")
        match request.method, bool(identity):
            case "POST", False:
                identity = self._buckets.begin_upload(bucket, key)
                return xml("InitiateMultipartUploadResult", _tags(Bucket=bucket, Key=key, UploadId=identity))
            case "PUT", True:
                part = self._buckets.put_part(identity, _number(asked.get("partNumber")), body)
                return Response(headers={"etag": part.etag})
            case "POST", True:
                upload, kept = self._buckets.complete(identity, _parts(body))
                return xml("CompleteMultipartUploadResult", _tags(Bucket=bucket, Key=upload.key, ETag=kept.etag))
            case "DELETE", True:
                self._buckets.abort(identity)
                return Response(status_code=204)
        raise not_allowed()

    def _listed(self, request: Request, bucket: str) -> Response:
        asked = request.query_params
        prefix, after = asked.get("prefix", ""), asked.get("continuation-token") or asked.get("start-after", "")
        most = min(_number(asked.get("max-keys", str(_MOST_LISTED))), _MOST_LISTED)
        found, more = self._buckets.listed(bucket, prefix, after, most)
        told = _tags(Name=bucket, Prefix=prefix, KeyCount=len(found), MaxKeys=most, IsTruncated=str(more).lower())
        for key, kept in found:
            at = kept.at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            size = len(kept.content)
            told += f"<Contents>{_tags(Key=key, LastModified=at, ETag=kept.etag, Size=size)}</Contents>"
        return xml("ListBucketResult", told + (_tags(NextContinuationToken=found[-1][0]) if more else ""))

    def _deleted(self, bucket: str, body: bytes) -> Response:
        kept, told = self._buckets.of(bucket), ""
        for key in [each.text or "" for each in _read_xml(body).iterfind(".//{*}Object/{*}Key")][:_MOST_LISTED]:
            kept.pop(key, None)
            told += f"<Deleted>{_tags(Key=key)}</Deleted>"
        return xml("DeleteResult", told)


def _read(request: Request, kept: Kept) -> Response:
    whole, status = kept.content, 200
    headers = {
        "etag": kept.etag,
        "last-modified": kept.at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "accept-ranges": "bytes",
    }
    content = whole
    if wanted := _RANGE.fullmatch(request.headers.get("range", "")):
        first = int(wanted[1])
        last = min(int(wanted[2] or len(whole) - 1), len(whole) - 1)
        if first >= len(whole):
            raise Refusal(416, "InvalidRange", "The requested range is not satisfiable")
        content, status = whole[first : last + 1], 206
        headers["content-range"] = f"bytes {first}-{last}/{len(whole)}"
    headers["content-length"] = str(len(content))
    body = b"" if request.method == "HEAD" else content
    return Response(body, status, headers, media_type=kept.media_type)


def _tags(**told: object) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in told.items())


def _parts(body: bytes) -> list[tuple[int, str]]:
    found = _read_xml(body).iterfind(".//{*}Part")
    return [(_number(each.findtext("{*}PartNumber")), each.findtext("{*}ETag") or "") for each in found]


def _read_xml(body: bytes) -> ET.Element:
    try:
        return ET.fromstring(body.replace(b"<!", b""))  # noqa: S314 - without declarations there are no entities
    except ET.ParseError:
        raise Refusal(400, "MalformedXML", "The XML you provided was not well-formed.") from None


def _number(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Refusal(400, "InvalidArgument", "A number was expected.")
    return int(text)
