"""What reaches the exception handler: callbacks, done callbacks, unread task and future exceptions."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

import gc

async def fails(n):
    raise ValueError(n)

async def main():
    loop = asyncio.get_running_loop()
    def handler(l, ctx):
        log("handler:", " ".join(ctx["message"].split()[:3]), ctx.get("exception"), "handle" in ctx)
    loop.set_exception_handler(handler)

    t = asyncio.create_task(fails("unread"))
    await asyncio.sleep(0)
    log("failed, still held", t.done())
    del t
    gc.collect()

    t = asyncio.create_task(fails("read"))
    log("await", await caught(t))
    del t
    t = asyncio.create_task(fails("asked"))
    await asyncio.wait([t])
    log("exception()", t.exception())
    del t
    gc.collect()

    f = loop.create_future()
    f.set_exception(RuntimeError("future unread"))
    del f
    gc.collect()
    f = loop.create_future()
    f.cancel()
    del f
    gc.collect()

    def bad(f):
        raise RuntimeError("in a done callback")
    f = loop.create_future()
    f.add_done_callback(bad)
    f.add_done_callback(lambda f: log("the next callback runs"))
    f.set_result(None)
    await asyncio.sleep(0)

    loop.call_later(0, lambda: fail_now())
    await asyncio.sleep(0.002)
    log("main goes on")

def fail_now():
    raise RuntimeError("in a timer")

asyncio.run(main())
