#!/usr/bin/env python3
"""The in-process rows on Python's asyncio, or on uvloop.

  rows.py asyncio|uvloop --rows                     the rows and how many operations a run has
  rows.py asyncio|uvloop --measure ROW SECONDS      repeats the row for so long; figures as JSON
"""
import asyncio
import json
import os
import random
import sys
import threading
import time

ROWS = {}  # name: (operations, function)


def row(operations, name=None):
    def remember(function):
        ROWS[name or function.__name__] = (operations, function)
        return function
    return remember


def check(holds, what):
    if not holds:
        sys.exit(f"this row measured something else than it says: {what}")


class Watch:
    def __init__(self):
        self.wall = self.cpu = 0
        self.bytes = None

    def start(self):
        self.wall -= time.perf_counter()
        self.cpu -= time.process_time()

    def stop(self):
        self.cpu += time.process_time()
        self.wall += time.perf_counter()


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


# ---- coroutines ---------------------------------------------------------------------------------
async def child(value):
    return value


@row(200_000)
async def await_child(watch, operations):
    watch.start()
    for i in range(operations):
        await child(i)
    watch.stop()


@row(10_000)
async def spawn_join(watch, operations):
    watch.start()
    for i in range(operations):
        await asyncio.create_task(child(i))
    watch.stop()


async def yield_times(times):
    for _ in range(times):
        await asyncio.sleep(0)


async def yield_with(watch, operations, tasks):
    yielders = [asyncio.create_task(yield_times(operations // tasks)) for _ in range(tasks)]
    watch.start()
    for yielder in yielders:
        await yielder
    watch.stop()


@row(20_000)
async def yield_1(watch, operations):
    await yield_with(watch, operations, 1)


@row(100_000)
async def yield_100(watch, operations):
    await yield_with(watch, operations, 100)


@row(100_000)
async def yield_10k(watch, operations):
    await yield_with(watch, operations, 10_000)


@row(20_000)
async def gather_1000(watch, operations):
    watch.start()
    for _ in range(0, operations, 1_000):
        values = await asyncio.gather(*(child(i) for i in range(1_000)))
        check(sum(values) == 499_500, "the children's values do not add up")
    watch.stop()


async def innermost(never):
    await never.wait()
    return 1


async def middle(never):
    return 1 + await innermost(never)


async def outermost(never):
    return 1 + await middle(never)


@row(5_000)
async def cancel_3_deep(watch, operations):
    never = asyncio.Event()
    cancelled = 0
    watch.start()
    for _ in range(operations):
        task = asyncio.create_task(outermost(never))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            cancelled += 1
    watch.stop()
    check(cancelled == operations, "a cancellation was lost")


# ---- locks and queues ---------------------------------------------------------------------------
@row(10_000)
async def queue_ping_pong(watch, operations):
    there, back = asyncio.Queue(1), asyncio.Queue(1)

    async def pong():
        for _ in range(operations):
            await back.put(await there.get())

    task = asyncio.create_task(pong())
    watch.start()
    for i in range(operations):
        await there.put(i)
        check(await back.get() == i, "another answer came back")
    watch.stop()
    await task


@row(100_000)
async def lock_free(watch, operations):
    lock = asyncio.Lock()
    watch.start()
    for _ in range(operations):
        await lock.acquire()
        lock.release()
    watch.stop()


@row(10_000)
async def lock_100(watch, operations):
    lock = asyncio.Lock()

    async def contend():
        for _ in range(operations // 100):
            async with lock:
                await asyncio.sleep(0)

    contenders = [asyncio.create_task(contend()) for _ in range(100)]
    watch.start()
    for contender in contenders:
        await contender
    watch.stop()


# ---- timers -------------------------------------------------------------------------------------
@row(50_000)
async def timer_insert_cancel(watch, operations):
    loop = asyncio.get_running_loop()
    others = [loop.call_later(5 + 50 * random.random(), print) for _ in range(10_000)]
    later = loop.time() + 10
    watch.start()
    for _ in range(operations):
        loop.call_at(later, print).cancel()
    watch.stop()
    for timer in others:
        timer.cancel()


@row(100_000, "timer_insert_fire_1m")
async def timer_insert_fire(watch, operations):
    loop = asyncio.get_running_loop()
    now = loop.time()
    deadlines = [now + 0.01 * random.random() for _ in range(operations)]
    left = operations
    all_fired = asyncio.Event()

    def fire():
        nonlocal left
        left -= 1
        if left == 0:
            all_fired.set()

    watch.start()
    for deadline in deadlines:
        loop.call_at(deadline, fire)
    await all_fired.wait()
    watch.stop()


@row(10_000)
async def timeout_yield(watch, operations):
    watch.start()
    for _ in range(operations):
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
    watch.stop()


@row(10_000)
async def wait_for_yield(watch, operations):
    watch.start()
    for _ in range(operations):
        await asyncio.wait_for(asyncio.sleep(0), 10)
    watch.stop()


@row(5_000)
async def deadline_passes(watch, operations):
    never = asyncio.Event()
    watch.start()
    for _ in range(operations):
        try:
            async with asyncio.timeout(1e-9):
                await never.wait()
        except TimeoutError:
            pass
    watch.stop()


# ---- threads ------------------------------------------------------------------------------------
class LoopThread:
    """A loop that runs on a thread of its own, for a scope."""

    def __enter__(self):
        running = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run(running)))
        self.thread.start()
        running.wait()
        return self.loop

    async def run(self, running):
        self.loop = asyncio.get_running_loop()
        self.end = asyncio.Event()
        running.set()
        await self.end.wait()

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.end.set)
        self.thread.join()


@row(50_000)
async def post_from_thread(watch, operations):
    last = threading.Event()
    ran = 0

    def count():
        nonlocal ran
        ran += 1

    with LoopThread() as loop:
        watch.start()
        for _ in range(operations):
            loop.call_soon_threadsafe(count)
        loop.call_soon_threadsafe(last.set)
        last.wait()
        watch.stop()
    check(ran == operations, "a post was lost")


@row(2_000)
async def wake_from_thread(watch, operations):
    arrived = threading.Semaphore(0)
    with LoopThread() as loop:
        watch.start()
        for _ in range(operations):
            loop.call_soon_threadsafe(arrived.release)
            arrived.acquire()
        watch.stop()


# ---- memory: 100,000 tasks, whose bytes and time are each what a million take -------------------
@row(100_000)
async def wake_1m(watch, operations):
    event = asyncio.Event()
    woken = 0

    async def wait_and_count():
        nonlocal woken
        await event.wait()
        woken += 1

    before = resident_bytes()
    tasks = {asyncio.create_task(wait_and_count()) for _ in range(operations)}
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    watch.bytes = (resident_bytes() - before) / operations
    watch.start()
    event.set()
    while woken < operations:
        await asyncio.sleep(0)
    watch.stop()
    await asyncio.wait(tasks)


@row(100_000)
async def sleep_1m(watch, operations):
    before = resident_bytes()
    watch.start()
    tasks = {asyncio.create_task(asyncio.sleep(2 + i * 7_919 % operations * 1e-9))
             for i in range(operations)}
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    watch.bytes = (resident_bytes() - before) / operations
    check(not any(task.done() for task in tasks), "some woke before all slept")
    await asyncio.wait(tasks)
    watch.stop()


def measure(name, seconds):
    operations, function = ROWS[name]
    watch = Watch()
    runs = 0
    while runs == 0 or (watch.wall < seconds and not name.endswith("_1m")):
        asyncio.run(function(watch, operations))
        runs += 1
    each = 1e9 / (operations * runs)
    figures = {"ns": watch.wall * each, "cpu_ns": watch.cpu * each}
    if watch.bytes is not None:
        figures["bytes"] = watch.bytes
    print(json.dumps(figures))


def main():
    if sys.argv[1] == "uvloop":
        import uvloop
        uvloop.install()
    if sys.argv[2] == "--rows":
        for name, (operations, _) in ROWS.items():
            print(name, operations)
    else:
        measure(sys.argv[3], float(sys.argv[4]))


if __name__ == "__main__":
    main()
