"""Queue: blocked putters are FIFO; a cancelled one puts nothing and passes its turn on."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def putter(x, q):
    try:
        await q.put(x)
        log("put", x)
    except asyncio.CancelledError:
        log("cancelled", x)
        raise

async def main():
    q = asyncio.Queue(1)
    await q.put("a")
    log(type(thrown_by(q.put_nowait, "z")).__name__, q.full(), q.maxsize)
    ts = [asyncio.create_task(putter(x, q)) for x in "bcde"]
    await asyncio.sleep(0)
    log("get", q.get_nowait())     # wakes b
    ts[0].cancel()                 # who is cancelled before it runs
    ts[2].cancel()                 # still queued
    for _ in range(3):
        await asyncio.sleep(0)
    log("size", q.qsize(), [t.done() for t in ts])
    log("get", await q.get())
    log("get", await q.get())
    await asyncio.wait(ts)
    log(type(thrown_by(q.get_nowait)).__name__, q.empty())

    q = asyncio.Queue(0)
    for i in range(100):
        q.put_nowait(i)
    log("no limit", q.full(), q.qsize())
    q = asyncio.Queue(2)
    order = []
    async def produce():
        for i in range(5):
            await q.put(i)
            order.append(f"p{i}")
    async def consume():
        for _ in range(5):
            order.append(f"g{await q.get()}")
    await asyncio.gather(produce(), consume())
    log(order)

asyncio.run(main())
