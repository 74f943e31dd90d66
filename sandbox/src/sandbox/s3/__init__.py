"""Amazon S3, as far as things are kept there."""

from sandbox.s3.member import S3

__all__ = ("S3",)
