"""run(): leftovers that swallow the cancel, that finish meanwhile, that fail; main's own result stands."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def swallows():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        await asyncio.sleep(0.005)
        log("swallowed, worked on")

async def finishes():
    await asyncio.sleep(0)
    log("finished by itself")

async def nested_child():
    try:
        await asyncio.sleep(10)
    finally:
        log("nested child cancelled")

async def nested_parent():
    t = asyncio.create_task(nested_child())
    try:
        await t
    finally:
        log("nested parent: child done", t.done())

async def main():
    keep.append(asyncio.create_task(swallows()))
    await asyncio.sleep(0)
    keep.append(asyncio.create_task(nested_parent()))
    await asyncio.sleep(0); await asyncio.sleep(0)
    return "main's result"

keep = []
log(asyncio.run(main()))
log([t.cancelled() for t in keep], [t.cancelling() for t in keep])

async def main2():
    keep.append(asyncio.create_task(finishes()))
    asyncio.current_task().cancel()
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
    return "cancel swallowed"
log(asyncio.run(main2()))
