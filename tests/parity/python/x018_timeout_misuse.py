"""Timeout: reschedule before, after and while expiring; entered twice; no deadline; moved deadlines."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def main():
    loop = asyncio.get_running_loop()
    tm = asyncio.timeout(1)
    log("before", thrown_by(tm.reschedule, None))
    async with tm:
        log("active", tm.when() is not None, tm.expired())
        tm.reschedule(None)
        log("no deadline", tm.when())
        tm.reschedule(loop.time() + 1)
        log("moved", tm.when() > loop.time())
        log("entered twice", await caught(tm.__aenter__()))
    log("after", thrown_by(tm.reschedule, None))
    log("entered again", await caught(tm.__aenter__()))

    tm = asyncio.timeout(10)
    try:
        async with tm:
            tm.reschedule(loop.time() - 1)
            try:
                await asyncio.sleep(10)
            finally:
                log("expiring", thrown_by(tm.reschedule, None), tm.expired())
    except TimeoutError:
        log("expired", tm.expired())
    log("after", thrown_by(tm.reschedule, loop.time()))

    when = loop.time() + 0.01
    try:
        async with asyncio.timeout_at(when) as tm:
            log("timeout_at", tm.when() == when)
            await asyncio.sleep(10)
    except TimeoutError:
        log("TimeoutError", loop.time() >= when - 0.001)

    async with asyncio.timeout(0.01) as tm:
        tm.reschedule(loop.time() + 10)
        await asyncio.sleep(0.02)
    log("later deadline", tm.expired())
    async with asyncio.timeout_at(None) as tm:
        await asyncio.sleep(0)
    log("none", tm.expired(), tm.when())
    log("other errors pass", await caught(body_raises()))

async def body_raises():
    async with asyncio.timeout(1):
        raise RuntimeError("body")

asyncio.run(main())
