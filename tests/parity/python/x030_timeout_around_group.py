"""timeout() around a TaskGroup, and a TaskGroup around timeouts."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def child(n, d):
    try:
        await asyncio.sleep(d)
        log("  child", n, "done")
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        log("  child", n, "cleaned up")
        raise

async def limited(d):
    async with asyncio.timeout(d):
        await asyncio.sleep(10)

async def fails():
    await asyncio.sleep(0)
    raise ValueError("failed")

async def main():
    me = asyncio.current_task()
    log("timeout around a group")
    try:
        async with asyncio.timeout(0.01) as tm:
            async with asyncio.TaskGroup() as tg:
                tg.create_task(child("a", 10))
                tg.create_task(child("b", 0))
    except TimeoutError:
        log("  TimeoutError", tm.expired(), me.cancelling())

    log("group around timeouts")
    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(limited(0.005))
            tg.create_task(child("c", 10))
    except* TimeoutError as eg:
        log(" ", eg, me.cancelling())

    log("the group fails inside a timeout")
    try:
        async with asyncio.timeout(1) as tm:
            async with asyncio.TaskGroup() as tg:
                tg.create_task(fails())
                await asyncio.sleep(10)
    except* ValueError as eg:
        log(" ", eg, tm.expired(), me.cancelling())

    log("the body's own timeout")
    async with asyncio.TaskGroup() as tg:
        t = tg.create_task(child("d", 0.01))
        try:
            await asyncio.wait_for(asyncio.sleep(10), 0.002)
        except TimeoutError:
            log("  body goes on", me.cancelling())
    log("  d", t.done(), t.cancelled())

asyncio.run(main())
