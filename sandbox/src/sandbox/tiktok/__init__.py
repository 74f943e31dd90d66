from sandbox.tiktok.member import TikTok

__all__ = ["TikTok"]
