import asyncio


async def step(name, delay):
    await asyncio.sleep(delay)
    print(f"{name} finished")


async def main():
    try:
        async with asyncio.timeout(0.2):
            await step("first", 0.01)
            await step("second", 3600)
    except TimeoutError:
        print("timed out in the second step")

    async with asyncio.timeout(5) as deadline:
        await step("third", 0.01)
    print(f"expired: {deadline.expired()}")

    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as deadline:
            await step("fourth", 0.01)
            deadline.reschedule(loop.time() + 0.02)
            await step("fifth", 3600)
    except TimeoutError:
        print(f"rescheduled, then expired: {deadline.expired()}")

    try:
        async with asyncio.timeout_at(loop.time() + 0.02):
            await step("sixth", 3600)
    except TimeoutError:
        print("past the point in time")


asyncio.run(main())
