import asyncio


async def countdown(n):
    try:
        while n > 0:
            await asyncio.sleep(0.01)
            yield n
            n -= 1
    finally:
        print("countdown closed")


async def squares(numbers):
    async for n in numbers:
        yield n * n


async def main():
    async for n in countdown(3):
        print(n)

    async for n in squares(countdown(3)):
        print(f"squared {n}")

    endless = countdown(1_000_000)
    print(f"first {await endless.__anext__()}")
    await endless.aclose()

    total = sum([n async for n in countdown(4)])
    print(f"total {total}")


asyncio.run(main())
