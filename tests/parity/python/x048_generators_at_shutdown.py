"""run() closes suspended generators; one whose clean-up fails is reported, main's result stands."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

kept = []

async def gen(name, fail=False):
    try:
        yield name
        yield "never"
    finally:
        await asyncio.sleep(0)
        log("closed", name)
        if fail:
            raise RuntimeError(f"{name} failed")

async def finished():
    yield 1

async def main():
    asyncio.get_running_loop().set_exception_handler(
        lambda l, c: log("handler:", " ".join(c["message"].split()[:5]), c["exception"]))
    a = gen("a")
    b = gen("b", fail=True)
    kept.extend([a, b, gen("never started"), finished()])
    log(await anext(a), await anext(b))
    log([x async for x in kept[3]])
    await a.aclose()
    return "result"

log(asyncio.run(main()))

async def explicit():
    g = gen("explicit")
    await anext(g)
    await asyncio.get_running_loop().shutdown_asyncgens()
    log("after shutdown_asyncgens", await anext(g, "finished"))
asyncio.run(explicit())
