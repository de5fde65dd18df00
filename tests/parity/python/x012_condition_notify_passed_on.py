"""A waiter that was notified and then cancelled notifies another; wait_for's predicate is looked at again."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def waiter(name, cond):
    async with cond:
        try:
            await cond.wait()
            log(name, "woken")
        except asyncio.CancelledError:
            log(name, "cancelled")
            raise

async def main():
    cond = asyncio.Condition()
    a, b, c = (asyncio.create_task(waiter(n, cond)) for n in "ABC")
    await asyncio.sleep(0)
    async with cond:
        cond.notify(1)
        a.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    log("A", a.cancelled(), "B", b.done(), "C", c.done())
    async with cond:
        cond.notify(5)
    await asyncio.wait([b, c])
    log("C", c.done(), "locked", cond.locked())

    level = 0
    looks = []
    def enough():
        looks.append(level)
        return level >= 2
    async def wants():
        async with cond:
            await cond.wait_for(enough)
            log("enough", level)
    t = asyncio.create_task(wants())
    await asyncio.sleep(0)
    for level in (1, 2):
        async with cond:
            cond.notify_all()
        await asyncio.sleep(0); await asyncio.sleep(0)
    await t
    log("looked at", looks)

    lock = asyncio.Lock()
    c1, c2 = asyncio.Condition(lock), asyncio.Condition(lock)
    async with c1:
        log("shared lock", c2.locked(), lock.locked())
        c2.notify()
    log("released", c2.locked(), thrown_by(c1.release))

asyncio.run(main())
