"""uncancel() reaching 0 withdraws a request that was not delivered, never one that was."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def withdraws(requests, withdrawals):
    me = asyncio.current_task()
    for _ in range(requests):
        me.cancel("self")
    log("  left", [me.uncancel() for _ in range(withdrawals)])
    try:
        await asyncio.sleep(0)
        log("  not interrupted")
    except asyncio.CancelledError as e:
        log("  interrupted", e, me.cancelling())
    return "end"

async def waits():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as e:
        log("  delivered", e)
        log("  uncancel in the handler", asyncio.current_task().uncancel())
        await asyncio.sleep(0)
        log("  next await fine")
        raise

async def main():
    for requests, withdrawals in ((1, 1), (2, 1), (2, 2), (0, 1)):
        log(requests, "requests", withdrawals, "withdrawals")
        t = asyncio.create_task(withdraws(requests, withdrawals))
        log("  ", await t, t.cancelled(), t.cancelling())

    log("withdrawn by another task after it was scheduled")
    t = asyncio.create_task(waits())
    await asyncio.sleep(0)
    t.cancel("kept")
    log("  uncancel", t.uncancel())
    await asyncio.wait([t])
    log("  cancelled", t.cancelled(), t.cancelling())

    log("withdrawn before the first step")
    t = asyncio.create_task(asyncio.sleep(0, "slept"))
    t.cancel()
    log("  uncancel", t.uncancel())
    await asyncio.wait([t])
    log("  cancelled", t.cancelled())

asyncio.run(main())
