"""close_clients and abort_clients; wait_closed and handlers; a closed server; a refused second start."""
import asyncio
from parity_log import caught, fmt, log, thrown_by

async def main():
    left = []
    async def handle(reader, writer):
        try:
            data = await reader.read()
            left.append(f"end after {len(data)}")
        except ConnectionResetError:
            left.append("reset")
        except asyncio.CancelledError:
            left.append("cancelled")
            raise
        finally:
            writer.close()

    for how in ("close_clients", "abort_clients"):
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        r, w = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.02)
        server.close()
        waiter = asyncio.create_task(server.wait_closed())
        await asyncio.sleep(0.01)
        log(how, "waits for its client", waiter.done())
        getattr(server, how)()
        await asyncio.wait_for(waiter, 1)
        try:
            log("client sees", await r.read())
        except ConnectionResetError:
            log("client sees a reset")
        log("handler", left, server.is_serving())
        left.clear()
        w.close()
        await caught(w.wait_closed())

    server = await asyncio.start_server(handle, "127.0.0.1", 0, start_serving=False)
    log("not serving yet", server.is_serving())
    await server.start_serving()
    await server.start_serving()
    log("serving", server.is_serving())
    forever = asyncio.create_task(server.serve_forever())
    await asyncio.sleep(0.01)
    log("twice", str(await caught(server.serve_forever())).endswith("is already being awaited on serve_forever()"))
    forever.cancel()
    log("serve_forever", type(await caught(forever)).__name__, server.is_serving(), len(server.sockets))
    log("closed", str(await caught(server.serve_forever())).endswith("is closed"))

asyncio.run(main())
