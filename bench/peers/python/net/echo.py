#!/usr/bin/env python3
"""The same echo server on Python's asyncio, or on uvloop: protocols, which cost less than streams.

  echo.py asyncio|uvloop tcp|unix|udp|tls ADDRESS [CERT KEY]
"""
import asyncio
import ssl
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class DatagramEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def serve(kind, address, *files):
    loop = asyncio.get_running_loop()
    if kind == "udp":
        transport, _ = await loop.create_datagram_endpoint(DatagramEcho, local_addr=(address, 0))
        print(transport.get_extra_info("sockname")[1], flush=True)
        await loop.create_future()
    elif kind == "unix":
        server = await loop.create_unix_server(Echo, address, backlog=4096)
        print(address, flush=True)
    else:
        context = None
        if kind == "tls":
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(*files)
        server = await loop.create_server(Echo, address, 0, backlog=4096, ssl=context)
        print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop
        uvloop.install()
    asyncio.run(serve(*sys.argv[2:]))
