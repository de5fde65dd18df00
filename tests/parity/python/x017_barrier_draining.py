"""Barrier: newcomers wait while it drains; abort and reset while full; one party; async with."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def worker(name, bar):
    try:
        i = await bar.wait()
        log(name, "index", i, "waiting", bar.n_waiting)
    except (asyncio.BrokenBarrierError, asyncio.CancelledError) as e:
        log(name, type(e).__name__)

async def main():
    one = asyncio.Barrier(1)
    log("one party", await one.wait(), await one.wait())

    bar = asyncio.Barrier(2)
    ts = [asyncio.create_task(worker(n, bar)) for n in "ABCD"]
    await asyncio.gather(*ts)

    log("abort with waiters, then reset")
    t = asyncio.create_task(worker("E", bar))
    await asyncio.sleep(0)
    await bar.abort()
    await bar.abort()
    await t
    log("broken", bar.broken, await caught(bar.wait()) is not None)
    await bar.reset()
    log("broken", bar.broken, "waiting", bar.n_waiting)

    log("everyone cancelled")
    ts = [asyncio.create_task(worker(n, bar)) for n in "F"]
    await asyncio.sleep(0)
    ts[0].cancel()
    await asyncio.wait(ts)
    log("waiting", bar.n_waiting, "broken", bar.broken)
    ts = [asyncio.create_task(worker(n, bar)) for n in "GH"]
    await asyncio.gather(*ts)
    log("parties", bar.parties)

asyncio.run(main())
