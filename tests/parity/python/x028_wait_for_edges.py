"""wait_for: zero and negative timeouts, done futures, nested, a task that finishes with the timeout."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def body():
    log("  body runs")
    return "value"

async def suspends():
    log("  suspends runs")
    await asyncio.sleep(0)
    return "value"

async def nested():
    try:
        return await asyncio.wait_for(asyncio.sleep(10), 5)
    except TimeoutError:
        log("  inner must not time out")

async def main():
    loop = asyncio.get_running_loop()
    f = loop.create_future()
    f.set_result("done")
    for limit in (0, -1, None, 1):
        log("done future", limit, await asyncio.wait_for(f, limit))
    for limit in (0, -1):
        log("coroutine", limit, type(await caught(asyncio.wait_for(body(), limit))).__name__)
        t = asyncio.create_task(suspends())
        log("task", limit, type(await caught(asyncio.wait_for(t, limit))).__name__, t.cancelled())
        p = loop.create_future()
        log("future", limit, type(await caught(asyncio.wait_for(p, limit))).__name__, p.cancelled())
    t = asyncio.create_task(body())
    await asyncio.sleep(0)
    log("done task, 0", await asyncio.wait_for(t, 0))
    log("nested", type(await caught(asyncio.wait_for(nested(), 0.01))).__name__)
    log("requests", asyncio.current_task().cancelling())

    bad = loop.create_future()
    bad.set_exception(ValueError("failed"))
    log("failed future, 0", await caught(asyncio.wait_for(bad, 0)))
    gone = loop.create_future()
    gone.cancel()
    log("cancelled future", type(await caught(asyncio.wait_for(gone, 1))).__name__)

asyncio.run(main())
