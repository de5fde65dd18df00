import asyncio


async def runner(name, start):
    print(f"{name} is waiting")
    await start.wait()
    print(f"{name} runs")


async def main():
    start = asyncio.Event()
    tasks = [asyncio.create_task(runner(name, start)) for name in ("ann", "bob", "cid")]
    await asyncio.sleep(0.01)
    print(f"set: {start.is_set()}")
    start.set()
    await asyncio.gather(*tasks)

    await start.wait()
    print("a set event does not wait")
    start.clear()
    try:
        await asyncio.wait_for(start.wait(), 0.01)
    except asyncio.TimeoutError:
        print("a cleared one does")


asyncio.run(main())
