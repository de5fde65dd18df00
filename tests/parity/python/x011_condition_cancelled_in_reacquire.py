"""Condition.wait() re-acquires through repeated cancels, raises the latest, and holds the lock then."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def waiter(cond):
    async with cond:
        try:
            await cond.wait()
            log("woken normally")
        except asyncio.CancelledError as e:
            log("waiter got", e, "holds the lock", cond.locked(), "requests", asyncio.current_task().cancelling())
            raise

async def main():
    cond = asyncio.Condition()
    t = asyncio.create_task(waiter(cond))
    await asyncio.sleep(0)
    await cond.acquire()
    t.cancel("one")
    await asyncio.sleep(0); await asyncio.sleep(0)
    log("still re-acquiring", not t.done())
    t.cancel("two")
    await asyncio.sleep(0); await asyncio.sleep(0)
    t.cancel("three")
    await asyncio.sleep(0)
    log("still re-acquiring", not t.done())
    cond.release()
    await asyncio.wait([t])
    log("cancelled", t.cancelled(), "locked", cond.locked())

    log("cancelled after the notify, while it waits for the lock")
    t = asyncio.create_task(waiter(cond))
    await asyncio.sleep(0)
    await cond.acquire()
    cond.notify()
    await asyncio.sleep(0); await asyncio.sleep(0)
    t.cancel("late")
    await asyncio.sleep(0)
    log("done", t.done())
    cond.release()
    await asyncio.wait([t])
    log("cancelled", t.cancelled(), "locked", cond.locked())

asyncio.run(main())
