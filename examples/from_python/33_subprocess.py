import asyncio
from asyncio.subprocess import PIPE


async def shout(text):
    proc = await asyncio.create_subprocess_exec("tr", "a-z", "A-Z", stdin=PIPE, stdout=PIPE)
    out, _ = await proc.communicate(text.encode())
    return out.decode()


async def main():
    print(await asyncio.gather(*[shout(word) for word in ("one", "two", "three")]))

    proc = await asyncio.create_subprocess_shell(
        "echo to stdout; echo to stderr >&2; exit 3", stdout=PIPE, stderr=PIPE)
    out, err = await proc.communicate()
    print(f"{out.decode().strip()}, {err.decode().strip()}, status {proc.returncode}")

    proc = await asyncio.create_subprocess_exec("seq", "3", stdout=PIPE)
    async for line in proc.stdout:
        print(f"line {line.decode().strip()}")
    await proc.wait()

    proc = await asyncio.create_subprocess_exec("sleep", "3600")
    try:
        await asyncio.wait_for(proc.wait(), 0.05)
    except TimeoutError:
        print("too slow; still running:", proc.returncode is None)
        proc.kill()
    print("ended by signal", -await proc.wait())

    try:
        await asyncio.create_subprocess_exec("no-such-program")
    except FileNotFoundError as error:
        print(error)


asyncio.run(main())
