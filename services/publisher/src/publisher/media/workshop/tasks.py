"""What can be done with a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from publisher.media.workshop import documents, films, pictures
from publisher.media.workshop.films import FilmFit
from publisher.media.workshop.pictures import Fit
from publisher.media.workshop.sniffing import FILMS, PICTURES, agreed, sniffed
from publisher.media.workshop.verdict import Facts


def carry_out(job: Mapping[str, Any], source: Path, target: Path) -> Facts:
    """Examine a file, or render it for a platform.

    Raises:
        Unfit: it is not taken, or cannot become what is asked.
    """
    if job["task"] == "render":
        return _render(job, source, target)
    with source.open("rb") as file:
        found = sniffed(file.read(4096))
    agreed(found, job["declared"], job["name"])
    if found in PICTURES:
        return pictures.examine(source, target, found)
    if found in FILMS:
        return films.examine(source, target, job["ffmpeg"])
    return documents.examine(source, target)


def _render(job: Mapping[str, Any], source: Path, target: Path) -> Facts:
    if job["kind"] == "image":
        return pictures.render(source, target, job["mime"], Fit(**job["fit"]))
    return films.render(source, target, job["ffmpeg"], FilmFit(**job["fit"]))
