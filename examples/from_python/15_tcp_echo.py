import asyncio


async def main():
    finished = asyncio.Event()

    async def handle_client(reader, writer):
        while line := await reader.readline():
            print(f"server: {line.decode().strip()}")
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        print("server: client left")
        finished.set()

    server = await asyncio.start_server(handle_client, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    for name in ("first", "second"):
        finished.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for text in ("hello", "goodbye"):
            writer.write(f"{text} from {name}\n".encode())
            await writer.drain()
            print(f"client: {(await reader.readline()).decode().strip()}")
        writer.close()
        await writer.wait_closed()
        await finished.wait()

    server.close()
    await server.wait_closed()

    try:
        await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError as error:
        print(f"ConnectionRefusedError: errno {error.errno}")


asyncio.run(main())
