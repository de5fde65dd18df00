import asyncio
import selectors
from concurrent.futures import ThreadPoolExecutor


def report(loop, context):
    print(f"handler: {context['exception']}")


def make_loop():
    loop = asyncio.SelectorEventLoop(selectors.EpollSelector())
    loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
    loop.set_exception_handler(report)
    return loop


def fail():
    raise ValueError("a callback failed")


async def main():
    order = []
    await asyncio.gather(*(asyncio.to_thread(order.append, n) for n in range(5)))
    print(f"one thread keeps the order: {order == [0, 1, 2, 3, 4]}")
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)
    return "finished"


with asyncio.Runner(loop_factory=make_loop) as runner:
    print(runner.run(main()))
    print(runner.run(asyncio.sleep(0.01, "and the same loop again")))
