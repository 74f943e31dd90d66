from sandbox.dns.member import Dns

__all__ = ["Dns"]
