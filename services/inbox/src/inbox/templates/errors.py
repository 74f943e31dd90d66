from collections.abc import Sequence

from inbox.templates.special import Breach
from kit.errors import Conflict, FieldError, Invalid, NotFound


class TemplateNotFound(NotFound):
    """There is no such template in this organization."""

    code = "template-not-found"


class SyncNotFound(NotFound):
    """The templates were never read under this id."""

    code = "template-sync-not-found"


class TemplateExists(Conflict):
    """There is a template of this name in this language; change that one."""

    code = "template-exists"


class TemplatesElsewhere(Conflict):
    """Templates belong to a connected channel of WhatsApp."""

    code = "templates-need-whatsapp"


class TemplateRefused(Invalid):
    """WhatsApp would refuse this template; correct what is named and submit it again."""

    code = "template-breaks-rules"

    def __init__(self, breaches: Sequence[Breach]) -> None:
        super().__init__(errors=[FieldError(each.pointer, f"{each.component}: {each.fix}") for each in breaches])


class NothingToSubmit(Conflict):
    """There is no draft of this template."""

    code = "template-without-draft"


class TemplateUnderWay(Conflict):
    """WhatsApp has this template in hand; wait for its answer."""

    code = "template-under-way"


class TemplateLimit(Conflict):
    """WhatsApp allows no more of this for now; see how many and until when."""

    code = "template-limit"


class TemplateNotSendable(Conflict):
    """This template cannot be sent now; see its status and use another one."""

    code = "template-not-sendable"


class TemplateValuesWrong(Invalid):
    """The template was approved with other variables; correct what is named."""

    code = "template-values-wrong"
