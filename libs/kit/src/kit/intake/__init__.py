"""Intake: what others send us by webhook is verified on its bytes, stored, answered, and then reduced in order.

Receiving never depends on the health of what comes after it.
"""
