import asyncio


async def fetch(attempt):
    await asyncio.sleep(0.01)
    if attempt < 3:
        raise ValueError(f"attempt {attempt} failed")
    return f"attempt {attempt} worked"


async def fetch_with_retry(attempts):
    for attempt in range(1, attempts + 1):
        try:
            return await fetch(attempt)
        except ValueError as error:
            print(f"retry after: {error}")
            await asyncio.sleep(0.01 * attempt)
    raise RuntimeError("gave up")


async def main():
    print(await fetch_with_retry(5))
    try:
        await fetch_with_retry(1)
    except RuntimeError as error:
        print(f"RuntimeError: {error}")

    task = asyncio.create_task(fetch(1))
    await asyncio.wait([task])
    error = task.exception()
    print(f"kept in the task: {type(error).__name__}: {error}")
    try:
        task.result()
    except ValueError:
        print("result() raises it again")


asyncio.run(main())
