import asyncio


async def heartbeat(interval):
    beats = 0
    try:
        while True:
            beats += 1
            print(f"beat {beats}")
            await asyncio.sleep(interval)
    finally:
        print(f"stopped after {beats} beats")


async def main():
    task = asyncio.create_task(heartbeat(0.1), name="heartbeat")
    print(f"created {task.get_name()}, {len(asyncio.all_tasks())} tasks")
    await asyncio.sleep(0.25)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    print(f"{asyncio.current_task() is not None}, {len(asyncio.all_tasks())} task")


asyncio.run(main())
