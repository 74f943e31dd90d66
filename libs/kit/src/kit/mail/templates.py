"""What mails say: a subject, a text and a page for each template and language."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from kit.mail.locales import FALLBACK
from kit.mail.model import Parameter

LONGEST_SUBJECT: Final = 120
_LONGEST_VALUE: Final = 2000


@dataclass(frozen=True, slots=True)
class Words:
    """A mail's subject and its text in both forms."""

    subject: str
    text: str
    html: str


class Templates:
    """The templates of a service: `templates/<name>/<locale>.subject.j2`, `.txt.j2`, `.html.j2` in its package.

    Pages extend `layout.html.j2`, of which a service may bring its own. A locale that a template lacks is answered in
    English. A parameter that is missing is an error. Whatever is put in becomes one line without control characters,
    and in pages it is escaped, so that a name can be neither a header nor a tag nor a paragraph.
    """

    def __init__(self, where: str | Path) -> None:
        folder = where if isinstance(where, Path) else Path(str(files(where))) / "templates"
        self._folder = folder
        self._locales: dict[str, frozenset[str]] = {}
        self._text = _environment(folder, autoescape=False)
        self._html = _environment(folder, autoescape=True)

    def locales(self, template: str) -> frozenset[str]:
        """The languages a template is written in."""
        if template not in self._locales:
            found = (self._folder / template).glob("*.subject.j2")
            self._locales[template] = frozenset(file.name.removesuffix(".subject.j2") for file in found)
        return self._locales[template]

    def render(self, template: str, locale: str, parameters: Mapping[str, Parameter]) -> Words:
        """The mail in this language, or in English.

        Raises:
            jinja2.UndefinedError: a parameter is missing.
            jinja2.TemplateNotFound: there is no such template.
        """
        spoken = locale if locale in self.locales(template) else FALLBACK
        values = {**parameters, "locale": spoken}

        def rendered(environment: Environment, kind: str, **more: str) -> str:
            return environment.get_template(f"{template}/{spoken}.{kind}.j2").render(**values, **more)

        subject = one_line(rendered(self._text, "subject"))[:LONGEST_SUBJECT].strip()
        if not subject:
            raise TemplateNotFound(f"{template}/{spoken}.subject.j2", "its subject is empty")
        text = rendered(self._text, "txt").strip() + "\n"
        return Words(subject, text, rendered(self._html, "html", subject=subject))


def one_line(text: str) -> str:
    """One line: line breaks, however spelled, become spaces; characters that steer a terminal or an eye go."""
    spaced = " ".join(text.split())
    kept = (each for each in spaced if each in _JOINERS or unicodedata.category(each) not in _STEERING)
    return " ".join("".join(kept).split())


_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"  # scripts and emoji need them


def _tidy(value: Any) -> Any:
    """What is put into a template; marked-up text of the template itself stays."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return one_line(value)[:_LONGEST_VALUE]


@cache
def _environment(folder: Path, *, autoescape: bool) -> Environment:
    """The templates of a folder, each compiled once in a process."""
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(Path(__file__).parent / "templates")]),
        autoescape=autoescape,  # noqa: S701 - subjects and texts are not HTML
        undefined=StrictUndefined,
        finalize=_tidy,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
