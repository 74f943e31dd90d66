"""Which model is asked: by what the task needs, by quality and cost, and by how its provider is doing."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from generation.providers.base import Provider
from generation.providers.prices import Model, Use
from kit.errors import Invalid, TransientError
from kit.http.breaker import Breaker

Quality = Literal["fast", "balanced", "best"]
_NEEDED: Final[Mapping[Quality, int]] = {"fast": 1, "balanced": 2, "best": 3}


class ModelNotPriced(Invalid):
    """This model is not known here, or nobody has said what it costs: it is never called."""

    code = "model-not-priced"


class NoModel(TransientError):
    """No model is at hand for this just now; try again in a minute."""

    code = "no-model"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model where it runs; its breaker is its own, so that one that fails does not close the others."""

    provider: Provider
    model: Model
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class Routes:
    """All deployments there are."""

    deployments: Sequence[Deployment]

    def candidates(
        self, use: Use, quality: Quality = "balanced", model: str | None = None, *, sees: bool = False
    ) -> Iterator[Deployment]:
        """Those that do, the cheapest first, each only while its breaker lets calls through.

        With `sees` only those that can be shown pictures.

        Whoever takes one must report what became of the call to its breaker.

        Raises:
            ModelNotPriced: a model is named that has no price.
        """
        found = [each for each in self.deployments if each.model.use == use and (each.model.vision or not sees)]
        if model is not None:
            found = [each for each in found if each.model.id == model]
            if not found:
                raise ModelNotPriced
        else:
            fit = [each for each in found if each.model.quality >= _NEEDED[quality]]
            rest = sorted((each for each in found if each not in fit), key=lambda each: -each.model.quality)
            found = sorted(fit, key=_cost) + rest
        for each in found:
            if each.breaker.let_through() == 0.0:
                yield each

    def named(self, model: str) -> Model | None:
        """A model by its id."""
        return next((each.model for each in self.deployments if each.model.id == model), None)

    def for_batches(self, quality: Quality, providers: Container[str]) -> Model | None:
        """The cheapest that is good enough, of those whose provider works through batches."""
        found = [
            each
            for each in self.deployments
            if each.model.use == "text" and each.model.batch and each.provider.name in providers
        ]
        fit = [each for each in found if each.model.quality >= _NEEDED[quality]]
        return min(fit or found, key=_cost).model if found else None

    def plain(self, use: Use) -> Model | None:
        """The model of the plain way: the best and dearest of all, for everything."""
        found = [each.model for each in self.deployments if each.model.use == use]
        return max(found, key=lambda each: (each.quality, each.input + each.output), default=None)


def _cost(deployment: Deployment) -> tuple[float, str]:
    model = deployment.model
    return (float(model.input + 2 * model.output), model.id)
