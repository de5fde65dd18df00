"""shield of shield, a cancelled shield, two awaiters of one shield, a shield in wait_for."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def work(n=3):
    for _ in range(n):
        await asyncio.sleep(0)
    log("  work done")
    return "worked"

async def guard(aw, name):
    try:
        log(" ", name, "got", await aw)
    except asyncio.CancelledError as e:
        log(" ", name, "cancelled", e, asyncio.current_task().cancelling())
        raise

async def main():
    log("shield of shield")
    t = asyncio.create_task(work())
    o = asyncio.create_task(guard(asyncio.shield(asyncio.shield(t)), "outer"))
    await asyncio.sleep(0); await asyncio.sleep(0)
    o.cancel("outer only")
    await asyncio.wait([o])
    log("  inner alive", not t.done(), await t)

    log("the shield itself is cancelled")
    t = asyncio.create_task(work())
    s = asyncio.shield(t)
    log("  cancel", s.cancel("stop"), s.cancelled(), s.cancel())
    log("  await", await caught(s), "inner", await t)

    log("two awaiters of one shield")
    t = asyncio.create_task(work(5))
    s = asyncio.shield(t)
    a = asyncio.create_task(guard(s, "a"))
    b = asyncio.create_task(guard(s, "b"))
    await asyncio.sleep(0)
    a.cancel("only a")
    await asyncio.wait([a, b])
    log("  requests", a.cancelling(), b.cancelling(), "inner done", t.done())
    log(" ", await t)

    log("inner finished while the shield's awaiter was cancelled")
    t = asyncio.create_task(work(0))
    o = asyncio.create_task(guard(asyncio.shield(t), "outer"))
    await asyncio.sleep(0)
    o.cancel("race")
    await asyncio.wait([o])
    log("  outer cancelled", o.cancelled(), "inner result", t.result())

asyncio.run(main())
