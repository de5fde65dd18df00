import asyncio
import logging
import re
import time


class Report(logging.Handler):
    def emit(self, record):
        text = record.getMessage()
        if "took" in text:
            name = re.search(r"name='(\w+)'", text).group(1)
            print(f"slow: {text.split()[0]} {name}")


async def blocking():
    time.sleep(0.25)


async def quick():
    await asyncio.sleep(0.01)


async def main():
    loop = asyncio.get_running_loop()
    loop.slow_callback_duration = 0.15
    print(f"debug: {loop.get_debug()}")
    await asyncio.create_task(quick(), name="quick")
    await asyncio.create_task(blocking(), name="blocking")
    print("done")


logging.getLogger("asyncio").addHandler(Report())
logging.getLogger("asyncio").propagate = False
asyncio.run(main(), debug=True)
