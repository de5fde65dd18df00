import asyncio


async def producer(queue, name, count):
    for i in range(count):
        await queue.put(f"{name}-{i}")
        print(f"produced {name}-{i}")


async def consumer(queue, name):
    while True:
        item = await queue.get()
        await asyncio.sleep(0.01)
        print(f"{name} consumed {item}")
        queue.task_done()


async def main():
    queue = asyncio.Queue(maxsize=2)
    workers = [asyncio.create_task(consumer(queue, "consumer"))]
    await producer(queue, "item", 5)
    await queue.join()
    print(f"all done, {queue.qsize()} left")

    for worker in workers:
        worker.cancel()
    results = await asyncio.gather(*workers, return_exceptions=True)
    print([type(result).__name__ for result in results])


asyncio.run(main())
