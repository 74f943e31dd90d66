"""A message made of a template: filled in for one contact, checked against what was approved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from inbox.channels.model import Channel
from inbox.conversations.model import Conversation
from inbox.messages.model import Content
from inbox.messages.schemas import Template
from inbox.templates.components import of_type, text_of
from inbox.templates.errors import TemplateNotFound, TemplateValuesWrong
from inbox.templates.repository import TemplateRepository
from inbox.templates.sending import sendable
from inbox.templates.values import Given, Value, Words, compose
from inbox.templates.variables import variables_of
from inbox.variables.rendering import parsed
from inbox.variables.values import Values
from kit.db.database import Transaction
from kit.errors import FieldError

OFFERED = 10
"""How many templates are named to who may not write freely."""


@dataclass(frozen=True, slots=True)
class Templating:
    """Fills templates in, with the variables of the conversation where values ask for them."""

    values: Values

    async def content(
        self, tx: Transaction, channel: Channel, conversation: Conversation, user_id: UUID, wanted: Template
    ) -> tuple[Content | None, UUID | None]:
        """What is said by it, and which template it is, as far as it is known here.

        By name alone what was given is sent as it is; but of a template that is known to be stopped nothing leaves.

        Raises:
            TemplateNotFound: there is none of this id in the account of the channel.
            TemplateNotSendable: it is not approved, or stopped.
            TemplateValuesWrong: a variable is missing, unknown or of another kind.
        """
        templates = TemplateRepository(tx)
        if wanted.id is None:
            known = await templates.named(channel.waba_id, wanted.name or "", wanted.language or "")
            return None, None if known is None else sendable(known).id
        template = await templates.find(wanted.id)
        if template.waba_id != channel.waba_id:
            raise TemplateNotFound("This channel's business account has no such template.")
        ends = wanted.offer_ends_at
        given = Given(
            await self._filled(tx, conversation, user_id, wanted.variables),
            wanted.header,
            wanted.buttons,
            None if ends is None else int(ends.timestamp() * 1000),
        )
        said = compose(sendable(template).components, template.fallbacks, template.category, given)
        told = {"name": template.name, "language": {"code": template.language}, "components": said.components}
        return Content(said.text, {"template": told}), template.id

    async def _filled(
        self, tx: Transaction, conversation: Conversation, user_id: UUID, given: Mapping[str, Value]
    ) -> dict[str, Value]:
        """Values with what is known for the variables of the conversation that they ask for."""
        texts = {name: _text(each) for name, each in given.items()}
        known = await self.values.known(tx) if any("{{" in each for each in texts.values()) else frozenset()
        made = {
            name: parsed(text, known, f"#/template/variables/{name}") for name, text in texts.items() if "{{" in text
        }
        asked = {name for text in made.values() for name in text.variables}
        values = await self.values.of(tx, conversation, user_id, asked) if asked else {}
        filled = {name: text.filled(values) for name, text in made.items()}
        wrong = [
            FieldError(f"#/template/variables/{name}", f"Nothing is known for {each.missing[0]}; give it a fallback.")
            for name, each in filled.items()
            if each.missing and not each.text.strip()
        ]
        if wrong:
            raise TemplateValuesWrong(errors=wrong)
        return {**given, **{name: each.text for name, each in filled.items()}}


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    return value.text if isinstance(value, Words) else ""


async def offered(tx: Transaction, channel: Channel) -> list[dict[str, Any]]:
    """Templates that may be sent at any time, for who may not write freely; at most ten, by name."""
    return [
        {
            "id": str(each.id),
            "name": each.name,
            "language": each.language,
            "category": each.category,
            "text": text_of(of_type(each.components, "BODY")),
            "variables": variables_of(text_of(of_type(each.components, "BODY"))),
        }
        for each in await TemplateRepository(tx).sendable(channel.waba_id, OFFERED)
    ]


def with_detail(content: Content, more: Content | None) -> Content:
    """What was asked for, or what a template made of it."""
    return content if more is None else replace(more, detail={**content.detail, **more.detail})
