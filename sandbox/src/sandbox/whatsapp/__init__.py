from sandbox.whatsapp.member import WhatsApp

__all__ = ["WhatsApp"]
