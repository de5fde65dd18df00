#!/usr/bin/env python3
"""Python's asyncio streams talk to ours, in both roles, over TCP and Unix sockets.

  streams.py STREAMS_PEER
"""
import asyncio
import pathlib
import sys
import tempfile

EXPECTED = "HELLO\n50 bye\n"


async def upper_case(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.write(b"bye\n")
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def ask(reader, writer):
    """What streams_peer.cpp does as a client."""
    writer.write(b"hello\n")
    text = (await reader.readline()).decode()
    large = b"x" * 60_000
    matching = 0
    for _ in range(50):
        writer.writelines([large, b"\n"])
        await writer.drain()
        matching += len(await reader.readline()) == len(large) + 1
    writer.write_eof()
    text += f"{matching} {(await reader.read()).decode()}"
    writer.close()
    await writer.wait_closed()
    return text


async def run_peer(peer, *words):
    process = await asyncio.create_subprocess_exec(
        peer, *map(str, words), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    return process


def check(role, text, status=0):
    if text != EXPECTED or status != 0:
        sys.exit(f"{role}: status {status}, said {text!r}; expected {EXPECTED!r}")
    print(f"{role}: ok")


async def our_server(role, peer, words, connect):
    process = await run_peer(peer, *words)
    said = (await process.stdout.readline()).decode().strip()
    for _ in range(3):
        check(role, await ask(*await connect(said)))
    process.stdin.close()
    check(role + " ends", EXPECTED, await process.wait())


async def our_client(role, peer, words):
    process = await run_peer(peer, *words)
    text = (await process.stdout.read()).decode()
    check(role, text, await process.wait())


async def main(peer, folder):
    path = str(folder / "peer.sock")
    await our_server("our TCP server", peer, ["serve"],
                     lambda said: asyncio.open_connection("127.0.0.1", int(said)))
    await our_server("our Unix server", peer, ["serve-unix", path],
                     lambda said: asyncio.open_unix_connection(path))
    server = await asyncio.start_server(upper_case, "127.0.0.1", 0)
    await our_client("our TCP client", peer, ["ask", server.sockets[0].getsockname()[1]])
    server.close()
    server = await asyncio.start_unix_server(upper_case, path)
    await our_client("our Unix client", peer, ["ask-unix", path])
    server.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(asyncio.wait_for(main(sys.argv[1], pathlib.Path(name)), 50))
