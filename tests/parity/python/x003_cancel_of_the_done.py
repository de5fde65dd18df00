"""cancel() of what is done is refused; cancel() in clean-up interrupts it; a swallowed one is spent."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def cleanup(events):
    try:
        await asyncio.sleep(10)
    finally:
        events.append("cleanup starts")
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as e:
            events.append(fmt(e))
        await asyncio.sleep(0)
        events.append("cleanup ends")

async def value():
    return 5

async def swallows_all():
    for _ in range(3):
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as e:
            log("swallowed", e, asyncio.current_task().cancelling())
    return "survived"

async def main():
    t = asyncio.create_task(value())
    await t
    log("done task", t.cancel("x"), t.cancelling(), t.cancelled(), t.result())

    events = []
    t = asyncio.create_task(cleanup(events))
    await asyncio.sleep(0)
    t.cancel("first")
    await asyncio.sleep(0); await asyncio.sleep(0)
    t.cancel("second")
    log("result", await caught(t), events, t.cancelling())

    t = asyncio.create_task(swallows_all())
    for n in ("1", "2", "3"):
        await asyncio.sleep(0); await asyncio.sleep(0)
        t.cancel(n)
    log(await t, t.cancelled(), t.cancelling())

asyncio.run(main())
