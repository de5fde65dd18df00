"""What a closed loop and a stopped loop refuse."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def nothing():
    pass

loop = asyncio.new_event_loop()
log(loop.is_running(), loop.is_closed())
handle = loop.call_later(10, log, "never")
loop.call_soon(log, "dropped by close")
loop.close()
loop.close()
log("closed", loop.is_closed())
log(thrown_by(loop.call_soon, log))
log(thrown_by(loop.call_later, 1, log))
log(thrown_by(loop.call_soon_threadsafe, log))
log(thrown_by(loop.run_forever))
c = nothing()
log(thrown_by(loop.run_until_complete, c))
c.close()

loop = asyncio.new_event_loop()
async def closes():
    log(thrown_by(loop.close))
loop.run_until_complete(closes())
f = loop.create_future()
f.set_result("future")
log(loop.run_until_complete(f))
log(loop.run_until_complete(f))
g = loop.create_future()
loop.call_soon(g.set_exception, ValueError("from a callback"))
log(thrown_by(loop.run_until_complete, g))
loop.close()
