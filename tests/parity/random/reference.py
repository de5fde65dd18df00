"""Runs a program of generate.py on CPython's asyncio and prints its trace.

  reference.py PROGRAM...        (Python 3.13 or later)

The loop has virtual time, so that a run takes milliseconds and prints the same trace every time.
Where CPython itself leaves an order open (sets of tasks, timers of equal deadline) this file takes
the one that asyncio for C++ promises: creation order and insertion order; so does its queue, where
an overtaken getter keeps its place. Everything else is CPython's code.
"""
import asyncio
import asyncio.taskgroups
import asyncio.tasks
import pathlib
import selectors
import sys

from program import parse

STUCK_AFTER = 1_000_000  # virtual seconds without an end of main
ROUNDS = 8               # of cancelling what is left


class OrderedSet(dict):
    """A set that is walked in insertion order."""

    def __init__(self, items=()):
        super().__init__((item, None) for item in items)

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)

    def remove(self, item):
        del self[item]


class OrderedGroup(asyncio.TaskGroup):
    def __init__(self):
        super().__init__()
        self._tasks = OrderedSet()


class FairQueue(asyncio.Queue):
    """Whoever was woken and overtaken waits in front, not at the end."""

    async def put(self, item):
        overtaken = False
        while self.full():
            await self._wait(self._putters, overtaken, self.full)
            overtaken = True
        return self.put_nowait(item)

    async def get(self):
        overtaken = False
        while self.empty():
            await self._wait(self._getters, overtaken, self.empty)
            overtaken = True
        return self.get_nowait()

    async def _wait(self, line, in_front, blocked):
        waiter = asyncio.get_running_loop().create_future()
        line.appendleft(waiter) if in_front else line.append(waiter)
        try:
            await waiter
        except BaseException:
            waiter.cancel()
            try:
                line.remove(waiter)
            except ValueError:
                pass
            if not blocked() and not waiter.cancelled():
                self._wakeup_next(line)
            raise


class JumpingSelector(selectors.DefaultSelector):
    """Instead of sleeping, moves the loop's clock."""

    loop = None

    def select(self, timeout=None):
        events = super().select(0)
        if not events and timeout is not None and timeout > 0:
            self.loop.jump()
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time is in whole milliseconds; timers carry a tiny number that keeps equal ones in order."""

    def __init__(self):
        selector = JumpingSelector()
        self.now = 0
        self.timers = 0
        super().__init__(selector)
        selector.loop = self
        self._clock_resolution = 0.0004

    def time(self):
        return self.now / 1000

    def jump(self):
        self.now = max(self.now, int(self._scheduled[0].when() * 1000 + 0.2))

    def call_at(self, when, callback, *args, context=None):
        self.timers += 1
        return super().call_at(round(when, 3) + self.timers * 1e-7, callback, *args,
                               context=context)


def fmt(error):
    if isinstance(error, BaseExceptionGroup):
        return "ExceptionGroup[" + ", ".join(map(fmt, error.exceptions)) + "]"
    return f"{type(error).__name__}({str(error).split(': <')[0]})"  # without addresses


class World:
    """The objects that the bodies of one program share."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.futures = [self.loop.create_future() for _ in range(3)]
        self.events = [asyncio.Event() for _ in range(2)]
        self.locks = [asyncio.Lock() for _ in range(2)]
        self.semaphores = [asyncio.Semaphore(2)]
        self.conditions = [asyncio.Condition()]
        self.queues = [FairQueue(), FairQueue(2)]
        self.barriers = [asyncio.Barrier(2)]
        self.tasks = {}    # what `spawn` made, by number
        self.started = OrderedSet()  # every task that ran a body
        self.lines = []

    def log(self, *words):
        self.lines.append(" ".join([str(self.loop.now), *map(str, words)]))

    async def body(self, label, operations):
        self.started.add(asyncio.current_task())
        await self.run(label, operations)
        return label

    async def run(self, label, operations):
        for operation in operations:
            name = f"{operation.name}.{operation.number}"
            try:
                said = await getattr(self, "do_" + operation.name)(label, operation)
            except BaseException as error:
                self.log(label, name, "!" + fmt(error))
                raise
            self.log(label, name, said)

    # ---- time and tasks

    async def do_sleep(self, label, operation):
        await asyncio.sleep(operation.values[0] / 1000)
        return "ok"

    async def do_raise(self, label, operation):
        raise ValueError(operation.values[0])

    async def do_spawn(self, label, operation):
        number = operation.values[0]
        self.tasks[number] = asyncio.create_task(self.body(number, operation.bodies[0]))
        return "ok"

    async def do_await(self, label, operation):
        task = self.tasks.get(operation.values[0])
        return await task if task else "missing"

    async def do_shield(self, label, operation):
        task = self.tasks.get(operation.values[0])
        return await asyncio.shield(task) if task else "missing"

    async def do_await_for(self, label, operation):
        task = self.tasks.get(operation.values[1])
        return await asyncio.wait_for(task, operation.values[0] / 1000) if task else "missing"

    async def do_cancel(self, label, operation):
        task = self.tasks.get(operation.values[0])
        return str(task.cancel()).lower() if task else "missing"

    async def do_cancel_saying(self, label, operation):
        task = self.tasks.get(operation.values[0])
        return str(task.cancel(f"m{operation.values[1]}")).lower() if task else "missing"

    async def do_uncancel(self, label, operation):
        return asyncio.current_task().uncancel()

    async def do_look(self, label, operation):
        task = self.tasks.get(operation.values[0])
        if not task:
            return "missing"
        if not task.done():
            return f"pending {task.cancelling()}"
        if task.cancelled():
            return f"cancelled {task.cancelling()}"
        return fmt(task.exception()) if task.exception() else f"result {task.result()}"

    async def do_wait(self, label, operation):
        delay, mode, *numbers = operation.values
        tasks = {n: self.tasks[n] for n in numbers if n in self.tasks}
        if not tasks:
            return "missing"
        when = ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"][mode]
        done, _ = await asyncio.wait(list(tasks.values()), timeout=delay / 1000 if delay else None,
                                     return_when=when)
        return "done [" + ", ".join(str(n) for n in tasks if tasks[n] in done) + "]"

    # ---- combinators

    async def do_gather(self, label, operation):
        children = [self.body(n, body) for n, body in zip(operation.values, operation.bodies)]
        results = await asyncio.gather(*children, return_exceptions=True)
        return "[" + ", ".join(fmt(each) if isinstance(each, BaseException) else str(each)
                               for each in results) + "]"

    async def do_gather_raising(self, label, operation):
        children = [self.body(n, body) for n, body in zip(operation.values, operation.bodies)]
        return "[" + ", ".join(map(str, await asyncio.gather(*children))) + "]"

    async def do_group(self, label, operation):
        async with OrderedGroup() as group:
            for number, body in zip(operation.values, operation.bodies[1:]):
                group.create_task(self.body(number, body))
            await self.run(label, operation.bodies[0])
        return "ok"

    async def do_timeout(self, label, operation):
        async with asyncio.timeout(operation.values[0] / 1000) as scope:
            await self.run(label, operation.bodies[0])
        return "expired" if scope.expired() else "ok"

    async def do_wait_for(self, label, operation):
        delay, number = operation.values
        return await asyncio.wait_for(self.body(number, operation.bodies[0]), delay / 1000)

    async def do_try(self, label, operation):
        body, handler, final = operation.bodies
        kinds = operation.values[0]
        caught = None
        try:
            try:
                await self.run(label, body)
            except asyncio.CancelledError as error:
                if not kinds & 1:
                    raise
                caught = error
            except Exception as error:
                if not kinds & 2:
                    raise
                caught = error
            if caught:
                self.log(label, "caught", fmt(caught))
                await self.run(label, handler)
        finally:
            await self.run(label, final)
        return "ok"

    # ---- futures and synchronisation

    async def do_future_await(self, label, operation):
        return await self.futures[operation.values[0]]

    async def do_future_set(self, label, operation):
        self.futures[operation.values[0]].set_result(operation.values[1])
        return "ok"

    async def do_future_fail(self, label, operation):
        self.futures[operation.values[0]].set_exception(ValueError(operation.values[1]))
        return "ok"

    async def do_future_cancel(self, label, operation):
        return str(self.futures[operation.values[0]].cancel()).lower()

    async def do_event_wait(self, label, operation):
        await self.events[operation.values[0]].wait()
        return "ok"

    async def do_event_set(self, label, operation):
        self.events[operation.values[0]].set()
        return "ok"

    async def do_event_clear(self, label, operation):
        self.events[operation.values[0]].clear()
        return "ok"

    async def do_lock(self, label, operation):
        async with self.locks[operation.values[0]]:
            self.log(label, "locked")
            await self.run(label, operation.bodies[0])
        return "ok"

    async def do_semaphore(self, label, operation):
        async with self.semaphores[operation.values[0]]:
            self.log(label, "entered")
            await self.run(label, operation.bodies[0])
        return "ok"

    async def do_condition_wait(self, label, operation):
        condition = self.conditions[operation.values[0]]
        async with condition:
            await condition.wait()
            self.log(label, "notified")
            await self.run(label, operation.bodies[0])
        return "ok"

    async def do_notify(self, label, operation):
        condition = self.conditions[operation.values[0]]
        async with condition:
            condition.notify(operation.values[1])
        return "ok"

    async def do_put(self, label, operation):
        await self.queues[operation.values[0]].put(operation.values[1])
        return "ok"

    async def do_get(self, label, operation):
        return await self.queues[operation.values[0]].get()

    async def do_barrier(self, label, operation):
        await self.barriers[operation.values[0]].wait()
        return "ok"


async def top(world, operations):
    main = asyncio.create_task(world.body(0, operations))
    for _ in range(ROUNDS):
        done, _ = await asyncio.wait([main], timeout=STUCK_AFTER)
        if done:
            break
        world.log("stuck")
        main.cancel()
    world.log("main", "cancelled" if main.done() and main.cancelled() else
              "pending" if not main.done() else
              fmt(main.exception()) if main.exception() else "ok")
    await asyncio.sleep(STUCK_AFTER)  # what was spawned last has run now
    for _ in range(ROUNDS):
        left = [task for task in world.started if not task.done()]
        if not left:
            break
        for task in left:
            task.cancel()
        await asyncio.sleep(STUCK_AFTER)
    world.log("left", sum(not task.done() for task in world.started))


def trace_of(text):
    loop = VirtualLoop()
    loop.set_exception_handler(lambda *_: None)
    worlds = []

    async def enter():
        worlds.append(World())
        await top(worlds[0], parse(text))

    loop.run_until_complete(enter())
    return list(worlds[0].lines)


def prepare():
    asyncio.tasks.set = OrderedSet  # wait() walks and returns sets


def main():
    prepare()
    for name in sys.argv[1:]:
        print("\n".join(trace_of(pathlib.Path(name).read_text())))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
