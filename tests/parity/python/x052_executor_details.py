"""Executors: own pools, exceptions, gather over threads, refusal after the shutdown."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

import threading
import time
from concurrent.futures import ThreadPoolExecutor

def fails(n):
    raise ValueError(f"thread {n}")

def name_of_thread():
    return threading.current_thread() is threading.main_thread()

async def main():
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(2)
    futures = [loop.run_in_executor(pool, lambda i=i: i * 10) for i in range(4)]
    log(await asyncio.gather(*futures))
    log(await asyncio.gather(loop.run_in_executor(pool, fails, 1), loop.run_in_executor(pool, name_of_thread),
                             return_exceptions=True))
    done, pending = await asyncio.wait([loop.run_in_executor(pool, time.sleep, 0.01)])
    log("wait", len(done), len(pending))
    try:
        async with asyncio.timeout(0.01):
            await loop.run_in_executor(pool, time.sleep, 0.06)
    except TimeoutError:
        log("timeout; the thread goes on")
    f = loop.run_in_executor(pool, lambda: "done")
    log(f.done(), await f, f.done())
    pool.shutdown()

    log(await loop.run_in_executor(None, lambda: "default"))
    await loop.shutdown_default_executor()
    log(type(thrown_by(lambda: loop.run_in_executor(None, lambda: 1))).__name__)
    log(type(await caught(asyncio.to_thread(lambda: 1))).__name__)

asyncio.run(main())
