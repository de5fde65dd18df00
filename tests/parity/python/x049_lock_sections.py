"""Scopes of locks: left by return, break, error and cancel; nested; a lock around a timeout."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def section(lock, how):
    async with lock:
        if how == "return":
            return "returned"
        if how == "error":
            raise ValueError("error")
        await asyncio.sleep(10)

async def main():
    lock = asyncio.Lock()
    log(await section(lock, "return"), lock.locked())
    log(await caught(section(lock, "error")), lock.locked())
    t = asyncio.create_task(section(lock, "wait"))
    await asyncio.sleep(0)
    log("held", lock.locked())
    w = asyncio.create_task(section(lock, "return"))
    await asyncio.sleep(0)
    t.cancel()
    log(type(await caught(t)).__name__, await w, lock.locked())

    try:
        async with asyncio.timeout(0.005):
            await section(lock, "wait")
    except TimeoutError:
        log("timeout", lock.locked())

    await lock.acquire()
    try:
        async with asyncio.timeout(0.005):
            await section(lock, "return")
    except TimeoutError:
        log("could not get it", lock.locked())
    lock.release()
    async with lock:
        log("free again", lock.locked())

    for i in range(3):
        async with lock:
            if i == 1:
                break
    log("left by break", i, lock.locked())
    inner, outer = asyncio.Lock(), asyncio.Lock()
    async with outer:
        async with inner:
            log(outer.locked(), inner.locked())
        log(outer.locked(), inner.locked())
    log(outer.locked(), inner.locked())
    sem = asyncio.Semaphore(2)
    async with sem, sem:
        log("both permits", sem.locked())
    log("back", sem.locked())

asyncio.run(main())
