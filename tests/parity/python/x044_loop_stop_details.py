"""stop() from tasks and timers, run_until_complete of a task that stops the loop, restarts."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

loop = asyncio.new_event_loop()
out = []

async def stops(n):
    out.append(f"stop {n}")
    loop.stop()
    await asyncio.sleep(0)
    out.append(f"after {n}")

t1, t2 = loop.create_task(stops(1)), loop.create_task(stops(2))
loop.run_forever()
log(out, t1.done(), t2.done())
loop.stop()
loop.run_forever()
log(out, t1.done(), t2.done())

loop.call_later(0.001, loop.stop)
loop.run_forever()
log("stopped by a timer", loop.is_running())

async def last():
    loop.stop()
    return "done in the pass of the stop"
log(loop.run_until_complete(last()))

async def later():
    loop.stop()
    await asyncio.sleep(0)
    return "too late"
t = loop.create_task(later())
log(thrown_by(loop.run_until_complete, t))
log(t.done(), loop.run_until_complete(t))

f = loop.create_future()
loop.call_soon(f.cancel, "by a callback")
log(type(thrown_by(loop.run_until_complete, f)).__name__)
loop.stop()
async def nothing():
    return "runs although stop() was called before"
e = thrown_by(loop.run_until_complete, nothing())
log(e)
loop.close()
