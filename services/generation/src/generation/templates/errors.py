from kit.errors import Conflict, Invalid, NotFound


class TemplateNotFound(NotFound):
    """There is no such template, or no such version of it."""

    code = "template-not-found"


class TemplateNotFilledIn(Invalid):
    """What the template needs is missing, or is not of the right kind."""

    code = "template-not-filled-in"


class TooManyTemplates(Conflict):
    """An organization has at most 200 templates."""

    code = "too-many-templates"
