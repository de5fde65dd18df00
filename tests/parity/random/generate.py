"""Writes a random program: tasks that sleep, wait, cancel and meet each other.

  generate.py SEED

Each seed allows some of the operations only, so that a few of them meet often.
"""
import random
import sys

from program import Operation, write

LEAVES = ["sleep", "sleep", "sleep", "raise", "await", "await", "shield", "await_for", "cancel",
          "cancel", "cancel", "uncancel", "look", "wait", "future_await", "future_await",
          "future_set", "future_fail", "future_cancel", "event_wait", "event_set", "event_clear",
          "notify", "put", "put", "get", "get", "barrier", "cancel_saying"]
NODES = ["spawn", "spawn", "spawn", "spawn", "gather", "group", "timeout", "wait_for", "try", "try",
         "lock", "lock", "semaphore", "condition_wait"]
ALWAYS = {"sleep", "spawn", "await", "cancel", "try"}
# Without these nothing is cancelled while it waits, so that a gather that raises can be compared:
# where it is cancelled, C++ waits for all children.
CALM = set(LEAVES + NODES + ["gather_raising"]) - {
    "cancel", "cancel_saying", "await_for", "future_cancel", "timeout", "wait_for", "group",
    "future_await", "event_wait", "condition_wait", "get", "put", "barrier", "await", "shield"}


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tasks = 0
        self.current = 0  # the task whose body is being written
        self.numbers = 0
        self.budget = self.random.randint(8, 45)
        pool = sorted(set(LEAVES + NODES) - ALWAYS)
        allowed = ALWAYS | set(self.random.sample(pool, self.random.randint(3, 12)))
        if "gather" in allowed:
            allowed.discard("cancel_saying")  # messages cross a gather in C++ only
        if self.random.random() < 0.1:
            allowed = CALM
        self.leaves = [name for name in LEAVES if name in allowed]
        self.nodes = [name for name in [*NODES, "gather_raising"] if name in allowed]

    def some_task(self):
        return self.random.randint(1, max(1, self.tasks + 1))

    def later_task(self):
        """Awaiting only these makes no cycle, where cancelling ends CPython's recursion."""
        return self.random.randint(self.current + 1, max(self.current, self.tasks) + 2)

    def new_task(self):
        self.tasks += 1
        return self.tasks

    def task_body(self, number, depth):
        outer, self.current = self.current, number
        operations = self.body(depth - 1)
        self.current = outer
        return operations

    def delay(self):
        """Milliseconds; different ones hardly ever meet, zero is one pass."""
        return self.random.choice([0, 0, 0, self.random.randint(1, 99_999)])

    def body(self, depth, most=4):
        wanted = self.random.randint(1, most)
        operations = []
        while len(operations) < wanted and self.budget > 0:
            operations.append(self.operation(depth))
        return operations

    def operation(self, depth):
        self.budget -= 1
        self.numbers += 1
        name = self.random.choice(self.leaves if depth == 0 or self.random.random() < 0.55
                                  else self.nodes)
        values, bodies = getattr(self, "make_" + name, self.make_plain)(depth)
        return Operation(name, 0, values, bodies)

    def make_plain(self, depth):
        return [], []

    def make_sleep(self, depth):
        return [self.delay()], []

    def make_raise(self, depth):
        return [self.numbers], []

    def make_await(self, depth):
        return [self.later_task()], []

    make_shield = make_await

    def make_cancel(self, depth):
        return [self.some_task()], []

    make_look = make_cancel

    def make_cancel_saying(self, depth):
        return [self.some_task(), self.numbers], []

    def make_await_for(self, depth):
        return [self.random.randint(1, 99_999), self.later_task()], []

    def make_wait(self, depth):
        delay = self.random.choice([0, self.random.randint(1, 99_999)])
        tasks = {self.some_task() for _ in range(self.random.randint(1, 4))}
        return [delay, self.random.randint(0, 2), *sorted(tasks)], []

    def make_future_await(self, depth):
        return [self.random.randint(0, 2)], []

    make_future_cancel = make_future_await

    def make_future_set(self, depth):
        return [self.random.randint(0, 2), self.numbers], []

    make_future_fail = make_future_set

    def make_event_wait(self, depth):
        return [self.random.randint(0, 1)], []

    make_event_set = make_event_clear = make_get = make_event_wait

    def make_put(self, depth):
        return [self.random.randint(0, 1), self.numbers], []

    def make_notify(self, depth):
        return [0, self.random.randint(1, 2)], []

    def make_barrier(self, depth):
        return [0], []

    # ---- with bodies

    def make_spawn(self, depth):
        number = self.new_task()
        return [number], [self.task_body(number, depth)]

    def make_gather(self, depth):
        numbers = [self.new_task() for _ in range(self.random.randint(1, 3))]
        return ([100 + number for number in numbers],
                [self.task_body(number, depth) for number in numbers])

    make_gather_raising = make_gather

    def make_group(self, depth):
        numbers = [self.new_task() for _ in range(self.random.randint(1, 3))]
        return ([100 + number for number in numbers],
                [self.body(depth - 1), *[self.task_body(number, depth) for number in numbers]])

    def make_timeout(self, depth):
        return [self.random.randint(1, 99_999)], [self.body(depth - 1)]

    def make_wait_for(self, depth):
        return ([self.random.randint(1, 99_999), 100 + self.new_task()],
                [self.body(depth - 1)])

    def make_try(self, depth):
        final = self.body(0, 2) if self.random.random() < 0.4 else []
        return [self.random.randint(0, 3)], [self.body(depth - 1), self.body(0, 2), final]

    def make_lock(self, depth):
        return [self.random.randint(0, 1)], [self.body(depth - 1, 2)]

    def make_semaphore(self, depth):
        return [0], [self.body(depth - 1, 2)]

    make_condition_wait = make_semaphore


def program(seed):
    generator = Generator(seed)
    operations = [Operation("spawn", 0, *generator.make_spawn(3))
                  for _ in range(generator.random.randint(0, 4))]
    while generator.budget > 0:
        operations.append(generator.operation(3))
    return write(operations) + "\n"


if __name__ == "__main__":
    sys.stdout.write(program(int(sys.argv[1])))
