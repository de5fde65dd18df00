import asyncio


async def compute(x):
    await asyncio.sleep(0.01)
    return 2 * x


def report(context):
    error = context["exception"]
    print(f"handler: {type(error).__name__}: {error}")


def fail():
    raise ValueError("a callback failed")


def main():
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: report(context))

    loop.call_later(0.06, loop.stop)
    loop.call_later(0.04, print, "later")
    loop.call_at(loop.time() + 0.02, print, "at")
    loop.call_soon(print, "soon")
    loop.call_soon(fail)
    never = loop.call_later(0.02, print, "never")
    never.cancel()
    loop.run_forever()
    print(f"stopped, cancelled: {never.cancelled()}")

    print(f"computed {loop.run_until_complete(compute(21))}")
    print(f"running {loop.is_running()}, closed {loop.is_closed()}")
    loop.close()
    try:
        loop.call_soon(print, "too late")
    except RuntimeError as error:
        print(f"RuntimeError: {error}")


main()
