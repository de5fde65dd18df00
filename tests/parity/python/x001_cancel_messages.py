"""Which cancel message arrives: the first where the task was suspended, the last otherwise."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def waits():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as e:
        log("waits got", e)
        raise

async def cancels_itself():
    me = asyncio.current_task()
    me.cancel("one")
    me.cancel("two")
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError as e:
        log("cancels_itself got", e)
        raise

async def awaits(t):
    await t

async def main():
    t = asyncio.create_task(waits())
    await asyncio.sleep(0)
    t.cancel("one"); t.cancel("two")
    log("suspended", await caught(t))

    t = asyncio.create_task(waits())
    t.cancel("one"); t.cancel("two")
    log("not started", await caught(t), "requests", t.cancelling())

    t = asyncio.create_task(cancels_itself())
    log("itself", await caught(t))

    inner = asyncio.create_task(waits())
    outer = asyncio.create_task(awaits(inner))
    await asyncio.sleep(0); await asyncio.sleep(0)
    outer.cancel("through the child")
    log("outer", await caught(outer), "inner", thrown_by(inner.result))

    t = asyncio.create_task(waits())
    await asyncio.sleep(0)
    log("accepted", t.cancel(""), "again", t.cancel(), "done", t.done())
    log("empty", await caught(t))
    log("after the end", t.cancel("late"), t.cancelling())

asyncio.run(main())
