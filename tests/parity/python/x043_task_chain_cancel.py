"""Cancelling the middle, the top and the bottom of a chain of tasks, with one that swallows."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def level(n, below, swallow=None):
    try:
        if below is None:
            await asyncio.sleep(10)
        else:
            await below
        log("  level", n, "normal")
        return n
    except asyncio.CancelledError as e:
        log("  level", n, e, asyncio.current_task().cancelling())
        if swallow == n:
            return n
        raise

async def run(label, cancel, swallow=None):
    log(label)
    ts = []
    for n in range(4):
        ts.append(asyncio.create_task(level(n, ts[-1] if ts else None, swallow)))
    for _ in range(2):
        await asyncio.sleep(0)
    ts[cancel].cancel("down")
    await asyncio.wait(ts)
    log("  cancelled", [t.cancelled() for t in ts], [t.cancelling() for t in ts])

async def main():
    await run("the top", 3)
    await run("the bottom", 0)
    await run("the middle", 2)
    await run("the top, the bottom swallows", 3, 0)
    await run("the top, level 2 swallows", 3, 2)

    log("cancelled in each of its first passes")
    for k in range(4):
        out = []
        async def body():
            try:
                for i in range(3):
                    out.append(i)
                    await asyncio.sleep(0)
                out.append("end")
            finally:
                out.append("finally")
        t = asyncio.create_task(body())
        for _ in range(k):
            await asyncio.sleep(0)
        accepted = t.cancel()
        await asyncio.wait([t])
        log(" ", k, accepted, out, t.cancelled())

asyncio.run(main())
