"""One message that leaves in several: what the parts are, and how the whole stands by them."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from inbox.channels.base import Capabilities
from inbox.messages.errors import KindNotOffered, TextTooLong
from inbox.messages.model import RISING, Content, Status
from inbox.messages.schemas import CAPTIONED, LONGEST_CAPTION, Attach, SendMessage

PARTS: Final = "parts"
"""The kind of a whole."""
_BREAKS: Final = ("\n\n", "\n", ". ", " ")
_UNDER_WAY: Final = (Status.HELD, Status.QUEUED)


@dataclass(frozen=True, slots=True)
class Part:
    """What leaves as one message of the platform."""

    kind: str
    content: Content


@dataclass(frozen=True, slots=True)
class Stands:
    """How one part stands."""

    status: Status
    code: str = ""
    reason: str = ""


def planned(wanted: SendMessage, can: Capabilities) -> list[Part]:
    """The parts in which a message leaves, in their order; mostly one.

    A text that the channel takes in one medium's caption goes with it; what it shows no caption of, or not there,
    becomes a text of its own behind the medium.

    Raises:
        KindNotOffered: the channel does not take one of the kinds.
        TextTooLong: the channel counts its texts, and this is beyond that.
    """
    if wanted.type not in can.sends and not (wanted.attachments and wanted.text is None):
        raise KindNotOffered(wanted.type, can.sends)
    for i, each in enumerate(wanted.attachments or ()):
        if each.type not in can.sends:
            raise KindNotOffered(each.type, can.sends, f"#/attachments/{i}/type")
    if can.measure is not None and wanted.text is not None:
        _, segments = can.measure(wanted.text)
        if segments > can.most_parts:
            raise TextTooLong(can.text_length)
    if wanted.type != "text":
        return [Part(wanted.type, wanted.content())]
    text, attachments = wanted.text, list(wanted.attachments or ())
    if text is not None and len(attachments) == 1 and _takes(can, attachments[0], text):
        attachments, text = [attachments[0].model_copy(update={"caption": text})], None
    longest = can.text_length if can.measure is None else len(text or "")
    said = [Part("text", Content(each)) for each in split(text or "", max(1, longest))]
    parts = [*said, *(part for each in attachments for part in _attached(each, can))]
    tag: dict[str, str] = {} if wanted.tag is None else {"tag": wanted.tag}
    return [_measured(replace(each, content=_tagged(each.content, tag)), can) for each in parts]


def _takes(can: Capabilities, medium: Attach, text: str) -> bool:
    """Whether a text may stand below a medium."""
    return can.captions and medium.type in CAPTIONED and not medium.caption and len(text) <= LONGEST_CAPTION


def _attached(medium: Attach, can: Capabilities) -> Iterator[Part]:
    shown = can.captions and medium.type in CAPTIONED
    yield Part(medium.type, medium.content(captioned=shown))
    if medium.caption is not None and not shown:
        yield Part("text", Content(medium.caption))


def _tagged(content: Content, tag: dict[str, str]) -> Content:
    return replace(content, detail={**content.detail, **tag})


def _measured(part: Part, can: Capabilities) -> Part:
    """With the segments that it is sent in, where a channel counts them."""
    if can.measure is None or part.kind != "text":
        return part
    encoding, segments = can.measure(part.content.text or "")
    return replace(part, content=_tagged(part.content, {}) if not segments else _counted(part, encoding, segments))


def _counted(part: Part, encoding: str, segments: int) -> Content:
    return replace(part.content, detail={**part.content.detail, "encoding": encoding, "parts": segments})


def split(text: str, longest: int) -> list[str]:
    """The text in pieces of at most so many characters: at a paragraph, a line, a sentence, a word, else anywhere.

    Nothing but blanks at the cuts is lost, and no letter is torn from its accents.
    """
    pieces: list[str] = []
    rest = text
    while len(rest) > longest:
        at = _cut(rest, longest)
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    pieces.append(rest)
    return [each for each in pieces if each]


def _cut(text: str, longest: int) -> int:
    for mark in _BREAKS:
        at = text.rfind(mark, 0, longest)
        if at > longest // 2:
            return at + len(mark.rstrip())
    at = longest
    while at > 1 and _belongs(text[at]):
        at -= 1
    return at if at > 1 else longest


def _belongs(character: str) -> bool:
    """Whether it only means something behind the character before it."""
    return unicodedata.combining(character) != 0 or character in "\u200d\ufe0e\ufe0f"


def standing_of_whole(parts: Sequence[Stands]) -> Stands:
    """How the whole stands: as its slowest part, or failed once nothing is under way and a part has failed."""
    failed = [each for each in parts if each.status is Status.FAILED]
    waiting = [each.status for each in parts if each.status in _UNDER_WAY]
    if failed and not waiting:
        if len(failed) == len(parts):
            return failed[0]
        reason = f"{len(failed)} of {len(parts)} parts failed, the others left: {failed[0].reason}"
        return Stands(Status.FAILED, "partly-failed", reason)
    if failed:
        return Stands(min(waiting, key=RISING.index))
    return Stands(min((each.status for each in parts), key=RISING.index))
