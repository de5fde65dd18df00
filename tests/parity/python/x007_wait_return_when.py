"""wait(): modes with tasks that are done already, failed or cancelled; what stays pending goes on."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def after(passes, n, fail=False):
    for _ in range(passes):
        await asyncio.sleep(0)
    if fail:
        raise ValueError(n)
    return n

def names(tasks):
    return sorted(t.get_name() for t in tasks)

async def main():
    a = asyncio.create_task(after(0, 1), name="a")
    b = asyncio.create_task(after(5, 2), name="b")
    await a
    done, pending = await asyncio.wait([a, b], return_when=asyncio.FIRST_COMPLETED)
    log("first completed", names(done), names(pending))
    done, pending = await asyncio.wait([b, a, b], return_when=asyncio.ALL_COMPLETED)
    log("all, one given twice", names(done), names(pending))

    c = asyncio.create_task(after(1, 3), name="c")
    d = asyncio.create_task(after(2, 4, True), name="d")
    e = asyncio.create_task(after(20, 5), name="e")
    done, pending = await asyncio.wait([c, d, e], return_when=asyncio.FIRST_EXCEPTION)
    log("first exception", names(done), names(pending), d.exception())

    f = asyncio.create_task(after(3, 6), name="f")
    g = asyncio.create_task(after(3, 7), name="g")
    g.cancel()
    done, pending = await asyncio.wait([f, g], return_when=asyncio.FIRST_EXCEPTION)
    log("a cancelled one is no exception", names(done), names(pending))

    done, pending = await asyncio.wait([d, e], return_when=asyncio.FIRST_EXCEPTION)
    log("failed before the call", names(done), names(pending))
    done, pending = await asyncio.wait([e], timeout=0)
    log("timeout 0", names(done), names(pending))
    done, pending = await asyncio.wait([a, e], timeout=-1)
    log("timeout -1", names(done), names(pending))
    log(await e)

    f1, f2 = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
    f2.cancel()
    done, pending = await asyncio.wait([f1, f2], return_when=asyncio.FIRST_COMPLETED)
    log("futures", len(done), len(pending), f1.done())

asyncio.run(main())
