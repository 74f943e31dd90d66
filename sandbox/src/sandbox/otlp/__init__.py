"""A collector of traces that keeps every span for reading."""

from sandbox.otlp.member import Collector

__all__ = ["Collector"]
