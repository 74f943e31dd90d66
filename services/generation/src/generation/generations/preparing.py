"""What somebody asks for, with the template and the brand voice that they chose laid upon it."""

from dataclasses import dataclass, replace
from uuid import UUID

from generation.generations.model import Wanted
from generation.generations.speaking import speaking
from generation.templates.service import TemplateService, checked
from generation.voices.service import VoiceService


@dataclass(frozen=True, slots=True)
class Preparing:
    """Lays templates and voices upon what is asked; both stay as they are now, whatever is changed meanwhile."""

    voices: VoiceService
    templates: TemplateService

    async def prepared(self, wanted: Wanted, organization_id: UUID) -> Wanted:
        """What is asked, as it goes to a model.

        Raises:
            TemplateNotFound, TemplateNotFilledIn: there is no such template, or something is missing or wrong in it.
            VoiceNotFound, VoiceNotReady: the voice that is named is not there, or has learned nothing.
        """
        return await speaking(await self._laid_out(wanted, organization_id), self.voices, organization_id)

    async def _laid_out(self, wanted: Wanted, organization_id: UUID) -> Wanted:
        choice = wanted.template_choice
        if choice is None:
            return wanted
        template = await self.templates.chosen(organization_id, choice["id"], choice["number"])
        values = checked(template, choice["variables"])
        laid_out = template.laid_out(values, wanted.platforms)
        return replace(
            wanted, subject="\n".join(laid_out["values"].values()), template=laid_out, template_choice=None
        )
