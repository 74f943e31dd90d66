from sandbox.threads.member import Threads

__all__ = ["Threads"]
