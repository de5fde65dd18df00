"""TaskGroup: cancelled twice, cancelled before the body runs on, child and parent fail in one pass."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def quiet(n):
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        log("  quiet", n, "cancelled", asyncio.current_task().cancelling())
        raise

async def fails(e):
    raise e

async def scenario(body):
    me = asyncio.current_task()
    try:
        async with asyncio.TaskGroup() as tg:
            await body(tg)
        log("  left normally")
    except BaseException as e:
        log("  left with", e, "requests", me.cancelling())
        raise

async def run(label, body, *cancels):
    log(label)
    t = asyncio.create_task(scenario(body))
    await asyncio.sleep(0); await asyncio.sleep(0)
    for c in cancels:
        t.cancel(c)
        await asyncio.sleep(0)
    await asyncio.wait([t])
    log("  cancelled", t.cancelled(), "requests", t.cancelling())
    if not t.cancelled():
        t.exception()

async def main():
    async def in_body(tg):
        tg.create_task(quiet(1))
        await asyncio.sleep(10)
    await run("cancelled in the body", in_body, "c1")
    async def exit_only(tg):
        tg.create_task(quiet(3))
    await run("cancelled twice at the exit", exit_only, "c1", "c2")
    async def both(tg):
        tg.create_task(fails(ValueError("child")))
        raise RuntimeError("body")
    await run("child and body fail", both)
    async def body_cancels(tg):
        tg.create_task(quiet(4))
        await asyncio.sleep(0)
        raise asyncio.CancelledError("by hand")
    await run("the body raises CancelledError by hand", body_cancels)
    async def cancels_itself(tg):
        tg.create_task(quiet(5))
        await asyncio.sleep(0)
        asyncio.current_task().cancel("self")
    await run("the body cancels its task and leaves", cancels_itself)
    async def swallow(tg):
        tg.create_task(fails(ValueError("early")))
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("  body swallows")
    await run("the body swallows the group's cancel", swallow)

asyncio.run(main())
