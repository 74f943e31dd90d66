from kit.http.models import Line, Model, Out


class ChangeSignature(Model):
    """Say under which name you answer."""

    name: Line


class SignatureOut(Out):
    """The name under which a member answers: `{{agent.name}}` in texts. Null when they have said none."""

    name: str | None
