"""Whether messages may be made of a template now."""

from inbox.templates.errors import TemplateNotSendable
from inbox.templates.model import Template


def sendable(template: Template) -> Template:
    """The template, where messages may be made of it now.

    Raises:
        TemplateNotSendable: it is not approved, or stopped.
    """
    if not template.sendable:
        told = f"The template is {template.status}. {template.reason}".strip()
        raise TemplateNotSendable(told, template_status=template.status)
    return template
