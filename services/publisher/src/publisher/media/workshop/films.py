"""Films: looked at and written anew by ffmpeg, which is a program of its own here as everywhere."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from publisher.media.workshop import boxes
from publisher.media.workshop.limits import bound_to_parent
from publisher.media.workshop.verdict import Facts, Unfit

LONGEST: Final = 4 * 3600
MOST_SIDE: Final = 8192
_LOOK_AT_ALL: Final = 60.0  # seconds of film; of a longer one each key frame is looked at
_H264: Final = ("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p")
_AAC: Final = ("-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2")
_CLEAN: Final = (
    *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
    *("-movflags", "+faststart", "-f", "mp4"),
)
_MAPS: Final = ("-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn")
_CARRIED: Final = frozenset({"h264", "hevc"})
_DAMAGED: Final = "The video is damaged or cannot be decoded; export it anew as MP4 with H.264 and AAC."
_LEAST_BITRATE: Final = 100_000
_AUDIO_BITRATE: Final = 128_000
_SPARE: Final = 0.92


@dataclass(frozen=True, slots=True)
class FilmFit:
    """What a film is to become; each bound may be None."""

    bytes_max: int | None = None
    width_max: int | None = None
    height_max: int | None = None
    fps_min: float | None = None
    fps_max: float | None = None
    ratio_min: float | None = None
    ratio_max: float | None = None


def examine(source: Path, target: Path, ffmpeg: str) -> Facts:
    """Look at a film and write it anew as MP4, with its pictures and sound and nothing else.

    Pictures and sound are carried over as they are where platforms know them, else encoded anew.

    Raises:
        Unfit: it is damaged, not complete, or too much.
    """
    boxes.complete(source)
    known = _track(boxes.tracks(source), b"vide")
    if known is None:
        raise Unfit("no-picture", "There is no picture in this video. Upload one with pictures.")
    if known.seconds > LONGEST:
        raise Unfit("too-long", f"It lasts more than {LONGEST // 3600} hours. Cut it.")
    if max(known.width, known.height) > MOST_SIDE:
        raise Unfit("too-many-pixels", f"It is more than {MOST_SIDE} pixels wide or high. Scale it down.")
    _decoded(source, known.seconds, ffmpeg)
    kept = ("-c", "copy") if known.codec in _CARRIED else (*_H264, *_AAC)
    if known.codec == "hevc":
        kept = (*kept, "-tag:v", "hvc1")
    _run(ffmpeg, source, [*_MAPS, *kept, *_CLEAN, str(target)])
    return facts_of(target)


def render(source: Path, target: Path, ffmpeg: str, fit: FilmFit) -> Facts:
    """Make of a film what a platform takes, as H.264 and AAC.

    Raises:
        Unfit: it cannot become that.
    """
    before = facts_of(source)
    filters, rate = _filters(before, fit), _rate(before, fit)
    for spare in (_SPARE, _SPARE * 0.8):
        size = _sized(before, fit, spare)
        _run(ffmpeg, source, [*_MAPS, "-vf", filters, *rate, *_H264, *size, *_AAC, *_CLEAN, str(target)])
        made = facts_of(target)
        if fit.bytes_max is None or made.size_bytes <= fit.bytes_max:
            return made
    raise Unfit("cannot-fit", "It cannot be made small enough for this platform. Cut it.")


def facts_of(path: Path) -> Facts:
    """What a film that we wrote says of itself.

    Raises:
        Unfit: it cannot be read.
    """
    found = boxes.tracks(path)
    film, sound = _track(found, b"vide"), _track(found, b"soun")
    if film is None or not film.seconds or not film.width or not film.height:
        raise Unfit("damaged", _DAMAGED)
    width, height = (film.height, film.width) if film.turned else (film.width, film.height)
    return Facts(
        "video",
        "video/mp4",
        path.stat().st_size,
        width,
        height,
        duration_ms=round(max(track.seconds for track in found) * 1000),
        frames_per_second=round(film.timescale / film.step, 3) if film.step else None,
        video_codec=film.codec,
        audio_codec=sound.codec if sound else "",
    )


def _track(found: Sequence[boxes.Track], handler: bytes) -> boxes.Track | None:
    return next((track for track in found if track.handler == handler), None)


def _decoded(path: Path, seconds: float, ffmpeg: str) -> None:
    sparse = ("-skip_frame", "nokey") if seconds > _LOOK_AT_ALL or not seconds else ()
    _run(ffmpeg, path, [*_MAPS, "-f", "null", "-"], before=("-xerror", *sparse))


def _filters(before: Facts, fit: FilmFit) -> str:
    """Scaled down, and whole on black where its shape is not taken."""
    width, height = before.width, before.height
    ratio, canvas = width / height, (width, height)
    if fit.ratio_min is not None and ratio < fit.ratio_min:
        canvas = (-int(-height * fit.ratio_min // 1), height)
    elif fit.ratio_max is not None and ratio > fit.ratio_max:
        canvas = (width, -int(-width / fit.ratio_max // 1))
    scale = min(1.0, (fit.width_max or canvas[0]) / canvas[0], (fit.height_max or canvas[1]) / canvas[1])
    inner, outer = _even(width * scale, height * scale), _even(canvas[0] * scale, canvas[1] * scale)
    parts = [f"scale={inner[0]}:{inner[1]}", "setsar=1"]
    if canvas != (width, height):
        parts.append(f"pad={outer[0]}:{outer[1]}:(ow-iw)/2:(oh-ih)/2")
    return ",".join(parts)


def _even(width: float, height: float) -> tuple[int, int]:
    return max(2, int(width / 2) * 2), max(2, int(height / 2) * 2)


def _rate(before: Facts, fit: FilmFit) -> tuple[str, ...]:
    rate = before.frames_per_second or 0.0
    if fit.fps_max is not None and rate > fit.fps_max:
        return ("-r", f"{fit.fps_max:g}")
    if fit.fps_min is not None and rate < fit.fps_min:
        return ("-r", f"{max(fit.fps_min, 30.0):g}")
    return ()


def _sized(before: Facts, fit: FilmFit, spare: float) -> tuple[str, ...]:
    """By quality, and within the size where that is bound."""
    if fit.bytes_max is None or not before.duration_ms:
        return ("-crf", "20")
    most = int(fit.bytes_max * spare * 8000 / before.duration_ms) - _AUDIO_BITRATE
    if most < _LEAST_BITRATE:
        raise Unfit("cannot-fit", "It is too long to be made small enough for this platform. Cut it.")
    return ("-crf", "20", "-maxrate", str(most), "-bufsize", str(most))


def _run(ffmpeg: str, source: Path, arguments: Sequence[str], *, before: Sequence[str] = ()) -> None:
    """Let ffmpeg read this file, as what it is and nothing else: no playlist, no address, no other file.

    Raises:
        Unfit: it could not.
    """
    command = [ffmpeg, "-v", "error", "-nostdin", "-y", "-threads", "2", "-filter_threads", "1", *before]
    command += ["-protocol_whitelist", "file", "-f", "mov", "-i", str(source), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, preexec_fn=bound_to_parent)  # noqa: S603
    if done.returncode != 0:
        raise Unfit("damaged", _DAMAGED)
