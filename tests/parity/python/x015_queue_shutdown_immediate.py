"""Queue.shutdown(immediate=True): items are discarded and counted as done; everyone blocked is released."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def attempt(label, aw):
    try:
        log(label, "->", await aw)
    except (asyncio.QueueShutDown, asyncio.CancelledError) as e:
        log(label, "->", type(e).__name__)

async def main():
    q = asyncio.Queue(2)
    q.put_nowait(1); q.put_nowait(2)
    put = asyncio.create_task(attempt("put 3", q.put(3)))
    join = asyncio.create_task(attempt("join", q.join()))
    await asyncio.sleep(0)
    q.shutdown(immediate=True)
    log("size", q.qsize(), "empty", q.empty())
    await asyncio.wait([put, join])
    await attempt("get", q.get())
    log("nowait", type(thrown_by(q.get_nowait)).__name__, type(thrown_by(q.put_nowait, 9)).__name__)
    log("task_done", thrown_by(q.task_done))

    q = asyncio.Queue()
    gets = [asyncio.create_task(attempt(f"get {i}", q.get())) for i in range(2)]
    await asyncio.sleep(0)
    q.shutdown(immediate=True)
    await asyncio.wait(gets)

    q = asyncio.Queue()
    for i in range(3):
        q.put_nowait(i)
    log("taken", q.get_nowait())
    join = asyncio.create_task(attempt("join", q.join()))
    await asyncio.sleep(0)
    q.shutdown(immediate=True)
    await asyncio.sleep(0); await asyncio.sleep(0)
    log("one item is out still: join done", join.done())
    q.task_done()
    await join

    q = asyncio.Queue(1)
    q.put_nowait("first")
    put = asyncio.create_task(attempt("put second", q.put("second")))
    await asyncio.sleep(0)
    q.shutdown()
    q.shutdown(immediate=True)
    await put
    log("empty", q.empty())

asyncio.run(main())
