import asyncio


async def after(delay, value):
    await asyncio.sleep(delay)
    if value < 0:
        raise ValueError(f"negative: {value}")
    return value


async def main():
    tasks = [asyncio.create_task(after(0.04 * n, n)) for n in (3, 1, 2)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    print(f"first: {[task.result() for task in done]}, pending {len(pending)}")

    done, pending = await asyncio.wait(pending, timeout=0.01)
    print(f"timeout: done {len(done)}, pending {len(pending)}")

    done, pending = await asyncio.wait(pending)
    print(f"all: {sorted(task.result() for task in done)}, pending {len(pending)}")

    tasks = [asyncio.create_task(after(delay, n)) for delay, n in ((0.01, 1), (0.04, -1), (5, 2))]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    failed = [task for task in tasks if task in done and task.exception()]
    print(f"exception: done {len(done)}, pending {len(pending)}, {failed[0].exception()}")
    for task in pending:
        task.cancel()
    await asyncio.wait(pending)


asyncio.run(main())
