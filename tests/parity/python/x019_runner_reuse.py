"""Runner: several runs on one loop and one context; errors when closed, nested or misused."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

import contextvars
var = contextvars.ContextVar("var", default="unset")
leftovers = []

async def first():
    var.set("set by the first run")
    leftovers.append(asyncio.create_task(background()))
    await asyncio.sleep(0)
    return asyncio.get_running_loop()

async def second():
    log("second run sees", var.get())
    await asyncio.sleep(0)
    return asyncio.get_running_loop()

async def background():
    try:
        while True:
            await asyncio.sleep(0)
    finally:
        log("background cancelled")

async def nested(runner):
    c = second()
    log(thrown_by(runner.run, c))
    c.close()
    c = second()
    e = thrown_by(asyncio.run, c)
    c.close()
    log(e)

async def fails():
    raise ValueError("from main")

with asyncio.Runner() as runner:
    loop = runner.get_loop()
    log("running", loop.is_running(), "closed", loop.is_closed())
    log("same loop", runner.run(first()) is loop)
    log("same loop", runner.run(second()) is loop)
    log("background survives between runs", not leftovers[0].done())
    log(thrown_by(lambda: runner.run(fails())))
    runner.run(nested(runner))
    log("still usable", runner.run(second()) is loop)
log("closed", loop.is_closed(), leftovers[0].cancelled())
c = second()
log(thrown_by(runner.run, c))
c.close()
log(thrown_by(runner.get_loop))
runner.close()
log("outside", var.get())
log(thrown_by(asyncio.get_running_loop))
