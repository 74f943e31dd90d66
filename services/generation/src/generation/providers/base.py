"""What a model is asked, what it answers, and how that may fail; whoever provides it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from generation.calls.model import Usage

Role = Literal["system", "user", "assistant", "tool"]

OVERHEAD: Final = 32
"""Tokens that a provider may add for each message, tool and schema."""

PICTURE: Final = 6_000
"""Tokens set aside for a picture: more than any model here takes for one that is not asked for in its full size."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a model is shown."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may ask to have done, with the JSON schema of its arguments; asking does nothing by itself."""

    name: str
    says: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks for a tool; `arguments` are JSON as the model wrote them, and may be anything."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a model.

    One of the assistant may have asked for tools; one of the role `tool` gives the result of the call it answers.
    """

    role: Role
    text: str
    pictures: Sequence[Picture] = ()
    calls: Sequence[ToolCall] = ()
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """The JSON that an answer must be."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a model is asked. It never writes more than `most_tokens`; `hints` are for our own program alone."""

    messages: Sequence[Message]
    most_tokens: int
    shape: Shape | None = None
    hints: Mapping[str, Any] = field(default_factory=dict)
    tools: Sequence[Tool] = ()
    left_out: int = 0
    """About how many tokens compaction has saved."""

    def most_input(self) -> int:
        """More tokens than it can be: each token stands for at least one byte, besides what a provider adds."""
        schemas = [self.shape.schema] if self.shape else []
        schemas += [{each.name: each.says, **each.schema} for each in self.tools]
        texts = [each.text for each in self.messages]
        texts += [call.name + call.arguments for each in self.messages for call in each.calls]
        pictures = PICTURE * sum(len(each.pictures) for each in self.messages)
        size = sum(len(each.encode(errors="surrogatepass")) for each in (*texts, *map(repr, schemas)))
        return size + pictures + OVERHEAD * (len(self.messages) + len(self.tools) + 1)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more of the text."""

    text: str


@dataclass(frozen=True, slots=True)
class End:
    """The answer is complete, or was cut at the most tokens (`whole` is false), or refused by the model itself.

    With `calls` it asks for tools and goes on once they are answered.
    """

    usage: Usage
    whole: bool = True
    refused: bool = False
    calls: Sequence[ToolCall] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a text was judged by: each category with its score, from 0 to 1, and whether it was flagged."""

    scores: Mapping[str, float]
    flagged: frozenset[str]


class NotAccepted(Exception):
    """It is proven that nothing was begun that is billed: another may be asked. `code` is a name of ours."""

    def __init__(self, code: str, retry_after: float = 0.0, *, theirs: bool = True) -> None:
        super().__init__(code)
        self.code, self.retry_after = code, retry_after
        self.theirs = theirs
        """Whether the provider is in trouble, and not our request."""


class Broken(Exception):
    """The answer began and ended midway: what came is billed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unanswered(Exception):
    """It was sent and nobody knows what became of it: it may be billed, and is not repeated."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Provider(Protocol):
    """Whoever runs models."""

    @property
    def name(self) -> str:
        """As it stands in rows."""

    def write(self, model: str, ask: Ask) -> AsyncIterator[Piece | End]:
        """The answer piece by piece, with an `End` as the last.

        Raises:
            NotAccepted, Broken, Unanswered: see there.
        """

    async def embed(self, model: str, texts: Sequence[str]) -> tuple[Sequence[Sequence[float]], Usage]:
        """A vector for each text.

        Raises:
            NotAccepted, Unanswered: see there.
        """

    async def judge(self, model: str, texts: Sequence[str]) -> Sequence[Verdict]:
        """What each text contains that may harm.

        Raises:
            NotAccepted, Unanswered: see there.
        """

    async def close(self) -> None:
        """Let go of connections."""
