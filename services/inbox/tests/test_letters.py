"""A letter to many is put together once; each of them reads what they would have read alone."""

from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from inbox.broadcasts.composing import letter
from inbox.broadcasts.model import Variant
from inbox.messages.model import Content
from inbox.templates.errors import TemplateValuesWrong
from kit.ids import new_id

FROZEN: dict[str, Any] = {
    "name": "news",
    "language": "en_US",
    "category": "MARKETING",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "For you"},
        {"type": "BODY", "text": "Hello {{1}}, {{2}} and {{1}} once more: {{3}}."},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Good"}]},
    ],
    "fallbacks": {"3": "nothing"},
}
VARIABLES = {
    "1": "{{contact.first_name|there}}",
    "2": "you of {{contact.phone}}",
    "3": "{{contact.email}}",
}
names = st.one_of(st.text(max_size=20), st.sampled_from(["", "Anna", "{{1}}", "\ufdd01\ufdd0", "a\nb", "a      b"]))


@given(names, names, names)
@example("\ufdd02\ufdd0", "\ufdd01\ufdd0", "")
def test_each_reads_what_they_would_have_read_alone(name: str, phone: str, email: str) -> None:
    made = letter(Variant(template_id=new_id(), variables=VARIABLES, frozen=FROZEN))
    assert made.shape is not None
    known = {"contact.first_name": name, "contact.phone": phone, "contact.email": email}
    values = {each: value for each, value in known.items() if value}
    assert said(made.content, values) == said(replace(made, shape=None).content, values)


def said(content: Any, values: dict[str, str]) -> Content | str:
    try:
        made: Content = content(values)
    except TemplateValuesWrong as wrong:
        return str(wrong.errors)
    return made
