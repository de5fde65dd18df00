"""Groups in children, results after the exit, a child that cancels its parent, spawn from a child."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def value(n):
    await asyncio.sleep(0)
    return n

async def fails(n, passes):
    for _ in range(passes):
        await asyncio.sleep(0)
    raise ValueError(n)

async def main():
    async with asyncio.TaskGroup() as tg:
        ts = [tg.create_task(value(i), name=f"child {i}") for i in range(3)]
    log([t.result() for t in ts], [t.get_name() for t in ts])

    async def subtree():
        async with asyncio.TaskGroup() as tg:
            tg.create_task(fails("deep", 2))
            tg.create_task(asyncio.sleep(10))
    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(subtree())
            tg.create_task(fails("near", 1))
    except* ValueError as eg:
        log(eg, len(eg.exceptions))

    async def cancels_parent(parent):
        parent.cancel("by a child")
        await asyncio.sleep(10)
    async def parent():
        async with asyncio.TaskGroup() as tg:
            tg.create_task(cancels_parent(asyncio.current_task()))
    t = asyncio.create_task(parent())
    log(await caught(t), t.cancelled(), t.cancelling())

    async def spawner(tg, depth):
        if depth:
            tg.create_task(spawner(tg, depth - 1))
        await asyncio.sleep(0)
        log("spawned", depth)
    async with asyncio.TaskGroup() as tg:
        tg.create_task(spawner(tg, 3))
    log("all awaited")

    async with asyncio.TaskGroup() as tg:
        done = tg.create_task(value("first"))
        log(await done)
        log(await tg.create_task(value("second")))
    try:
        async with asyncio.TaskGroup() as tg:
            failing = tg.create_task(fails("awaited in the body", 0))
            await failing
    except BaseException as e:
        log(e)

asyncio.run(main())
