"""How S3 refuses.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from starlette.responses import Response


@dataclass
class Refusal(Exception):
    """S3 does not do it."""

    status: int
    code: str
    message: str

    def answer(self, path: str, *, body: bool = True) -> Response:
        """As it is told; to HEAD without a body."""
        told = f"<Code>{self.code}</Code><Message>{escape(self.message)}</Message><Resource>{escape(path)}</Resource>"
        return xml("Error", told, self.status) if body else Response(status_code=self.status)


def no_such_key() -> Refusal:
    """Nothing is kept there."""
    return Refusal(404, "NoSuchKey", "The specified key does not exist.")


def no_such_bucket() -> Refusal:
    """There is no such bucket."""
    return Refusal(404, "NoSuchBucket", "The specified bucket does not exist")


def no_such_upload() -> Refusal:
    """There is no such upload in parts, or no longer."""
    return Refusal(404, "NoSuchUpload", "The specified upload does not exist.")


def not_allowed() -> Refusal:
    """This is not done there."""
    return Refusal(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")


def xml(name: str, inner: str, status: int = 200) -> Response:
    """A document."""
    said = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{inner}</{name}>'
    return Response(said, status, media_type="application/xml")
