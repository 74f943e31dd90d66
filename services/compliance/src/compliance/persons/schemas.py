from uuid import UUID

from pydantic import Field

from compliance.persons.model import PersonKind
from kit.http.models import Model, Out


class PersonIn(Model):
    """Whom it is about: a contact of your organization, or yourself."""

    kind: PersonKind
    id: UUID = Field(description="The id of the contact, or your own as `GET /v1/me` tells it.")


class PersonOut(Out):
    """Whom it is about."""

    kind: PersonKind
    id: UUID
