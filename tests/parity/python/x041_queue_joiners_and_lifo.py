"""Several joiners, a cancelled joiner, blocked getters of LIFO and priority queues, fairness."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def joiner(n, q):
    try:
        await q.join()
        log("joined", n)
    except asyncio.CancelledError:
        log("joiner", n, "cancelled")
        raise

async def getter(n, q):
    log(n, "got", await q.get())

async def main():
    q = asyncio.Queue()
    for i in range(2):
        q.put_nowait(i)
    a, b, c = (asyncio.create_task(joiner(n, q)) for n in "abc")
    await asyncio.sleep(0)
    b.cancel()
    q.get_nowait(); q.task_done()
    await asyncio.sleep(0)
    log("one left", a.done(), b.done(), c.done())
    q.get_nowait(); q.task_done()
    await asyncio.wait([a, b, c])
    q.put_nowait("again")
    d = asyncio.create_task(joiner("d", q))
    await asyncio.sleep(0)
    log("a new item, a new join", d.done())
    q.task_done()
    await d
    log("joined without get", q.qsize())

    for kind in (asyncio.LifoQueue, asyncio.PriorityQueue):
        q = kind()
        ts = [asyncio.create_task(getter(n, q)) for n in "xy"]
        await asyncio.sleep(0)
        for x in (5, 7, 6):
            q.put_nowait(x)
        await asyncio.gather(*ts)
        log("left", q.get_nowait())

    q = asyncio.Queue(1)
    async def put(x):
        await q.put(x)
        log("put", x)
    ts = [asyncio.create_task(put(x)) for x in (1, 2, 3)]
    await asyncio.sleep(0)
    log("size", q.qsize(), q.full())
    for _ in range(3):
        log("got", await q.get())
        await asyncio.sleep(0)
    await asyncio.gather(*ts)
    p = asyncio.PriorityQueue(2)
    p.put_nowait((2, "b")); p.put_nowait((1, "z"))
    t = asyncio.create_task(p.put((0, "first")))
    await asyncio.sleep(0)
    log(await p.get(), await p.get(), await p.get(), t.done())

asyncio.run(main())
