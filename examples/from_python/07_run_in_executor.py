import asyncio
from concurrent.futures import ThreadPoolExecutor


def sum_of_squares(n):
    return sum(i * i for i in range(n))


async def main():
    loop = asyncio.get_running_loop()

    result = await loop.run_in_executor(None, sum_of_squares, 1000)
    print(f"default executor: {result}")

    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [loop.run_in_executor(pool, sum_of_squares, n) for n in (10, 100, 1000)]
        for result in await asyncio.gather(*futures):
            print(f"own pool: {result}")


asyncio.run(main())
