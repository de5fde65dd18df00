import asyncio
import threading


async def add(a, b):
    await asyncio.sleep(0.01)
    return a + b


async def fail():
    raise ValueError("refused")


def work(loop):
    future = asyncio.run_coroutine_threadsafe(add(1, 2), loop)
    print(f"in the thread: {future.result(timeout=5)}")
    try:
        asyncio.run_coroutine_threadsafe(fail(), loop).result(timeout=5)
    except ValueError as error:
        print(f"in the thread: ValueError: {error}")
    loop.call_soon_threadsafe(print, "called in the loop")


async def main():
    loop = asyncio.get_running_loop()
    thread = threading.Thread(target=work, args=(loop,))
    thread.start()
    await asyncio.to_thread(thread.join)
    await asyncio.sleep(0.01)


asyncio.run(main())
