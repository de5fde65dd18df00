"""Lock: cancelled waiters, queued or already woken, never lose the lock for the next one."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def worker(name, lock):
    try:
        async with lock:
            log(name, "in")
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        log(name, "cancelled")
        raise

async def main():
    lock = asyncio.Lock()
    await lock.acquire()
    a, b, c, d = (asyncio.create_task(worker(n, lock)) for n in "ABCD")
    await asyncio.sleep(0)
    b.cancel()
    lock.release()
    a.cancel()
    log("free until the woken one runs", lock.locked())
    await asyncio.wait([a, b, c, d])
    log("locked", lock.locked(), [t.cancelled() for t in (a, b, c, d)])

    log("all waiters cancelled")
    await lock.acquire()
    a, b = (asyncio.create_task(worker(n, lock)) for n in "EF")
    await asyncio.sleep(0)
    a.cancel(); b.cancel()
    lock.release()
    await asyncio.wait([a, b])
    log("locked", lock.locked())
    await lock.acquire()
    log("acquired at once", lock.locked())
    e = asyncio.create_task(worker("G", lock))
    await asyncio.sleep(0)
    lock.release()
    async with lock:
        log("main in, G was first", e.done())

asyncio.run(main())
