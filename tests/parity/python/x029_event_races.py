"""Event: a waiter cancelled in the pass of set(); set from another waiter; many rounds."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def waiter(name, ev):
    try:
        await ev.wait()
        log(name, "woken", ev.is_set())
    except asyncio.CancelledError:
        log(name, "cancelled")
        raise

async def main():
    ev = asyncio.Event()
    a, b, c = (asyncio.create_task(waiter(n, ev)) for n in "ABC")
    await asyncio.sleep(0)
    ev.set()
    b.cancel()
    await asyncio.wait([a, b, c])
    log("B cancelled", b.cancelled())
    ev.clear()
    log("is_set", ev.is_set())

    d, e = (asyncio.create_task(waiter(n, ev)) for n in "DE")
    await asyncio.sleep(0)
    d.cancel()
    ev.set()
    ev.clear()
    f = asyncio.create_task(waiter("F", ev))
    await asyncio.wait([d, e])
    await asyncio.sleep(0)
    log("F waits", not f.done())
    f.cancel()
    await asyncio.wait([f])

    first, second = asyncio.Event(), asyncio.Event()
    async def relay():
        await first.wait()
        second.set()
        log("relayed")
    async def last():
        await second.wait()
        log("last")
    ts = [asyncio.create_task(last()), asyncio.create_task(relay())]
    await asyncio.sleep(0)
    first.set()
    await asyncio.gather(*ts)

asyncio.run(main())
