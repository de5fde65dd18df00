"""call_later with negative and equal delays, timers that arm timers, handles cancelled in their own batch."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def main():
    loop = asyncio.get_running_loop()
    order = []
    loop.call_later(-1, order.append, "negative")
    loop.call_soon(order.append, "soon")
    loop.call_at(loop.time() - 5, order.append, "long ago")
    await asyncio.sleep(0)
    log("after one pass", order)
    await asyncio.sleep(0)
    log("after two", order)

    order.clear()
    now = loop.time()
    for n in (3, 1, 2):
        loop.call_at(now + n * 0.01, order.append, n)
    loop.call_at(now + 0.04, lambda: loop.call_at(now, order.append, "armed by a timer"))
    loop.call_at(now + 0.07, order.append, "last")
    await asyncio.sleep(0.09)
    log(order)

    order.clear()
    h2 = None
    def first():
        order.append("first")
        h2.cancel()
    h1 = loop.call_soon(first)
    h2 = loop.call_soon(order.append, "cancelled in the same batch")
    h3 = loop.call_soon(order.append, "third")
    await asyncio.sleep(0)
    log(order, h1.cancelled(), h2.cancelled())

    order.clear()
    t1 = loop.call_later(0.001, lambda: (order.append("t1"), t2.cancel()))
    t2 = loop.call_later(0.03, order.append, "t2")
    await asyncio.sleep(0.045)
    log(order, "cancelled by its neighbour", t2.cancelled())

    async def arms():
        loop.call_later(0, order.append, "timer 0")
        loop.call_soon(order.append, "soon 1")
        await asyncio.sleep(0)
        order.append("task")
        loop.call_soon(order.append, "soon 2")
        await asyncio.sleep(0)
    order.clear()
    await arms()
    await asyncio.sleep(0)
    log(order)

asyncio.run(main())
