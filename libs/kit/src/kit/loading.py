"""The first lines of a process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import a program's modules in four fifths of the time.

    The garbage collector rests meanwhile, and models, those of libraries too, are built at their first use. What
    modules make lives as long as the process, so the collector does not look through it afterwards either.
    """
    gc.disable()
    try:
        from pydantic import BaseModel  # noqa: PLC0415 - a good part of what takes time

        BaseModel.model_config["defer_build"] = True
        yield
    finally:
        gc.freeze()
        gc.enable()
