"""StreamReader: several separators, read(n), two readers, a cancelled read, the end of iteration."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

def reader(data=b"", eof=True):
    r = asyncio.StreamReader()
    if data:
        r.feed_data(data)
    if eof:
        r.feed_eof()
    return r

async def main():
    r = reader(b"one;two\nthree")
    log(await r.readuntil((b";", b"\n")), await r.readuntil((b";", b"\n")))
    log(await r.read(2), await r.read(0), r.at_eof(), await r.read(100), r.at_eof(), await r.read(1))

    r = reader(b"abc", eof=False)
    log(await r.read(2), await r.readexactly(1))
    t = asyncio.create_task(r.read(10))
    await asyncio.sleep(0)
    log("a second reader", await caught(r.readline()))
    r.feed_data(b"xyz")
    log("the first goes on", await t)

    t = asyncio.create_task(r.readexactly(4))
    await asyncio.sleep(0)
    r.feed_data(b"12")
    await asyncio.sleep(0)
    t.cancel()
    log(type(await caught(t)).__name__)
    r.feed_data(b"34\n")
    log("nothing is lost", await r.readline())

    r = reader(b"a\nb\nlast")
    lines = []
    async for line in r:
        lines.append(line)
    log(lines, r.at_eof())
    r = reader(b"ab|cd|", eof=False)
    log(await r.readuntil(b"|"), await r.readuntil(b"|"))
    t = asyncio.create_task(r.readuntil(b"||"))
    await asyncio.sleep(0)
    for part in (b"ef|", b"|gh"):
        r.feed_data(part)
        await asyncio.sleep(0)
    log(await t, await r.readexactly(2))
    log("empty separator", await caught(r.readuntil(b"")))
    t = asyncio.create_task(r.read())
    await asyncio.sleep(0)
    r.feed_data(b"to ")
    await asyncio.sleep(0)
    r.feed_data(b"the end")
    r.feed_eof()
    log(await t, await r.read())

asyncio.run(main())
