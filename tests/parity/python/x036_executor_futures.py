"""run_coroutine_threadsafe and wrap: results, errors, cancel from the other thread; call order."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

import threading

async def value(n):
    await asyncio.sleep(0)
    return n

async def fails():
    raise ValueError("in the loop")

async def forever():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        log("coroutine cancelled")
        raise

async def main():
    loop = asyncio.get_running_loop()
    out = []
    def other():
        out.append(asyncio.run_coroutine_threadsafe(value(1), loop).result())
        out.append(fmt(thrown_by(asyncio.run_coroutine_threadsafe(fails(), loop).result)))
        f = asyncio.run_coroutine_threadsafe(forever(), loop)
        out.append(type(thrown_by(f.result, 0.02)).__name__)
        out.append(f.done())
        out.append(f.cancel())
        out.append(f.cancelled())
        return "thread done"
    log(await asyncio.to_thread(other))
    await asyncio.sleep(0.005)
    log(out)
    log(await asyncio.gather(*[asyncio.to_thread(lambda i=i: i * i) for i in range(5)]))
    t = asyncio.create_task(asyncio.to_thread(lambda: 1))
    t.cancel()
    log("cancelled before it started", type(await caught(t)).__name__)

asyncio.run(main())
