import asyncio


def ask(loop, answer, delay):
    future = loop.create_future()
    loop.call_later(delay, future.set_result, answer)
    return future


async def main():
    loop = asyncio.get_running_loop()
    future = ask(loop, 42, 0.02)
    future.add_done_callback(lambda done: print(f"callback: {done.result()}"))
    print(f"done: {future.done()}")
    print(f"answer: {await future}")
    print(f"again: {future.result()}")
    await asyncio.sleep(0)

    failing = loop.create_future()
    loop.call_soon(failing.set_exception, ValueError("no answer"))
    try:
        await failing
    except ValueError as error:
        print(f"ValueError: {error}")

    cancelled = loop.create_future()
    cancelled.cancel()
    try:
        cancelled.set_result(1)
    except asyncio.InvalidStateError:
        print(f"cancelled: {cancelled.cancelled()}")

    pending = loop.create_future()
    try:
        pending.result()
    except asyncio.InvalidStateError as error:
        print(f"InvalidStateError: {error}")


asyncio.run(main())
