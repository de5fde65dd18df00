"""The value of a semaphore never drifts through cancels; BoundedSemaphore refuses a release too many."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def holder(name, sem, log_it=True):
    try:
        async with sem:
            if log_it:
                log(name, "in")
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        log(name, "cancelled")
        raise

async def main():
    sem = asyncio.BoundedSemaphore(2)
    ts = [asyncio.create_task(holder(n, sem)) for n in "ABCDEF"]
    await asyncio.sleep(0)
    ts[0].cancel(); ts[3].cancel(); ts[2].cancel()
    await asyncio.gather(*ts, return_exceptions=True)
    log("locked", sem.locked())
    await sem.acquire(); await sem.acquire()
    log("both taken", sem.locked())
    sem.release(); sem.release()
    log("too many", thrown_by(sem.release))

    sem = asyncio.Semaphore(0)
    ts = [asyncio.create_task(holder(n, sem, False)) for n in "XYZ"]
    await asyncio.sleep(0)
    sem.release(); sem.release(); sem.release()
    for t in ts:
        t.cancel()
    await asyncio.wait(ts)
    free = 0
    while not sem.locked():
        await sem.acquire()
        free += 1
    log("permits that came back", free)

    sem = asyncio.Semaphore(1)
    await sem.acquire()
    a, b = asyncio.create_task(holder("a", sem)), asyncio.create_task(holder("b", sem))
    await asyncio.sleep(0)
    sem.release()
    a.cancel()
    log("given to a, who is cancelled; locked", sem.locked())
    await asyncio.wait([a, b])
    log("locked", sem.locked())

asyncio.run(main())
