from publisher.platforms.tiktok.platform import TikTok

__all__ = ["TikTok"]
