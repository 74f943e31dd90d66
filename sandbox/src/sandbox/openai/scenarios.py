"""What the model shall do wrong, as those who watch wish."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Kind = Literal[
    "none",
    "rate_limited",
    "quota",
    "fails",
    "overloaded",
    "slow",
    "dies_midway",
    "error_midway",
    "garbage",
    "too_long",
    "refuses",
    "wrong_language",
    "empty",
    "says",
    "script",
]


class CallIn(BaseModel):
    """A tool that the model asks for."""

    name: Annotated[str, Field(max_length=64)]
    arguments: dict[str, JsonValue] | str = Field(default_factory=dict)
    """As they are written; a text goes out as it is, so that it may be no JSON."""


class StepIn(BaseModel):
    """What the model says to one question, and the tools that it asks for."""

    text: Annotated[str, Field(max_length=200_000)] = ""
    calls: Annotated[list[CallIn], Field(max_length=50)] = Field(default_factory=list)


class Scenario(BaseModel):
    """What happens to the next `times` questions of the models whose id begins so; null is all of them."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = "none"
    times: Annotated[int, Field(ge=1)] | None = None
    model: str = ""
    seconds: Annotated[float, Field(ge=0, le=120)] = 0.0
    """How long `slow` takes before the first word."""
    text: Annotated[str, Field(max_length=200_000)] = ""
    """What is said by `says`."""
    steps: Annotated[list[StepIn], Field(max_length=100)] = Field(default_factory=list)
    """What `script` says to one question of /chat/completions after the other; then all goes well again."""


class Stage:
    """The scenario that plays."""

    def __init__(self) -> None:
        self.scenario = Scenario()

    def begin(self, scenario: Scenario) -> None:
        """Play this one from now on."""
        self.scenario = scenario

    def next(self, model: str) -> Scenario:
        """What happens to one question; it is one time less then."""
        playing = self.scenario
        if playing.kind == "none" or not model.startswith(playing.model):
            return Scenario()
        if playing.kind == "script":
            left = playing.steps[1:]
            self.scenario = playing.model_copy(update={"steps": left}) if left else Scenario()
            return playing if playing.steps else Scenario()
        if playing.times is not None:
            rest = playing.times - 1
            self.scenario = playing.model_copy(update={"times": rest}) if rest else Scenario()
        return playing
