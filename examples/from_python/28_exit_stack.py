import asyncio
from contextlib import AsyncExitStack, asynccontextmanager


@asynccontextmanager
async def connection(name):
    await asyncio.sleep(0.01)
    print(f"connect {name}")
    try:
        yield name
    finally:
        await asyncio.sleep(0.01)
        print(f"disconnect {name}")


async def goodbye():
    await asyncio.sleep(0.01)
    print("goodbye")


async def main():
    async with AsyncExitStack() as stack:
        for name in ("a", "b", "c"):
            await stack.enter_async_context(connection(name))
        stack.push_async_callback(goodbye)
        print("all connected")

    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(connection("d"))
            raise ValueError("stop here")
    except ValueError as error:
        print(f"ValueError: {error}")


asyncio.run(main())
