"""The trace conventions of the programs here: true/false/none, [a, b], quoted bytes, Type(message)."""


def fmt(v):
    if v is True or v is False:
        return "true" if v else "false"
    if v is None:
        return "none"
    if isinstance(v, (bytes, bytearray)):
        return '"' + bytes(v).decode("latin-1").encode("unicode_escape").decode() + '"'
    if isinstance(v, BaseExceptionGroup):
        return type(v).__name__ + "[" + ", ".join(fmt(e) for e in v.exceptions) + "]"
    if isinstance(v, BaseException):
        return f"{type(v).__name__}({v})"
    if isinstance(v, (list, tuple)):
        return "[" + ", ".join(fmt(x) for x in v) + "]"
    return str(v)


def log(*args):
    print(*[fmt(a) for a in args], flush=True)


async def caught(aw):
    """The exception that awaiting ends with, or None."""
    try:
        await aw
    except BaseException as e:
        return e


def thrown_by(f, *args):
    try:
        f(*args)
    except BaseException as e:
        return e
