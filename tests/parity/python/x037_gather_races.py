"""A task in gather: cancelled in the pass in which the children end, shielded, inside a group."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def leaf(n, passes):
    try:
        for _ in range(passes):
            await asyncio.sleep(0)
        log("  leaf", n, "done")
        return n
    except asyncio.CancelledError:
        log("  leaf", n, "cancelled")
        raise

async def gathers(*aws, **options):
    try:
        r = await asyncio.gather(*aws, **options)
        log("  gathered", r)
    except BaseException as e:
        log("  gathers got", type(e).__name__, asyncio.current_task().cancelling())
        raise

async def main():
    for extra in range(4):
        log("children end,", extra, "passes later the cancel")
        f = asyncio.get_running_loop().create_future()
        t = asyncio.create_task(gathers(f, asyncio.shield(f)))
        await asyncio.sleep(0)
        f.set_result("f")
        for _ in range(extra):
            await asyncio.sleep(0)
        accepted = t.cancel()
        await asyncio.wait([t])
        log("  accepted", accepted, "cancelled", t.cancelled())

    log("a shielded gather goes on")
    g = asyncio.gather(leaf("a", 3), leaf("b", 2))
    async def shielded():
        await asyncio.shield(g)
    t = asyncio.create_task(shielded())
    await asyncio.sleep(0)
    t.cancel()
    await asyncio.wait([t])
    log("  cancelled", t.cancelled(), "gather", g.done(), await g)

    log("in a group that aborts")
    async def fails():
        await asyncio.sleep(0)
        raise ValueError("abort")
    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(gathers(leaf("c", 100), leaf("d", 1), return_exceptions=True))
            tg.create_task(fails())
    except* ValueError as eg:
        log(" ", eg)

asyncio.run(main())
