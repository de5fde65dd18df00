"""A task cancelled in each primitive leaves it as if it had never been there."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def main():
    lock, event, cond = asyncio.Lock(), asyncio.Event(), asyncio.Condition()
    sem, full, empty = asyncio.Semaphore(1), asyncio.Queue(1), asyncio.Queue()
    await lock.acquire(); await sem.acquire(); full.put_nowait(1)
    joined = asyncio.Queue(); joined.put_nowait(1)
    async def in_cond():
        async with cond:
            await cond.wait()
    waits = {"lock": lock.acquire(), "event": event.wait(), "condition": in_cond(), "semaphore": sem.acquire(),
             "put": full.put(2), "get": empty.get(), "join": joined.join(), "sleep": asyncio.sleep(10),
             "future": wait_future(), "wait": asyncio.wait([asyncio.create_task(asyncio.sleep(0.01))])}
    ts = {n: asyncio.create_task(w) for n, w in waits.items()}
    await asyncio.sleep(0); await asyncio.sleep(0)
    for n, t in ts.items():
        t.cancel(n)
    for n, t in ts.items():
        e = await caught(t)
        log(n, e, t.cancelled())
    lock.release(); sem.release(); event.set()
    await asyncio.sleep(0)
    log("lock", lock.locked(), "semaphore", sem.locked(), "condition", cond.locked())
    log("full", full.get_nowait(), full.empty(), "empty", empty.empty())
    empty.put_nowait("item")
    log("item", empty.get_nowait())
    joined.get_nowait(); joined.task_done()
    await joined.join()
    log("joined")

async def wait_future():
    await asyncio.get_running_loop().create_future()

asyncio.run(main())
