"""Eager tasks: cancelled after their first step, failing at once, in a group, cancelling themselves."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def blocks(n):
    log("  start", n)
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as e:
        log("  cancelled", n, e)
        raise

async def instant(n):
    return n

async def fails():
    raise ValueError("at once")

async def cancels_itself(wait):
    asyncio.current_task().cancel("self")
    if wait:
        await asyncio.sleep(0)
    return "lost"

async def main():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    t = asyncio.create_task(blocks("a"))
    log("suspended", t.done(), t.cancel("stop"))
    log(await caught(t))

    t = asyncio.create_task(fails())
    log("failed at once", t.done(), t.exception())

    for wait in (False, True):
        t = asyncio.create_task(cancels_itself(wait))
        log("itself", t.done(), await caught(t), t.cancelled())

    log("group")
    async with asyncio.TaskGroup() as tg:
        ts = [tg.create_task(instant(n)) for n in "xyz"]
        log([t.done() for t in ts])
    log([t.result() for t in ts])
    try:
        async with asyncio.TaskGroup() as tg:
            b = tg.create_task(blocks("b"))
            tg.create_task(fails())
            log("the body goes on to its next await")
            await asyncio.sleep(0)
            log("not reached")
    except* ValueError as eg:
        log(eg, b.cancelled(), asyncio.current_task().cancelling())

    log("depth")
    async def nested(n):
        if n:
            t = asyncio.create_task(nested(n - 1))
            log("  level", n, "child done", t.done())
            return await t + 1
        return 0
    log(await nested(3))
    loop.set_task_factory(None)
    t = asyncio.create_task(instant("lazy"))
    log(t.done(), await t)

asyncio.run(main())
