"""call_soon and call_soon_threadsafe share one queue; a task can be cancelled from a callback."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def waits():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as e:
        log("cancelled", e)
        raise

async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(log, 1)
    loop.call_soon_threadsafe(log, 2)
    loop.call_soon(log, 3)
    h = loop.call_soon_threadsafe(log, "never")
    h.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    log("--")
    t = asyncio.create_task(waits())
    loop.call_later(0.001, t.cancel, "from a timer")
    log(await caught(t))

    t1 = asyncio.create_task(waits())
    async def canceller():
        t1.cancel("from a task")
        log("returned at once", t1.done())
    await asyncio.sleep(0)
    await asyncio.create_task(canceller())
    log(await caught(t1))

    f = loop.create_future()
    t = asyncio.create_task(waits())
    t.add_done_callback(lambda t: f.set_result(t.cancelled()))
    await asyncio.sleep(0)
    t.cancel("with a callback")
    log("callback says", await f)
    f = loop.create_future()
    f.add_done_callback(lambda f: log("future's callback", f.cancelled()))
    loop.call_soon(f.cancel)
    log(type(await caught(f)).__name__)

asyncio.run(main())
