"""When the platform's lists of templates are read without anybody asking: on connecting, and from time to time."""

from .house import House

HOUR = 3600.0


async def readings(house: House) -> int:
    """How many were begun by now."""
    while await house.parts.rereading.run():
        pass
    return await house.count("SELECT count(*) FROM message_template_syncs")


async def test_the_list_is_read_once_a_channel_is_connected_and_again_when_it_is_connected_anew(house: House) -> None:
    assert await readings(house) == 0
    await house.connected()
    assert (await readings(house), await readings(house)) == (1, 1)
    await house.work()
    assert await house.count("SELECT count(*) FROM message_template_syncs WHERE state = 'done'") == 1
    assert await readings(house) == 1
    await house.forward(1)
    assert (await house.connect()).status_code == 201
    assert await readings(house) == 2


async def test_two_numbers_of_one_account_have_its_list_read_once(house: House) -> None:
    await house.number("100000000000002")
    await house.connected()
    await house.connected("100000000000002")
    assert await readings(house) == 1


async def test_it_is_read_again_after_hours_by_chance_and_sooner_after_a_failure(house: House) -> None:
    await house.connected()
    await readings(house)
    await house.work()
    await house.forward(4.7 * HOUR)
    assert await readings(house) == 1
    await house.forward(2.6 * HOUR)
    assert await readings(house) == 2
    await house.faults({"kind": "refuse_before_effect", "status": 400, "match": {"method": "GET"}, "times": 1})
    await house.work()
    await house.forward(1.3 * HOUR)
    assert await house.count("SELECT count(*) FROM message_template_syncs WHERE state = 'failed'") == 1
    assert await readings(house) == 3


async def test_what_nobody_can_read_is_not_asked_for(house: House) -> None:
    channel = await house.connected()
    await house.ask("DELETE", f"/v1/channels/{channel['id']}")
    assert await readings(house) == 0


async def test_old_readings_are_not_kept(house: House) -> None:
    await house.connected()
    await readings(house)
    await house.work()
    await house.forward(31 * 24 * HOUR)
    assert await readings(house) == 1
    assert await house.count("SELECT count(*) FROM message_template_syncs WHERE state = 'running'") == 1
