import asyncio

running = 0
most = 0


async def fetch_data(url, seats):
    global running, most
    async with seats:
        running += 1
        most = max(most, running)
        print(f"start {url}")
        await asyncio.sleep(0.02)
        running -= 1
        return f"Data from {url}"


async def main():
    seats = asyncio.Semaphore(2)
    results = await asyncio.gather(*(fetch_data(f"url {i}", seats) for i in range(5)))
    for result in results:
        print(result)
    print(f"at most {most} at once, locked: {seats.locked()}")

    bounded = asyncio.BoundedSemaphore(1)
    try:
        bounded.release()
    except ValueError as error:
        print(f"ValueError: {error}")


asyncio.run(main())
