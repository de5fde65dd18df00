"""Context variables: timers, done callbacks, gather, groups, tokens; explicit contexts."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

import contextvars
var = contextvars.ContextVar("var", default="unset")
bare = contextvars.ContextVar("bare")

async def child(n):
    var.set(n)
    await asyncio.sleep(0)
    return var.get()

async def reads():
    return var.get()

async def main():
    loop = asyncio.get_running_loop()
    seen = []
    var.set("main")
    loop.call_later(0, lambda: seen.append(("timer", var.get())))
    loop.call_soon(lambda: var.set("lost"))
    var.set("changed")
    await asyncio.sleep(0.002)
    log(seen, var.get())

    log(await asyncio.gather(child("a"), child("b")), var.get())
    async with asyncio.TaskGroup() as tg:
        t = tg.create_task(child("c"))
    log(t.result(), var.get())
    log("wait_for shares", await asyncio.wait_for(child("d"), 1), var.get())

    token = var.set("temporary")
    log(var.get())
    var.reset(token)
    log(var.get())

    ctx = contextvars.copy_context()
    log("copy", ctx.run(var.get))
    ctx.run(var.set, "inside")
    seen.clear()
    loop.call_soon(lambda: seen.append(var.get()), context=ctx)
    loop.call_later(0, lambda: seen.append(var.get()), context=ctx)
    await asyncio.sleep(0.002)
    f = loop.create_future()
    f.add_done_callback(lambda _: seen.append(var.get()), context=ctx)
    f.set_result(None)
    await asyncio.sleep(0)
    log(seen, var.get())
    log(await asyncio.create_task(reads(), context=ctx))
    t = asyncio.create_task(reads())
    t.add_done_callback(lambda t: log("done callback", var.get()))
    var.set("after registration")
    log(await t)
    loop.call_soon(lambda: var.set("set by a callback"), context=ctx)
    await asyncio.sleep(0)
    log("explicit context", ctx[var])
    f = loop.create_future()
    f.add_done_callback(lambda _: var.set("set by a done callback"), context=ctx)
    f.cancel()
    await asyncio.sleep(0)
    log("explicit context", ctx[var])
    log("no value", type(thrown_by(bare.get)).__name__, bare.name)
    async with asyncio.TaskGroup() as tg:
        t = tg.create_task(reads(), context=ctx)
    log(t.result())

asyncio.run(main())
