import asyncio


async def worker(name, delay, barrier):
    await asyncio.sleep(delay)
    print(f"{name} has prepared")
    await barrier.wait()
    print(f"{name} goes on")


async def main():
    barrier = asyncio.Barrier(3)
    names = ("ann", "bob", "cid")
    await asyncio.gather(*(worker(name, 0.02 * i, barrier) for i, name in enumerate(names)))
    print(f"parties {barrier.parties}, waiting {barrier.n_waiting}")

    late = asyncio.create_task(barrier.wait())
    await asyncio.sleep(0.01)
    await barrier.abort()
    try:
        await late
    except asyncio.BrokenBarrierError:
        print(f"broken: {barrier.broken}")


asyncio.run(main())
