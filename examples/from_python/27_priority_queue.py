import asyncio


async def worker(name, queue):
    while True:
        priority, job = await queue.get()
        print(f"{name}: {job} (priority {priority})")
        await asyncio.sleep(0.02)
        queue.task_done()


async def main():
    queue = asyncio.PriorityQueue()
    for entry in ((3, "tidy up"), (1, "put out the fire"), (2, "answer the phone"), (9, "nap")):
        queue.put_nowait(entry)

    workers = [asyncio.create_task(worker(name, queue)) for name in ("ann", "bob")]
    await asyncio.sleep(0.01)
    queue.put_nowait((0, "emergency"))
    await queue.join()
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)

    stack = asyncio.LifoQueue()
    for n in (1, 2, 3):
        stack.put_nowait(n)
    print(stack.get_nowait(), stack.get_nowait(), stack.get_nowait())
    try:
        stack.get_nowait()
    except asyncio.QueueEmpty:
        print("QueueEmpty")


asyncio.run(main())
