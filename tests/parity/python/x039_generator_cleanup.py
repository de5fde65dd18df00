"""Generators: clean-up that awaits, that is cancelled, that fails; shutdown of several; nested ones."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def gen(name, fail=False):
    try:
        yield 1
        yield 2
    finally:
        log("  closing", name)
        await asyncio.sleep(0)
        log("  closed", name)
        if fail:
            raise RuntimeError(f"{name} failed")

async def outer(name):
    inner = gen(name + ".inner")
    try:
        async for x in inner:
            yield x * 10
    finally:
        await inner.aclose()
        log("  closed", name)

async def consume(g):
    async for x in g:
        log("  got", x)
        await asyncio.sleep(10)

async def main():
    log("the consumer is cancelled between two values")
    g = gen("a")
    t = asyncio.create_task(consume(g))
    await asyncio.sleep(0)
    t.cancel()
    await asyncio.wait([t])
    log("  cancelled", t.cancelled())
    await g.aclose()

    log("nested")
    g = outer("b")
    log("  got", await anext(g))
    await g.aclose()

    log("the clean-up fails")
    g = gen("c", fail=True)
    await anext(g)
    log("  aclose", await caught(g.aclose()))
    await g.aclose()

    log("athrow that is not handled")
    g = gen("d")
    await anext(g)
    log("  athrow", await caught(g.athrow(ValueError("thrown"))))

    log("aclose is cancelled inside the clean-up")
    g = gen("e")
    await anext(g)
    t = asyncio.create_task(g.aclose())
    await asyncio.sleep(0)
    t.cancel()
    await asyncio.wait([t])
    log("  cancelled", t.cancelled())
    log("  then", type(await caught(anext(g))).__name__)

    log("runs to its end")
    log(" ", [x async for x in gen("f")])

asyncio.run(main())
