"""Done callbacks: order, removal, on a done future, adding and removing while they run."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def main():
    loop = asyncio.get_running_loop()
    out = []
    f = loop.create_future()
    def a(f): out.append("a")
    def b(f): out.append("b")
    f.add_done_callback(a)
    f.add_done_callback(b)
    f.add_done_callback(a)
    log("removed", f.remove_done_callback(b))
    f.set_result(1)
    log("not inline", out)
    await asyncio.sleep(0)
    log(out)
    f.add_done_callback(b)
    log("on a done one: not inline", out)
    await asyncio.sleep(0)
    log(out, f.remove_done_callback(b))

    out.clear()
    f = loop.create_future()
    def adds(f):
        out.append("adds")
        f.add_done_callback(b)
    f.add_done_callback(adds)
    f.cancel()
    await asyncio.sleep(0)
    log("first pass", out)
    await asyncio.sleep(0)
    log("second pass", out)

    async def value():
        out.append("body")
        return 1
    out.clear()
    t = asyncio.create_task(value())
    t.add_done_callback(lambda t: out.append(f"callback {t.result()}"))
    loop.call_soon(out.append, "soon")
    await t
    log(out)
    t.cancel()
    log(t.cancelled())

asyncio.run(main())
