"""timeouts of zero, negative and none against a cancel that is already pending."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def limited(d):
    me = asyncio.current_task()
    me.cancel("pending")
    try:
        async with asyncio.timeout(d) as tm:
            log("  in the block")
            await asyncio.sleep(0)
            log("  not reached")
    except asyncio.CancelledError as e:
        log("  CancelledError", e, tm.expired(), me.cancelling())
        raise
    except TimeoutError:
        log("  TimeoutError", tm.expired(), me.cancelling())

async def swallow_then_limit():
    me = asyncio.current_task()
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        log("  swallowed", me.cancelling())
    try:
        async with asyncio.timeout(0.005) as tm:
            await asyncio.sleep(10)
    except TimeoutError:
        log("  TimeoutError with an older request", me.cancelling())
    try:
        async with asyncio.timeout(0.005) as tm:
            await asyncio.sleep(10)
    finally:
        log("  second block", tm.expired(), me.cancelling())

async def main():
    for d in (10, None):
        log("timeout", d)
        t = asyncio.create_task(limited(d))
        await asyncio.wait([t])
        log("  cancelled", t.cancelled())
    log("an old, swallowed request")
    t = asyncio.create_task(swallow_then_limit())
    await asyncio.sleep(0)
    t.cancel()
    await asyncio.wait([t])
    log("  ends with", type(t.exception()).__name__)

    log("raises something else when it is cancelled by the timeout")
    try:
        async with asyncio.timeout(0.002) as tm:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                raise ValueError("instead")
    except ValueError as e:
        log(" ", e, tm.expired(), asyncio.current_task().cancelling())

    log("three deep")
    try:
        async with asyncio.timeout(0.004) as a:
            async with asyncio.timeout(10) as b:
                async with asyncio.timeout(None) as c:
                    await asyncio.sleep(10)
    except TimeoutError:
        log(" ", a.expired(), b.expired(), c.expired(), asyncio.current_task().cancelling())

asyncio.run(main())
