#!/usr/bin/env python3
"""The HTTP client of the rows on aiohttp.

  client.py PORT IN_FLIGHT SECONDS      prints the CPU of a request in us, and the rate
"""
import asyncio
import sys
import time

import aiohttp


async def run(port, in_flight, seconds):
    done = 0
    end = time.monotonic() + 0.2 + seconds

    async def request_on(session):
        nonlocal done
        while time.monotonic() < end:
            async with session.get(f"http://127.0.0.1:{port}/") as page:
                if page.status != 200 or await page.read() != b"Hello, world!":
                    sys.exit("another answer came")
            done += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        tasks = [asyncio.create_task(request_on(session)) for _ in range(in_flight)]
        await asyncio.sleep(0.2)
        start, cpu, done = time.monotonic(), time.process_time(), 0
        await asyncio.wait(tasks)
        cpu = time.process_time() - cpu
        print(f"{cpu * 1e6 / done:.4f} {done / (time.monotonic() - start):.1f}")


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
