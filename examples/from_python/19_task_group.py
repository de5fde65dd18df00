import asyncio


async def fetch(name, delay):
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError:
        print(f"{name} cancelled")
        raise
    if name.startswith("bad"):
        raise ValueError(f"{name} failed")
    return f"{name} fetched"


async def main():
    async with asyncio.TaskGroup() as group:
        first = group.create_task(fetch("a", 0.03))
        second = group.create_task(fetch("b", 0.01))
    print(first.result(), "and", second.result())

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fetch("bad", 0.01))
            group.create_task(fetch("sibling", 3600))
    except* ValueError as group:
        print(group)
        for error in group.exceptions:
            print(f"- {error}")


asyncio.run(main())
