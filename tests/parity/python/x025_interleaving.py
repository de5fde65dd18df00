"""sleep(0) round robin, chains of tasks, one pass for each level of task awaiting task."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def steps(n, count, out):
    for i in range(count):
        out.append(f"{n}{i}")
        await asyncio.sleep(0)

async def chain(depth):
    if depth == 0:
        return 0
    return 1 + await asyncio.create_task(chain(depth - 1))

async def nested(depth):
    if depth == 0:
        await asyncio.sleep(0)
        return 0
    return 1 + await nested(depth - 1)

async def main():
    loop = asyncio.get_running_loop()
    out = []
    ts = [asyncio.create_task(steps(n, c, out)) for n, c in (("a", 3), ("b", 1), ("c", 2))]
    loop.call_soon(out.append, "soon")
    await asyncio.gather(*ts)
    log(out)

    ticks = 0
    def tick():
        nonlocal ticks
        ticks += 1
        handle[0] = loop.call_soon(tick)
    handle = [loop.call_soon(tick)]
    await asyncio.sleep(0)
    for depth in (0, 1, 2, 5):
        before = ticks
        await chain(depth)
        mid = ticks
        await nested(depth)
        log("depth", depth, "tasks", mid - before, "coroutines", ticks - mid)
    before = ticks
    await asyncio.gather(*[nested(0) for _ in range(3)])
    log("gather of three", ticks - before)
    before = ticks
    async with asyncio.TaskGroup() as tg:
        tg.create_task(nested(0))
        tg.create_task(nested(0))
    log("group of two", ticks - before)
    before = ticks
    await asyncio.wait_for(asyncio.create_task(nested(0)), 1)
    log("wait_for of a task", ticks - before)
    before = ticks
    await asyncio.shield(asyncio.create_task(nested(0)))
    log("shield of a task", ticks - before)
    handle[0].cancel()

    ev, out = asyncio.Event(), []
    async def waits(n):
        await ev.wait()
        out.append(n)
    ts = [asyncio.create_task(waits(n)) for n in "xyz"]
    await asyncio.sleep(0)
    loop.call_soon(out.append, "before")
    ev.set()
    loop.call_soon(out.append, "after")
    await asyncio.sleep(0)
    log(out)

asyncio.run(main())
