from kit.errors import Conflict


class TemplateMissing(Conflict):
    """Choose a template first: the first post is written from it."""

    code = "template-missing"


class OnboardingOver(Conflict):
    """The first steps are completed; what was chosen can no longer be changed here."""

    code = "onboarding-over"
