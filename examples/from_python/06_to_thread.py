import asyncio
import time


def read_slowly(name, seconds):
    time.sleep(seconds)
    return f"contents of {name}"


def fail():
    raise ValueError("no such thing")


async def tick():
    for i in range(3):
        print(f"tick {i}: the loop is free")
        await asyncio.sleep(0.02)


async def main():
    text, _ = await asyncio.gather(asyncio.to_thread(read_slowly, "a.txt", 0.15), tick())
    print(text)
    try:
        await asyncio.to_thread(fail)
    except ValueError as error:
        print(f"from the thread: {error}")


asyncio.run(main())
