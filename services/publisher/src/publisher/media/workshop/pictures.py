"""Pictures: opened once, turned upright, and written anew, so that only what is seen is left of them."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from publisher.media.workshop import gifs
from publisher.media.workshop.sniffing import GIF, JPEG, PNG, WEBP
from publisher.media.workshop.verdict import Facts, Unfit

MOST_PIXELS: Final = 100_000_000
MOST_FRAMES: Final = 1000
MOST_MOVING_PIXELS: Final = 2_000_000_000
"""Of all frames of an animated picture together."""

_FORMATS: Final[Mapping[str, str]] = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF", WEBP: "WEBP"}
_PLAIN: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_LARGEST_PROFILE: Final = 1024 * 1024
_QUALITIES: Final = (92, 88, 84, 78, 72, 64, 55, 45)
_SMALLER: Final = 0.85
_SMALLEST_SIDE: Final = 64

Image.MAX_IMAGE_PIXELS = None  # what is too large is refused by the head, before anything is decoded


@dataclass(frozen=True, slots=True)
class Fit:
    """What a picture is to become: one of these bounds may be None."""

    mime: str
    bytes_max: int | None = None
    width_max: int | None = None
    height_max: int | None = None
    pixels_max: int | None = None
    width_min: int | None = None
    ratio_min: float | None = None
    ratio_max: float | None = None


def examine(source: Path, target: Path, mime: str) -> Facts:
    """Look at a picture and write it anew, without metadata and whatever hides behind its end.

    Raises:
        Unfit: it is not what it seems, not complete, or too much.
    """
    try:
        with Image.open(source, formats=[_FORMATS[mime]]) as picture:
            frames = _checked(picture)
            if mime == GIF:
                return _moving(source, target, picture, frames)
            picture.load()
            made = _written(picture, target, mime)
    except (UnidentifiedImageError, SyntaxError, struct.error, IndexError, KeyError, ValueError, TypeError) as error:
        raise _damaged() from error
    except OSError as error:
        raise Unfit("truncated", "The picture is damaged or ends too early; upload it again.") from error
    return replace(made, size_bytes=target.stat().st_size)


def _checked(picture: Image.Image) -> int:
    """How many frames it has, if it is not too much; by what its head says, with nothing decoded."""
    width, height = picture.size
    if width * height > MOST_PIXELS:
        reason = (
            f"It has {width} by {height} pixels; up to {MOST_PIXELS // 1_000_000} million are taken. Scale it down."
        )
        raise Unfit("too-many-pixels", reason)
    frames = 1
    if getattr(picture, "is_animated", False):
        frames = 0
        for frames in range(1, MOST_FRAMES + 2):
            try:
                picture.seek(frames)
            except EOFError:
                break
        picture.seek(0)
    if frames > MOST_FRAMES or frames * width * height > MOST_MOVING_PIXELS:
        raise Unfit("too-many-frames", f"It has more than {MOST_FRAMES} frames, or too large ones. Shorten it.")
    return frames


def _moving(source: Path, target: Path, picture: Image.Image, frames: int) -> Facts:
    duration = 0
    for number in range(frames):
        picture.seek(number)
        picture.load()
        duration += int(picture.info.get("duration") or 0)
    target.write_bytes(gifs.cleaned(source.read_bytes()))
    width, height = picture.size
    return Facts(
        "image",
        GIF,
        target.stat().st_size,
        width,
        height,
        duration_ms=duration if frames > 1 else None,
        animated=frames > 1,
    )


def _written(picture: Image.Image, target: Path, mime: str) -> Facts:
    upright = _upright(picture)
    options: dict[str, Any] = {}
    if mime == JPEG and upright is picture and picture.format == "JPEG" and picture.mode in {"L", "RGB"}:
        options = {"quality": "keep"}  # the same coefficients: nothing is lost
    elif mime == JPEG or (mime == WEBP and not _has_alpha(upright)):
        mime, upright, options = JPEG, _opaque(upright), {"quality": 95, "subsampling": 0}
    else:
        mime = PNG
        upright = upright if upright.mode in _PLAIN else upright.convert("RGBA" if _has_alpha(upright) else "RGB")
    _save(upright, target, mime, _profile(picture), **options)
    return Facts("image", mime, target.stat().st_size, *upright.size)


def _upright(picture: Image.Image) -> Image.Image:
    turned = ImageOps.exif_transpose(picture) if picture.getexif().get(0x0112, 1) != 1 else picture
    return turned or picture


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode in {"LA", "PA", "RGBA"} or "transparency" in picture.info


def _opaque(picture: Image.Image) -> Image.Image:
    """It on white, where one could see through it."""
    if not _has_alpha(picture):
        return picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")
    seen = picture.convert("RGBA")
    ground = Image.new("RGB", seen.size, "white")
    ground.paste(seen, mask=seen.getchannel("A"))
    return ground


def _profile(picture: Image.Image) -> bytes | None:
    """What its colours mean; not for CMYK, which it has left behind."""
    profile = picture.info.get("icc_profile")
    fits = isinstance(profile, bytes) and len(profile) <= _LARGEST_PROFILE and picture.mode not in {"CMYK", "LAB"}
    return profile if fits else None


def _save(picture: Image.Image, target: Path, mime: str, profile: bytes | None, **options: Any) -> None:
    if mime == PNG:
        options |= {"optimize": False, "pnginfo": None}
        picture.info.pop("exif", None)
    picture.save(target, _FORMATS[mime], icc_profile=profile, exif=b"", **options)


def render(source: Path, target: Path, mime: str, fit: Fit) -> Facts:
    """Make of a picture what a platform takes: scaled down, set on a ground of the right shape, compressed.

    Raises:
        Unfit: it cannot become that.
    """
    with Image.open(source, formats=[_FORMATS[mime]]) as opened:
        opened.load()
        profile = _profile(opened)
        picture = opened if fit.mime == PNG and opened.mode in _PLAIN else _opaque(opened)
        picture = _shaped(_scaled(picture, fit), fit)
        while True:
            for quality in _QUALITIES if fit.mime == JPEG else (0,):
                options = {"quality": quality, "optimize": True} if quality else {}
                _save(picture, target, fit.mime, profile, **options)
                size = target.stat().st_size
                if fit.bytes_max is None or size <= fit.bytes_max:
                    return Facts("image", fit.mime, size, *picture.size)
            picture = _resized(picture, _SMALLER)
            if min(picture.size) < max(_SMALLEST_SIDE, fit.width_min or 0):
                raise Unfit("cannot-fit", "It cannot be made small enough for this platform.")


def _scaled(picture: Image.Image, fit: Fit) -> Image.Image:
    width, height = picture.size
    scale = min(1.0, (fit.width_max or width) / width, (fit.height_max or height) / height)
    if fit.pixels_max is not None:
        scale = min(scale, (fit.pixels_max / (width * height)) ** 0.5)
    if fit.width_min is not None and width < fit.width_min:
        scale = fit.width_min / width
    return picture if scale == 1.0 else _resized(picture, scale)


def _resized(picture: Image.Image, scale: float) -> Image.Image:
    size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    flat = picture if picture.mode in {"L", "LA", "RGB", "RGBA"} else picture.convert("RGBA")
    return flat.resize(size, Image.Resampling.LANCZOS)


def _shaped(picture: Image.Image, fit: Fit) -> Image.Image:
    """It whole on white, where its shape is not taken: nothing is cut off."""
    width, height = picture.size
    ratio = width / height
    if fit.ratio_min is not None and ratio < fit.ratio_min:
        width = -int(-height * fit.ratio_min // 1)
    elif fit.ratio_max is not None and ratio > fit.ratio_max:
        height = -int(-width / fit.ratio_max // 1)
    else:
        return picture
    ground = Image.new("RGB", (width, height), "white")
    flat = _opaque(picture)
    ground.paste(flat, ((width - flat.width) // 2, (height - flat.height) // 2))
    return ground


def _damaged() -> Unfit:
    return Unfit("damaged", "The picture is damaged; save it anew and upload that.")
