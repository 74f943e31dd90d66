"""Traffic on a platform of its own that is shot at by a plan, and an accountant who compares the books afterwards."""

from local.chaos.run import chaos

__all__ = ["chaos"]
