"""The Graph API's edges for templates: every call, and what an answer proves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from inbox.channels.calling import answered, object_of
from inbox.channels.catalogue import Catalogue, Rule, same
from inbox.whatsapp.outcomes import ERRORS
from kit.http.client import Answer, Call, Outbound
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

PAGE: Final = 100
_FIELDS: Final = "id,name,language,status,category,components,quality_score,rejected_reason"
_TEMPLATE: Final = "Correct the template and submit it again."


def _wrong(plain: str, advice: str = _TEMPLATE) -> Rule:
    return Rule("our_bug", plain, advice)


TEMPLATE_ERRORS: Final = Catalogue(
    "WhatsApp",
    {
        **ERRORS.rules,
        "80008": Rule(
            "pace", "too many calls to this business account", "Nothing: it is tried later.", "lane", 300.0
        ),
        "100/2388019": _wrong("The account has as many templates as it may.", "Delete some that are not used."),
        "100/2388023": _wrong(
            "A template of this name is being deleted.", "Use another name, or wait for four weeks."
        ),
        "100/2388024": _wrong(
            "There is a template of this name in this language.", "Synchronise, then change that one."
        ),
        "100/2388040": _wrong("A part of the template is too long."),
        "100/2388047": _wrong("The header has a wrong format."),
        "100/2388072": _wrong("The body has a wrong format."),
        "100/2388073": _wrong("The footer has a wrong format."),
        "100/2388293": _wrong("The body has too many variables for so few words."),
        "100/2388299": _wrong("A variable stands at the beginning or the end."),
        **same(
            _wrong(
                "The token may not manage this account's templates.", "Connect with whatsapp_business_management."
            ),
            (10, 200, *range(201, 300)),
        ),
    },
    anything=_wrong("WhatsApp does not accept this template."),
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A template as the platform tells it."""

    id: str
    name: str
    language: str
    status: str
    category: str
    components: Sequence[Mapping[str, Any]]
    quality: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    """What the platform answered to a submission; an edit is answered without these."""

    id: str
    status: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class RemotePage:
    """A page of the platform's list, and the cursor of the next one; empty where it ends."""

    templates: Sequence[Remote]
    after: str


@dataclass(frozen=True, slots=True)
class TemplateGraph:
    """Templates at one address and version; called through the ledger alone.

    All raise Refused, NotAccepted and Unanswered; a token that is refused refuses the call and not its channel.
    """

    outbound: Outbound
    url: str
    version: str
    call_within: float = 15.0

    async def create(self, waba_id: str, token: str, body: Mapping[str, Any], attempt: int) -> Created:
        """Ask for a new template."""
        told = object_of(await self._send("POST", f"{waba_id}/message_templates", token, attempt, body))
        if not isinstance(told.get("id"), str | int) or not str(told["id"]):
            raise Unanswered("the answer names no template")
        return Created(str(told["id"])[:64], str(told.get("status", "")), str(told.get("category", "")))

    async def edit(self, template_id: str, token: str, body: Mapping[str, Any], attempt: int) -> None:
        """Change a template; it is looked at again."""
        told = object_of(await self._send("POST", template_id, token, attempt, body))
        if told.get("success") is False:
            raise Refused("WhatsApp has not changed the template.", code="not-changed")

    async def delete(self, waba_id: str, token: str, name: str, template_id: str, attempt: int) -> None:
        """Delete a template in one language."""
        query = urlencode({"hsm_id": template_id, "name": name})
        await self._send("DELETE", f"{waba_id}/message_templates?{query}", token, attempt)

    async def named(self, waba_id: str, token: str, name: str, language: str, attempt: int) -> Remote | None:
        """The template of this name and language, if the platform has it."""
        after = ""
        while True:
            page = await self.page(waba_id, token, after, attempt, name=name)
            found = [each for each in page.templates if (each.name, each.language) == (name, language)]
            if found or not page.after:
                return found[0] if found else None
            after = page.after

    async def page(self, waba_id: str, token: str, after: str, attempt: int, *, name: str = "") -> RemotePage:
        """A page of the account's templates."""
        query = {"fields": _FIELDS, "limit": str(PAGE)}
        query |= {"after": after} if after else {}
        query |= {"name": name} if name else {}
        answer = await self._send("GET", f"{waba_id}/message_templates?{urlencode(query)}", token, attempt)
        told = object_of(answer)
        data, paging = told.get("data"), told.get("paging")
        if not isinstance(data, list):
            raise Unanswered("the answer lists nothing", said=f"status {answer.status}")
        cursors = paging.get("cursors") if isinstance(paging, dict) else None
        place = cursors.get("after") if isinstance(cursors, dict) else None
        more = isinstance(paging, dict) and bool(paging.get("next")) and bool(data)
        remote = [found for each in data if isinstance(each, dict) and (found := remote_of(each)) is not None]
        return RemotePage(remote, place if more and isinstance(place, str) and place != after else "")

    async def _send(
        self, method: str, path: str, token: str, attempt: int, body: Mapping[str, Any] | None = None
    ) -> Answer:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = orjson.dumps(body)
        call = Call(
            method,
            f"{self.url.rstrip('/')}/{self.version}/{path}",
            headers,
            content,
            deadline=self.call_within,
            attempts=1,
        )
        try:
            return await answered(self.outbound, call, TEMPLATE_ERRORS, template_code, attempt)
        except Parked as trouble:
            raise Refused(trouble.reason, code=trouble.code, said=trouble.said) from trouble
        except Unanswered as trouble:
            if method != "GET":
                raise
            raise NotAccepted(str(trouble), code=trouble.code, said=trouble.said) from trouble


def template_code(answer: Answer) -> str:
    """Code and subcode where both together are known to mean something, else the code alone."""
    try:
        error = orjson.loads(answer.body)["error"]
        code, subcode = error["code"], error.get("error_subcode")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return ""
    if not isinstance(code, int):
        return ""
    both = f"{code}/{subcode}"
    return both if both in TEMPLATE_ERRORS.rules else str(code)


def remote_of(told: Mapping[str, Any]) -> Remote | None:
    """A template in the platform's list; None for what is none."""
    names = [told.get(name) for name in ("id", "name", "language", "status", "category")]
    components, quality = told.get("components"), told.get("quality_score")
    if not all(isinstance(each, str) and each for each in names):
        return None
    score = quality.get("score") if isinstance(quality, dict) else quality
    identity, name, language, status, category = (str(each)[:512] for each in names)
    return Remote(
        identity[:64],
        name,
        language[:20],
        status,
        category,
        [each for each in components if isinstance(each, dict)] if isinstance(components, list) else [],
        score if isinstance(score, str) else "",
        str(told.get("rejected_reason") or "")[:60],
    )
