import asyncio


async def fetch(name, delay):
    await asyncio.sleep(delay)
    if name == "broken":
        raise ValueError("broken page")
    return f"{name} is here"


async def main():
    pages = [fetch("slow", 0.09), fetch("quick", 0.01), fetch("broken", 0.05)]
    for next_page in asyncio.as_completed(pages):
        try:
            print(await next_page)
        except ValueError as error:
            print(f"ValueError: {error}")

    pages = [fetch("late", 3600), fetch("early", 0.01)]
    try:
        for next_page in asyncio.as_completed(pages, timeout=0.05):
            print(await next_page)
    except asyncio.TimeoutError:
        print("TimeoutError: not all came in time")


asyncio.run(main())
