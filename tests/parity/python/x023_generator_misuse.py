"""Async generators: aclose while running, athrow before the start and after the end, ignored GeneratorExit."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def numbers(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i

async def stubborn():
    try:
        yield "stubborn"
    except GeneratorExit:
        log("ignores the request")
        yield "again"

async def fails():
    yield 1
    raise ValueError("inside")

async def total(g):
    s = 0
    async for x in g:
        s += x
    return s

async def main():
    log("sum", await total(numbers(5)))
    g = numbers(3)
    t = asyncio.create_task(anext(g))
    await asyncio.sleep(0)
    log("aclose while running", await caught(g.aclose()))
    log("the running one goes on", await t)
    await g.aclose()
    log("closed", type(await caught(anext(g))).__name__)

    g = numbers(3)
    log("athrow before the start", await caught(g.athrow(ValueError("early"))))
    log("finished by it", type(await caught(anext(g))).__name__)

    log("ignored", await caught(first_then_close(stubborn())))

    g = fails()
    log(await anext(g))
    log(await caught(anext(g)))
    log("finished by it", type(await caught(anext(g))).__name__)
    await g.aclose()
    log("aclose of a finished one is fine")

async def first_then_close(g):
    log(await anext(g))
    await g.aclose()

asyncio.run(main())
