"""TaskGroup: create_task before, after, and while it shuts down; entered twice."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def fails():
    raise ValueError("child")

async def nothing():
    log("ran")

def refused(tg, label):
    c = nothing()
    e = thrown_by(tg.create_task, c)
    c.close()
    log(label, type(e).__name__, str(e).endswith(("has not been entered", "is finished", "is shutting down")))
    return str(e)

async def late(tg, label):
    try:
        await asyncio.sleep(10)
    finally:
        log(refused(tg, label).endswith("is shutting down"))

async def main():
    tg = asyncio.TaskGroup()
    log(refused(tg, "before").endswith("has not been entered"))
    async with tg:
        pass
    log(refused(tg, "after").endswith("is finished"))

    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(late(tg, "child in clean-up"))
            tg.create_task(fails())
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                log(refused(tg, "body in clean-up").endswith("is shutting down"))
                raise
    except* ValueError as eg:
        log(eg, asyncio.current_task().cancelling())

    async def spawns(tg):
        await asyncio.sleep(0)
        tg.create_task(nothing())
        log("spawned at the exit")
    async with asyncio.TaskGroup() as tg:
        tg.create_task(spawns(tg))
    log("the exit waited for what was spawned during it")

asyncio.run(main())
