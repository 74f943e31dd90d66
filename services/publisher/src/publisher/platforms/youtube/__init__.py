from publisher.platforms.youtube.platform import Addresses, YouTube

__all__ = ["Addresses", "YouTube"]
