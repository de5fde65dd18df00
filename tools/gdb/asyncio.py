"""asyncio for C++ in gdb: what tasks stand where, in a live process or in a core file.

    (gdb) source .../share/asyncio/gdb/asyncio.py
    (gdb) asyncio-bt            the stacks of all tasks, innermost coroutine first
    (gdb) asyncio-bt pay        of the tasks of that name
    (gdb) print task            <Task 'pay' waiting for Lock.acquire at bank.cpp:12>

Reads the registry of asyncio/core/instrument.hpp and nothing else, as `asyncio ps` does: no debug
information is needed, and nothing is called in the program. Printing a variable needs its type.
"""
import collections
import re
import struct

import gdb
import gdb.printing

VERSION = 3  # kRegistryVersion
MOST = 100_000  # elements of a list: memory may be damaged
STATES = {0: "pending", 1: "cancelled", 2: "finished"}  # FutureBase::State

LAYOUT = """loop_link loop_id loop_thread loop_running loop_asleep loop_current loop_tasks
loop_passes loop_timers loop_times loop_counts task_link task_state task_requests task_root
task_waiter task_number task_extras task_waiters task_flags task_started extras_name
extras_has_name string_data string_size promise_caller promise_callee promise_where slot_index
purpose_count""".split()
PURPOSE = 0x80  # FutureBase::kPurposeFlag
Kind = collections.namedtuple(
    "Kind", "labels label_count choice label_in label_at holder_at awaited number_in number_at"
    " number_name")


class Unreadable(Exception):
    """With the sentence for the user."""


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def number(address, form):
    return struct.unpack(form, read(address, struct.calcsize(form)))[0]


def pointer(address):
    return number(address, "<Q")


def text(address, longest=512):
    found = b""
    while len(found) < longest and b"\0" not in found:
        found += read(address + len(found), 16 - (address + len(found)) % 16)
    return found.split(b"\0")[0][:longest].decode(errors="replace")


def find_registry():
    """By its symbol; in a stripped program by the note that leads to it."""
    try:
        return int(gdb.parse_and_eval("(unsigned long)&asyncio_registry"))
    except gdb.error:
        pass
    for line in gdb.execute("info files", to_string=True).splitlines():
        section = re.match(r"\s*(0x[0-9a-f]+) - 0x[0-9a-f]+ is \.note\.asyncio", line)
        if section:
            content = int(section[1], 16) + 12 + 8
            return content + number(content, "<i")
    raise Unreadable("this program does not use asyncio for C++, or has not been started")


def short_name(pretty):
    """As short_function_name() of asyncio/base/function_name.cpp."""
    name = pretty.split(" [")[0]
    depth = 0
    for at in range(len(name) - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(name[at], 0)
        if name[at] == "(" and depth == 0:
            name = name[:at]
            break
    if name.endswith("operator()"):
        return "<lambda>"
    while (bare := re.sub(r"<[^<>]*>", "", name)) != name:
        name = bare
    parts = re.split(r"[ *&]", name)[-1].split("::")
    return "::".join(parts[-2:] if len(parts) > 1 and parts[-2][:1].isupper() else parts[-1:])


class Registry:
    """What the program shows of its loops."""

    def __init__(self):
        self.at = find_registry()
        if read(self.at, 8) != b"asyncio\0":
            raise Unreadable("the registry of asyncio cannot be read")
        if (version := number(self.at + 8, "<I")) != VERSION:
            library = text(self.at + 16, 16)
            raise Unreadable(f"the program uses another version of asyncio: registry {version}, and"
                             f" this file reads {VERSION}\n  cure: source the file that was"
                             f" installed with asyncio {library}")
        words = struct.unpack(f"<{len(LAYOUT)}I", read(self.at + 56, 4 * len(LAYOUT)))
        for name, offset in zip(LAYOUT, words):
            setattr(self, name, offset)
        self.purposes = pointer(self.at + 56 + 4 * len(LAYOUT))
        self.single_base = pointer(self.at + 64 + 4 * len(LAYOUT))
        self.kinds = dict(self.read_kinds())

    def read_kinds(self):
        at = pointer(self.at + 48)
        while at:
            (kind, labels, count, choice, label_in, label_at, holder_at, _, _, _, _, awaited,
             _, number_in, number_at, number_name, _, following) = struct.unpack(
                 "<QQiiiiiii??xxiiiiQQQ", read(at, 88))
            yield kind, Kind(labels, count, choice, label_in, label_at, holder_at, awaited,
                             number_in, number_at, number_name)
            at = following

    def links(self, head):
        at = pointer(head)
        for _ in range(MOST):
            if at in (0, head):
                return
            yield at
            at = pointer(at)

    def loops(self):
        for link in self.links(self.at + 32):
            yield Loop(self, link - self.loop_link)

    def kind_of(self, node):
        """By the Itanium ABI: the type stands before the virtual table, and names its base."""
        kind = pointer(pointer(node) - 8)
        while kind not in self.kinds:
            if pointer(kind) != self.single_base:
                return None
            kind = pointer(kind + 16)
        return self.kinds[kind]


class Loop:
    def __init__(self, registry, at):
        link = at + registry.loop_link
        self.id = number(link + registry.loop_id, "<Q")
        self.thread = number(link + registry.loop_thread, "<i")
        self.is_running = number(at + registry.loop_running, "<B") == 1
        running = pointer(at + registry.loop_current) if self.is_running else 0
        self.tasks = [Task(registry, at - registry.task_link, running)
                      for at in registry.links(at + registry.loop_tasks)]

    def __str__(self):
        count = len(self.tasks)
        return (f"Loop {self.id}, thread {self.thread}: {count} task{'' if count == 1 else 's'}"
                + ("" if self.is_running else ", not running"))


class Task:
    def __init__(self, registry, at, running=0):
        self.registry = registry
        self.at = at
        self.is_running = at == running

    @property
    def name(self):
        r = self.registry
        extras = pointer(self.at + r.task_extras)
        if extras and r.string_data != 0xffffffff and number(extras + r.extras_has_name, "<B") == 1:
            string = extras + r.extras_name
            size = min(pointer(string + r.string_size), 200)
            return read(pointer(string + r.string_data), size).decode(errors="replace")
        return f"Task-{number(self.at + r.task_number, '<I')}"

    @property
    def state(self):
        r = self.registry
        if (state := number(self.at + r.task_state, "<B")) != 0:
            return STATES.get(state, "done")
        if self.is_running:
            return "running"
        if not number(self.at + r.task_flags, "<B") & r.task_started:
            return "starting"
        if pointer(self.at + 8):
            return "ready"
        return f"waiting for {self.wait()}" if pointer(self.at + r.task_waiter) else "waiting"

    def wait(self):
        node = pointer(self.at + self.registry.task_waiter)
        kind = self.registry.kind_of(node)
        if kind is None:
            return "something"
        if kind.awaited >= 0 and (awaited := pointer(node + kind.awaited)):
            for loop in self.registry.loops():
                for task in loop.tasks:
                    if task.at == awaited:
                        return task.name
            flags = number(awaited + self.registry.task_flags, "<B")
            if flags & PURPOSE and flags - PURPOSE < self.registry.purpose_count:
                label = text(pointer(self.registry.purposes + 8 * (flags - PURPOSE)))
                return label + self.number_text(node, kind)
        if kind.label_in >= 0 and (owner := pointer(node + kind.label_in)):
            if owner_name := pointer(owner + kind.label_at):
                return self.lock_text(text(owner_name), pointer(owner + kind.holder_at))
        choice = number(node + kind.choice, "<B") if kind.choice >= 0 else 0
        label = text(pointer(kind.labels + 8 * (choice if choice < kind.label_count else 0)))
        return label + self.number_text(node, kind)

    def number_text(self, node, kind):
        if kind.number_at < 0:
            return ""
        owner = node if kind.number_in < 0 else pointer(node + kind.number_in)
        return f", {text(kind.number_name)} {number(owner + kind.number_at, '<i')}"

    def lock_text(self, owner, holder):
        name = owner.removeprefix("<asyncio.locks.").split(" ")[0]
        name += ".acquire" if name in ("Lock", "Semaphore", "BoundedSemaphore") else ".wait"
        for loop in self.registry.loops():
            for task in loop.tasks:
                if task.at == holder:
                    return f"{name}, held by {task.name}"
        return name

    def stack(self):
        """(function, file, line), innermost first."""
        r = self.registry
        frames = []
        promise = pointer(self.at + r.task_root)
        while promise and len(frames) < 1000:
            frames.append(place(pointer(promise + r.promise_where)))
            callee = pointer(promise + r.promise_callee)
            promise = callee & ~1 if callee & 1 else 0
        return frames[::-1]


def place(at):
    """Of a std::source_location."""
    file, function, line = struct.unpack("<QQI", read(at, 20))
    return short_name(text(function, 4096)), text(file), line


class Backtrace(gdb.Command):
    """The stacks of all tasks of the program, or of those that have a name: asyncio-bt [NAME]

Innermost coroutine first, each with the place of the co_await where it stands."""

    def __init__(self):
        super().__init__("asyncio-bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        try:
            loops = list(Registry().loops())
            if not loops:
                raise Unreadable("the program has no loop now")
            print("\n\n".join(self.describe(loop, argument.strip()) for loop in loops))
        except Unreadable as error:
            raise gdb.GdbError(str(error)) from error
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"{error}\n  because: a core file may lack what the program's file"
                               " has; name that, too: gdb PROGRAM CORE") from error

    @staticmethod
    def describe(loop, name):
        lines = [str(loop)]
        for task in loop.tasks:
            if name in ("", task.name):
                lines.append(f"Task '{task.name}' {task.state}")
                lines += [f"  #{depth} {function} at {file}:{line}"
                          for depth, (function, file, line) in enumerate(task.stack())]
        return "\n".join(lines)


# ---- variables

def first_pointer(value):
    """Of a handle: it is nothing but a pointer."""
    return pointer(int(value.address)) if value.address is not None else 0


class TaskPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        if not (state := first_pointer(self.value)):
            return "<Task empty>"
        registry = Registry()
        running = [task for loop in registry.loops() for task in loop.tasks
                   if task.at == state and task.is_running]
        task = Task(registry, state, state if running else 0)
        stack = task.stack()
        return f"<Task '{task.name}' {task.state}" + (
            f" at {stack[0][1]}:{stack[0][2]}>" if stack else ">")


class FuturePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        if not (state := first_pointer(self.value)):
            return "<Future empty>"
        return f"<Future {STATES.get(number(state + Registry().task_state, '<B'), 'done')}>"


class CoroPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        if not (frame := first_pointer(self.value)):
            return "<Coro moved from>"
        function, file, line = place(pointer(frame + 16 + Registry().promise_where))
        return f"<Coro {function} at {file}:{line}>"


def printers():
    found = gdb.printing.RegexpCollectionPrettyPrinter("asyncio")
    found.add_printer("Task", r"^asyncio::(AnyTask|Task<.*>)$", TaskPrinter)
    found.add_printer("Future", r"^asyncio::Future<.*>$", FuturePrinter)
    found.add_printer("Coro", r"^asyncio::Coro<.*>$", CoroPrinter)
    return found


Backtrace()
gdb.printing.register_pretty_printer(None, printers(), replace=True)
