"""One cancelled child of a gather: the awaiter is told, siblings go on, the gather is not cancelled()."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def leaf(n, passes):
    try:
        for _ in range(passes):
            await asyncio.sleep(0)
        log("  leaf", n, "finished")
        return n
    except asyncio.CancelledError as e:
        log("  leaf", n, "got", e)
        raise

async def main():
    a, b, c = (asyncio.create_task(leaf(n, 4)) for n in "abc")
    g = asyncio.gather(a, b, c)
    await asyncio.sleep(0)
    b.cancel("only b")
    e = await caught(g)
    log(type(e).__name__, "gather cancelled", g.cancelled(), "done", g.done())
    log("requests", asyncio.current_task().cancelling(), "siblings", a.done(), c.done())
    log(await a, await c)

    log("cancelled before its children started")
    ts = [asyncio.create_task(leaf(n, 1)) for n in "de"]
    g = asyncio.gather(*ts)
    log("cancel", g.cancel())
    log(type(await caught(g)).__name__, [t.cancelled() for t in ts], [t.cancelling() for t in ts])

    log("cancel() twice, then one child survives")
    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "stubborn"
    s = asyncio.create_task(stubborn())
    q = asyncio.create_task(leaf("q", 100))
    g = asyncio.gather(s, q, return_exceptions=True)
    await asyncio.sleep(0)
    log("cancel", g.cancel(), g.cancel())
    log(type(await caught(g)).__name__, s.result(), q.cancelled(), s.cancelling())

asyncio.run(main())
