"""Several tasks await one task: a cancel of one awaiter cancels it for all, unless shielded."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def work():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as e:
        log("  work got", e)
        raise

async def awaiter(n, t):
    try:
        await t
    except asyncio.CancelledError as e:
        log(" ", n, "got", e, asyncio.current_task().cancelling())
        raise

async def shielded(n, t):
    try:
        await asyncio.shield(t)
    except asyncio.CancelledError as e:
        log(" ", n, "got", e, asyncio.current_task().cancelling())
        raise

async def main():
    log("direct")
    t = asyncio.create_task(work())
    ts = [asyncio.create_task(awaiter(n, t)) for n in "AB"]
    await asyncio.sleep(0); await asyncio.sleep(0)
    ts[0].cancel("from A")
    await asyncio.wait(ts)
    log("  task", t.cancelled(), t.cancelling(), [x.cancelled() for x in ts])

    log("one is shielded")
    t = asyncio.create_task(work())
    a, b = asyncio.create_task(shielded("A", t)), asyncio.create_task(awaiter("B", t))
    await asyncio.sleep(0); await asyncio.sleep(0)
    a.cancel("from A")
    await asyncio.wait([a])
    log("  task untouched", not t.done(), "B waits", not b.done())
    b.cancel("from B")
    await asyncio.wait([b])
    log("  task", t.cancelled())

    log("both cancelled in one pass")
    t = asyncio.create_task(work())
    ts = [asyncio.create_task(awaiter(n, t)) for n in "CD"]
    await asyncio.sleep(0); await asyncio.sleep(0)
    ts[1].cancel("from D"); ts[0].cancel("from C")
    await asyncio.wait(ts)
    log("  task", t.cancelling(), [x.cancelling() for x in ts])

asyncio.run(main())
