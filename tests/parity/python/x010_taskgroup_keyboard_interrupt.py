"""KeyboardInterrupt in a child: the loop stops, siblings are cleaned up, run() raises it bare."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def interrupts():
    await asyncio.sleep(0)
    log("child raises")
    raise KeyboardInterrupt

async def sibling():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        log("sibling cleaned up")
        raise

async def main():
    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(sibling())
            tg.create_task(interrupts())
    except BaseException as e:
        log("main saw", type(e).__name__)
        raise

try:
    asyncio.run(main())
except BaseException as e:
    log("run raised", type(e).__name__)
