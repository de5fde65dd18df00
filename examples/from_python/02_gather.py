import asyncio


async def fetch_data(url, delay):
    print(f"Fetching {url}")
    await asyncio.sleep(delay)
    print(f"Fetched {url}")
    return f"Data from {url}"


async def main():
    urls = ["https://example.com/1", "https://example.com/2", "https://example.com/3"]
    results = await asyncio.gather(
        *(fetch_data(url, 0.02 * (3 - i)) for i, url in enumerate(urls))
    )
    for result in results:
        print(result)

    first, second = await asyncio.gather(fetch_data("a", 0.02), fetch_data("b", 0.04))
    print(first, "and", second)


asyncio.run(main())
