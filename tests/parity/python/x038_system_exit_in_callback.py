"""KeyboardInterrupt and SystemExit leave the loop from callbacks and tasks; the loop can go on."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def quits():
    raise SystemExit(3)

async def value():
    await asyncio.sleep(0)
    return "value"

def interrupts():
    raise KeyboardInterrupt

loop = asyncio.new_event_loop()
loop.set_exception_handler(lambda l, c: log("handler - must not be called"))
loop.call_soon(interrupts)
loop.call_soon(log, "the rest of the batch is kept")
log("run_forever raised", type(thrown_by(loop.run_forever)).__name__, loop.is_running())
log(loop.run_until_complete(value()))
t = loop.create_task(quits())
e = thrown_by(loop.run_until_complete, value())
log("task raised", type(e).__name__, e.code, t.done())
log("in the task too", type(t.exception()).__name__)
log(loop.run_until_complete(value()))
for task in asyncio.all_tasks(loop):
    task.cancel()
loop.run_until_complete(asyncio.sleep(0))
loop.close()
