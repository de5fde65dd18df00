import asyncio


async def operation(seconds):
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        print("operation: cancelled")
        raise
    return f"finished after {seconds} s"


async def main():
    try:
        await asyncio.wait_for(operation(10), timeout=0.02)
    except asyncio.TimeoutError:
        print("The operation took too long!")

    print(await asyncio.wait_for(operation(0.01), timeout=5))
    print(await asyncio.wait_for(operation(0.02), timeout=None))

    task = asyncio.create_task(operation(10))
    try:
        await asyncio.wait_for(task, timeout=0.02)
    except asyncio.TimeoutError:
        print(f"the task was cancelled: {task.cancelled()}")


asyncio.run(main())
