"""The language of the random programs: an operation is (name value... [body]...)."""
import dataclasses
import re


@dataclasses.dataclass
class Operation:
    name: str
    number: int  # its place in the text
    values: list
    bodies: list


def parse(text):
    """The operations of the main body."""
    tokens = iter(re.findall(r"[][()]|[^][()\s]+", text))
    counter = iter(range(1_000_000))

    def body(end):
        operations = []
        for token in tokens:
            if token == end:
                return operations
            operations.append(operation())
        return operations

    def operation():
        name = next(tokens)
        parsed = Operation(name, next(counter), [], [])
        for token in tokens:
            if token == ")":
                break
            if token == "[":
                parsed.bodies.append(body("]"))
            else:
                parsed.values.append(int(token))
        return parsed

    return body(None)


def write(operations, indent=0):
    """The text of a body, one operation a line."""
    pad = "  " * indent
    lines = []
    for each in operations:
        head = " ".join([each.name, *map(str, each.values)])
        if not each.bodies:
            lines.append(f"{pad}({head})")
            continue
        lines.append(f"{pad}({head}")
        for inner in each.bodies:
            lines.append(f"{pad}  [" + ("" if inner else "]"))
            if inner:
                lines.append(write(inner, indent + 2))
                lines.append(f"{pad}  ]")
        lines[-1] += ")"
    return "\n".join(lines)
