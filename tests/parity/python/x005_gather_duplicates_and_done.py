"""gather of the same task twice, of done futures, of failed and cancelled ones."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def value(n):
    log("  runs", n)
    return n

async def main():
    loop = asyncio.get_running_loop()
    t = asyncio.create_task(value("t"))
    log(await asyncio.gather(t, t, value("u"), t))
    g = asyncio.gather(t, t)
    log("done tasks only: done at once", g.done(), await g)

    good, bad, gone = (loop.create_future() for _ in range(3))
    good.set_result(1); bad.set_exception(ValueError("bad")); gone.cancel("gone")
    log(await caught(asyncio.gather(good, bad)))
    r = await asyncio.gather(good, bad, gone, return_exceptions=True)
    log(type(r[1]).__name__, type(r[2]).__name__, r[0])
    log(type(await caught(asyncio.gather(good, gone))).__name__)
    log("of the two the first wins", type(await caught(asyncio.gather(bad, gone))).__name__,
        type(await caught(asyncio.gather(gone, bad))).__name__)

    pending = loop.create_future()
    log("one failed already", await caught(asyncio.gather(pending, bad)), "pending untouched", pending.done())
    log("empty", await asyncio.gather(), await asyncio.gather(return_exceptions=True))

asyncio.run(main())
