"""OpenAI's API as a program meets it, with texts that are always the same for the same question."""

from sandbox.openai.member import OpenAi

__all__ = ["OpenAi"]
