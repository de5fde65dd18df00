import asyncio


async def fetch_data(url):
    await asyncio.sleep(0.01)
    if "error" in url:
        raise ValueError(f"cannot fetch {url}")
    return f"Data from {url}"


async def main():
    urls = ["https://example.com/1", "https://example.com/error", "https://example.com/3"]
    results = await asyncio.gather(*(fetch_data(url) for url in urls), return_exceptions=True)
    for url, result in zip(urls, results):
        if isinstance(result, Exception):
            print(f"{url}: {type(result).__name__}: {result}")
        else:
            print(f"{url}: {result}")

    try:
        await asyncio.gather(*(fetch_data(url) for url in urls))
    except ValueError as error:
        print(f"without return_exceptions: {error}")


asyncio.run(main())
