"""How templates are judged: what is refused at once, what a review says, and what people's reports make of it."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sandbox.json import Object, list_at, object_at, text_at
from sandbox.meta.refusals import Refusal, refuse
from sandbox.whatsapp.notifications import Notifier
from sandbox.whatsapp.templates import Status, Template, Templates
from sandbox.whatsapp.uploads import handles_of
from sandbox.whatsapp.world import Wait, World

CREATIONS_PER_HOUR = 100
EDITS_PER_DAY = 1
DAY = 86_400.0
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_EDITABLE = ("APPROVED", "REJECTED", "PAUSED")

Category = Literal["MARKETING", "UTILITY", "AUTHENTICATION"]
Event = Literal[
    "APPROVED",
    "REJECTED",
    "PAUSED",
    "DISABLED",
    "FLAGGED",
    "REINSTATED",
    "IN_APPEAL",
    "PENDING",
    "PENDING_DELETION",
    "ARCHIVED",
    "LOCKED",
]
_KEPT: dict[str, Status] = {
    "APPROVED": "APPROVED",
    "REINSTATED": "APPROVED",
    "FLAGGED": "APPROVED",
    "LOCKED": "APPROVED",
    "REJECTED": "REJECTED",
    "PAUSED": "PAUSED",
    "DISABLED": "DISABLED",
    "IN_APPEAL": "IN_APPEAL",
    "PENDING": "PENDING",
    "PENDING_DELETION": "PENDING_DELETION",
    "ARCHIVED": "ARCHIVED",
}


class Review(BaseModel):
    """How whatever is submitted from now on is judged; without `after` it stays pending until somebody decides."""

    after: Wait | None = None
    verdict: Literal["APPROVED", "REJECTED"] = "APPROVED"
    reason: Annotated[str, Field(max_length=60)] = "NONE"
    recategorised_as: Category | None = None
    creations_per_hour: Annotated[int, Field(ge=0)] = CREATIONS_PER_HOUR
    edits_per_day: Annotated[int, Field(ge=0)] = EDITS_PER_DAY


class Decision(BaseModel):
    """What becomes of a template now; each member that is given is told by its own webhook."""

    event: Event | None = None
    reason: Annotated[str, Field(max_length=60)] = "NONE"
    title: Annotated[str, Field(max_length=60)] | None = None
    quality: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"] | None = None
    category: Category | None = None
    next_category: Category | None = None


class Reviewing:
    """Judges templates, and tells the business."""

    def __init__(self, world: World, templates: Templates, notifier: Notifier, knows: Callable[[str], bool]) -> None:
        self._world = world
        self._knows = knows
        self._templates = templates
        self._notifier = notifier
        self._created: dict[str, deque[float]] = {}
        self._edited: dict[str, deque[float]] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self.review = Review()

    def begin(self) -> None:
        """As at the start: everything waits, nothing was submitted."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._created.clear()
        self._edited.clear()
        self.review = Review()

    def create(self, waba_id: str, template: Template) -> Template:
        """Take a new template in, or refuse it."""
        for other in self._templates.of(waba_id):
            if (other.name, other.language) == (template.name, template.language):
                raise _exists(other)
        check(template)
        self._check_handles(template)
        _paced(self._created.setdefault(waba_id, deque()), self.review.creations_per_hour, 3600.0)
        changed = {"status": "PENDING", "category": self.review.recategorised_as or template.category}
        kept = self._templates.put(template.model_copy(update=changed))
        self._later(kept)
        return kept

    def _check_handles(self, template: Template) -> None:
        """Samples are named by handles that were given here."""
        for handle in handles_of(template.components):
            if not self._knows(handle):
                raise refuse(100, "(#100) Invalid parameter", user="The header_handle is invalid.")

    def edit(self, template: Template, asked: Object) -> Template:
        """Change a template, which is reviewed again, or refuse to."""
        if template.status not in _EDITABLE:
            raise refuse(100, "(#100) Message template cannot be edited", subcode=2388025, user="It is under review.")
        if template.status == "APPROVED":
            _paced(self._edited.setdefault(template.id, deque()), self.review.edits_per_day, DAY)
        members = {name: asked[name] for name in ("components", "category") if name in asked}
        changed = Template.model_validate({**template.model_dump(), **members, "status": "PENDING"})
        check(changed)
        self._check_handles(changed)
        kept = self._templates.put(changed)
        self._later(kept)
        return kept

    def decide(self, template: Template, decision: Decision) -> Template:
        """Let this become of a template, and tell."""
        told: Object = {
            "message_template_id": int(template.id),
            "message_template_name": template.name,
            "message_template_language": template.language,
        }
        kept = template
        if decision.quality is not None:
            scores: Object = {"previous_quality_score": kept.quality, "new_quality_score": decision.quality}
            kept = kept.model_copy(update={"quality": decision.quality})
            self._notifier.tell_change(kept.waba_id, "message_template_quality_update", {**scores, **told})
        if decision.next_category is not None:
            soon: Object = {"correct_category": decision.next_category, "new_category": kept.category}
            soon["category_update_timestamp"] = int(time.time() + DAY)
            self._notifier.tell_change(kept.waba_id, "template_category_update", {**told, **soon})
        if decision.category is not None:
            was: Object = {"previous_category": kept.category, "new_category": decision.category}
            kept = kept.model_copy(update={"category": decision.category})
            self._notifier.tell_change(kept.waba_id, "template_category_update", {**told, **was})
        if decision.event is not None:
            kept = kept.model_copy(update={"status": _KEPT[decision.event], "rejected_reason": decision.reason})
            self._tell(kept, decision, told)
        return self._templates.put(kept)

    def _tell(self, template: Template, decision: Decision, told: Object) -> None:
        value: Object = {"event": decision.event, **told, "reason": decision.reason}
        value["message_template_category"] = template.category
        if decision.title is not None:
            value["other_info"] = {"title": decision.title, "description": "As people have reported it."}
        if decision.reason == "INVALID_FORMAT":
            value["rejection_info"] = {"reason": "A part has a wrong format.", "recommendation": "Correct it."}
        self._notifier.tell_change(template.waba_id, "message_template_status_update", value)

    def _later(self, template: Template) -> None:
        if self.review.after is None:
            return
        decision = Decision(event=self.review.verdict, reason=self.review.reason)

        def now() -> None:
            self._timers.discard(timer)
            kept = self._templates.by_id(template.id)
            if kept is not None and kept.status == "PENDING":
                self.decide(kept, decision)

        timer = asyncio.get_running_loop().call_later(self.review.after, now)
        self._timers.add(timer)


def check(template: Template) -> None:
    """Refuse what Meta refuses at once, with its codes."""
    for component in template.components:
        one: Object = dict(component)
        kind, text = text_at(one, "type").upper(), text_at(one, "text")
        longest = {"HEADER": 60, "BODY": 1024, "FOOTER": 60}.get(kind)
        if longest is None:
            continue
        if len(text) > longest:
            raise refuse(
                100, "(#100) Invalid parameter", subcode=2388040, user=f"{kind}: at most {longest} characters."
            )
        found = [match.span() for match in _VARIABLE.finditer(text)]
        if kind == "BODY" and found:
            _check_variables(one, text, found)


def _check_variables(body: Object, text: str, found: list[tuple[int, int]]) -> None:
    if found[0][0] == 0 or found[-1][1] == len(text.strip()):
        raise refuse(100, "(#100) Invalid parameter", subcode=2388299, user="Variables stand at the start or end.")
    if len(_VARIABLE.sub(" ", text).split()) < 2 * len(found) + 1:
        raise refuse(100, "(#100) Invalid parameter", subcode=2388293, user="Too many variables for so few words.")
    example = object_at(body, "example")
    if not list_at(example, "body_text") and not list_at(example, "body_text_named_params"):
        raise refuse(100, "(#100) Invalid parameter", subcode=2388043, user="Samples of the variables are missing.")


def _exists(other: Template) -> Refusal:
    if other.status == "PENDING_DELETION":
        return refuse(100, "(#100) Invalid parameter", subcode=2388023, user="It is being deleted; try in 4 weeks.")
    return refuse(
        100, "(#100) Invalid parameter", subcode=2388024, user="There is already content for this template."
    )


def _paced(times: deque[float], allowed: int, within: float) -> None:
    now = time.time()
    while times and times[0] <= now - within:
        times.popleft()
    if len(times) >= allowed:
        raise refuse(80008, "(#80008) There have been too many calls to this WhatsApp Business account.", status=429)
    times.append(now)
