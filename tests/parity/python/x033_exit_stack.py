"""AsyncExitStack: reverse order, callbacks, an exit that swallows, an exit that raises, a failing entry."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

from contextlib import AsyncExitStack

class Manager:
    def __init__(self, name, swallow=False, raises=None, fail_enter=False):
        self.name, self.swallow, self.raises, self.fail_enter = name, swallow, raises, fail_enter
    async def __aenter__(self):
        if self.fail_enter:
            raise RuntimeError(f"cannot open {self.name}")
        log("  open", self.name)
        return self
    async def __aexit__(self, et, e, tb):
        await asyncio.sleep(0)
        log("  close", self.name, e)
        if self.raises:
            raise self.raises
        return self.swallow

async def use(label, *managers, body=None):
    log(label)
    try:
        async with AsyncExitStack() as stack:
            for m in managers:
                await stack.enter_async_context(m)
            stack.push_async_callback(say)
            if body:
                raise body
        log("  left normally")
    except BaseException as e:
        log("  left with", e)

async def say():
    log("  callback")

async def main():
    await use("plain", Manager("a"), Manager("b"))
    await use("body raises", Manager("c"), Manager("d"), body=ValueError("body"))
    await use("the inner one swallows", Manager("e"), Manager("f", swallow=True), body=ValueError("body"))
    await use("an exit raises", Manager("g"), Manager("h", raises=RuntimeError("exit")), body=ValueError("body"))
    await use("an entry fails", Manager("i"), Manager("j", fail_enter=True))

asyncio.run(main())
