import asyncio


async def worker(name):
    try:
        print(f"{name}: working")
        await asyncio.sleep(3600)
    except asyncio.CancelledError as error:
        print(f"{name}: cancelled ({error})")
        raise
    finally:
        await asyncio.sleep(0.01)
        print(f"{name}: cleaned up")


async def stubborn():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("stubborn: not now")
    return "finished anyway"


async def main():
    task = asyncio.create_task(worker("worker"))
    await asyncio.sleep(0.01)
    task.cancel("time to go")
    try:
        await task
    except asyncio.CancelledError:
        print(f"main: cancelled {task.cancelled()}, done {task.done()}")

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0.01)
    task.cancel()
    print(await task)
    print(f"main: cancelled {task.cancelled()}, requests {task.cancelling()}")

    task = asyncio.create_task(worker("never started"))
    task.cancel()
    await asyncio.wait([task])
    print(f"main: cancelled {task.cancelled()}")


asyncio.run(main())
