from collections.abc import Sequence

from auth.statistics.model import Booking, Made
from auth.statistics.repository import GenerationRepository, RevenueRepository
from contracts.generation import GenerationFinished
from contracts.money import PaymentSucceeded, RefundFailed, RefundIssued
from kit.db.database import Transaction


async def on_payments(events: Sequence[PaymentSucceeded], tx: Transaction) -> None:
    """Money that was received."""
    bookings = [Booking(each.payment_id, each.time.date(), each.currency, each.amount) for each in events]
    await RevenueRepository(tx).add("payment", bookings, received=1)


async def on_refunds(events: Sequence[RefundIssued], tx: Transaction) -> None:
    """Money that goes back."""
    bookings = [Booking(each.refund_id, each.time.date(), each.currency, each.amount) for each in events]
    await RevenueRepository(tx).add("refund", bookings, refunded=1)


async def on_failed_refunds(events: Sequence[RefundFailed], tx: Transaction) -> None:
    """Money that did not go back after all."""
    bookings = [Booking(each.refund_id, each.time.date(), each.currency, each.amount) for each in events]
    await RevenueRepository(tx).add("refund-failed", bookings, refunded=-1)


async def on_generations(events: Sequence[GenerationFinished], tx: Transaction) -> None:
    """Something was made."""
    await GenerationRepository(tx).add(
        [Made(each.generation_id, each.time.date(), each.kind, each.cost_micros) for each in events]
    )
