"""Random programs on a StreamReader, and what CPython does with them.

A program is a line an operation: bytes are fed, a read begins, is cancelled, the loop turns. Bytes
stand in hexadecimal. Errors that a transport stores are left out, for data that came before them
is delivered here (docs/from_python/differences.md, s090), and so is read(-1), for CPython takes
the bytes it waits with out of the buffer.
"""
import asyncio
import random

LETTERS = "ab\n;c"
SEPARATORS = [";", "ab", "\n", "c;", "aba", "bab", "b"]


def hexadecimal(text):
    return text.encode().hex()


def a_read(dice):
    kind = dice.randint(0, 5)
    if kind == 0:
        return f"read {dice.choice([0, 1, 2, 5, 30])}"
    if kind == 1:
        return "readline"
    if kind == 2:
        return f"readexactly {dice.choice([0, 1, 2, 3, 7, 30])}"
    if kind == 3:
        return "next"
    count = 1 if kind == 4 else dice.randint(2, 3)
    return "readuntil " + " ".join(map(hexadecimal, dice.sample(SEPARATORS, count)))


def program(seed):
    dice = random.Random(seed)
    lines = [f"limit {dice.choice([1, 2, 3, 4, 8, 16, 100])}"]
    ended = False
    for _ in range(dice.randint(5, 40)):
        what = dice.random()
        if what < 0.4 and not ended:
            size = dice.choice([1, 1, 2, 3, 5, 9, 20])
            lines.append("feed " + hexadecimal("".join(dice.choices(LETTERS, k=size))))
        elif what < 0.44 and not ended:
            ended = True
            lines.append("eof")
        elif what < 0.75:
            lines.append(a_read(dice))
        elif what < 0.82:
            lines.append("cancel")
        else:
            lines.append("pass")
    if not ended:
        lines.append("eof")
    return "\n".join([*lines, "pass", "pass", "read 100", "pass", "pass"]) + "\n"


class World:
    def __init__(self, limit):
        self.reader = asyncio.StreamReader(limit=limit)
        self.task = None
        self.trace = []

    def begin(self, line):
        name, *values = line.split()
        if name == "read":
            operation = self.reader.read(int(values[0]))
        elif name == "readline":
            operation = self.reader.readline()
        elif name == "readexactly":
            operation = self.reader.readexactly(int(values[0]))
        elif name == "next":
            operation = self.next_line()
        else:
            separators = tuple(bytes.fromhex(value) for value in values)
            operation = self.reader.readuntil(separators if values[1:] else separators[0])
        self.task = asyncio.create_task(operation)
        self.task.add_done_callback(lambda task: self.finished(line, task))

    async def next_line(self):
        async for line in self.reader:
            return line
        return b""

    def finished(self, line, task):
        if task.cancelled():
            said = "cancelled"
        elif (error := task.exception()) is None:
            said = "'" + task.result().hex() + "'"
        else:
            said = f"{type(error).__name__}: {error}"
            if isinstance(error, asyncio.IncompleteReadError):
                said += f" partial={error.partial.hex()}"
            if isinstance(error, asyncio.LimitOverrunError):
                said += f" consumed={error.consumed}"
        self.trace.append(f"{line} -> {said}")

    async def step(self, line):
        name, *values = line.split()
        if name == "feed":
            self.reader.feed_data(bytes.fromhex(values[0]))
        elif name == "eof":
            self.reader.feed_eof()
        elif name == "cancel":
            if self.task:
                self.task.cancel()
        elif name == "pass":
            await asyncio.sleep(0)
        elif self.task and not self.task.done():
            self.trace.append("busy")
        else:
            self.begin(line)
        self.trace.append(f"{name}: at_eof={int(self.reader.at_eof())} "
                          f"buffered={len(self.reader._buffer)}")


async def play(text):
    first, *lines = text.splitlines()
    world = World(int(first.split()[1]))
    for line in lines:
        await world.step(line)
    if world.task and not world.task.done():
        world.task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return world.trace


def trace_of(text):
    return asyncio.run(play(text))
