"""A second SIGINT leaves run() at once; what is left is cancelled again while it closes."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

import os
import signal

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

async def main():
    loop = asyncio.get_running_loop()
    loop.call_later(0.01, interrupt)
    loop.call_later(0.05, interrupt)
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        log("first: main cancelled", asyncio.current_task().cancelling())
        try:
            await asyncio.sleep(5)
            log("not reached")
        except asyncio.CancelledError:
            log("cancelled while it closes", asyncio.current_task().cancelling())
            raise

log("run raised", type(thrown_by(asyncio.run, main())).__name__)

async def fine():
    return "a later run is fine"
log(asyncio.run(fine()))

async def fails_in_cleanup():
    asyncio.get_running_loop().call_later(0.01, interrupt)
    try:
        await asyncio.sleep(5)
    finally:
        raise ValueError("from the clean-up")
log("run raised", thrown_by(asyncio.run, fails_in_cleanup()))

async def child():
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        log("child cancelled")
        raise

async def in_a_group():
    asyncio.get_running_loop().call_later(0.01, interrupt)
    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(child())
    finally:
        log("group left")
log("run raised", type(thrown_by(asyncio.run, in_a_group())).__name__)
