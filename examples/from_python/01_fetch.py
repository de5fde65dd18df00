import asyncio


async def fetch_data(url):
    print(f"Fetching data from {url}")
    await asyncio.sleep(0.02)
    print(f"Finished fetching data from {url}")
    return f"Data from {url}"


async def main():
    result = await fetch_data("https://example.com")
    print(result)


asyncio.run(main())
