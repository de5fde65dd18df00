"""wait() inside gather and groups, nested wait, callbacks that are taken back, order of wake-ups."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def after(n, passes):
    for _ in range(passes):
        await asyncio.sleep(0)
    return n

async def main():
    loop = asyncio.get_running_loop()
    t = asyncio.create_task(after("t", 3))
    both = await asyncio.gather(asyncio.wait([t]), asyncio.wait([t], timeout=5))
    log([len(done) for done, pending in both], t.result())

    f = loop.create_future()
    order = []
    async def waits(n):
        await asyncio.wait([f])
        order.append(n)
    async def awaits(n):
        await f
        order.append(n)
    ts = [asyncio.create_task(c) for c in (waits("wait 1"), awaits("await"), waits("wait 2"))]
    await asyncio.sleep(0)
    f.set_result(None)
    await asyncio.wait(ts)
    log(order)

    f = loop.create_future()
    done, pending = await asyncio.wait([f], timeout=0.001)
    log(len(done), len(pending), f.cancelled())
    f.set_exception(ValueError("never raised by wait"))
    done, pending = await asyncio.wait([f])
    log(len(done), len(pending), f.exception())

    ts = [asyncio.create_task(after(i, i)) for i in range(4)]
    pending, seen = ts, []
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        seen.append(sorted(t.result() for t in done))
    log(sum(seen, []))
    w = asyncio.create_task(asyncio.wait([asyncio.create_task(after("x", 5))], timeout=0.0))
    done, pending = await w
    log("timeout 0 in a task", len(done), len(pending))
    log([await p for p in pending])

asyncio.run(main())
