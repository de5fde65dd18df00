"""as_completed(): when time is up, what is left raises TimeoutError and the tasks go on."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def job(n, d):
    await asyncio.sleep(d)
    return n

async def main():
    ts = [asyncio.create_task(job(n, d)) for n, d in (("slow", 0.06), ("fast", 0), ("slower", 0.07))]
    for aw in asyncio.as_completed(ts, timeout=0.03):
        try:
            log("plain", await aw)
        except TimeoutError as e:
            log("plain", e)
    log("not cancelled", [t.done() for t in ts], [t.cancelling() for t in ts])

    try:
        async for t in asyncio.as_completed(ts, timeout=0.005):
            log("async", t.result())
    except TimeoutError as e:
        log("async", e)
    log([await t for t in ts])
    async for t in asyncio.as_completed(ts, timeout=0.01):
        log("all done in time", t.done())
        break

asyncio.run(main())
