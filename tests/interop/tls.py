#!/usr/bin/env python3
"""Our TLS against programs that are not ours: openssl s_client and s_server, curl, and Python's
asyncio, in both roles, with TLS 1.2 and 1.3. The certificates are made here and thrown away.

  tls.py TLS_PEER
"""
import asyncio
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile

VERSIONS = ("1.2", "1.3")
PATIENCE = 60  # seconds for any one program
LARGE = 3_000_000


def openssl(*words, folder):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_certificates(folder):
    """ca.pem, and cert.pem with key.pem for localhost and 127.0.0.1; other.pem knows nobody."""
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        openssl("req", "-x509", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-subj", f"/CN=interop {name}", "-days", "2", folder=folder)
    openssl("req", *new_key, "-keyout", "key.pem", "-out", "cert.csr", "-subj", "/CN=localhost",
            folder=folder)
    openssl("x509", "-req", "-in", "cert.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-CAcreateserial", "-extfile", "names", "-out", "cert.pem", folder=folder)


class Peer:
    """tls_peer as a server: `said` is its first line."""

    def __init__(self, command, *words):
        self.process = subprocess.Popen([command, *map(str, words)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            sys.exit("tls_peer does not end")
        self.process.stdout.close()
        if status != 0:
            sys.exit(f"tls_peer ended with {status}")


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, expected {wanted!r}")
    print(f"{what}: ok")


def expect_part(what, got, wanted):
    if wanted not in got:
        sys.exit(f"{what}: {wanted!r} is not in {got!r}")
    print(f"{what}: ok")


def run(*words, **more):
    return subprocess.run([*map(str, words)], capture_output=True, timeout=PATIENCE, **more)


# ---- openssl

def test_s_client(peer, folder):
    for version in VERSIONS:
        with Peer(peer, "serve", folder / "cert.pem", folder / "key.pem") as server:
            client = subprocess.Popen(
                ["openssl", "s_client", "-quiet", "-verify_return_error", "-no_ign_eof",
                 "-CAfile", str(folder / "ca.pem"), "-verify_hostname", "localhost",
                 f"-tls{version.replace('.', '_')}", "-connect", f"127.0.0.1:{server.said}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            client.stdin.write(b"ping\n")
            client.stdin.flush()
            line = client.stdout.readline()
            client.stdin.close()
            client.wait(PATIENCE)
            client.stdout.close()
            expect(f"openssl s_client, TLS {version}", line, b"ping\n")


def s_server(folder, version, manner):
    """`openssl s_server`: -rev answers each line reversed, -WWW serves files."""
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem",
         manner, f"-tls{version.replace('.', '_')}"],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True)
    for line in server.stdout:
        if line.startswith("ACCEPT"):
            return server, int(line.split(":")[-1])
    sys.exit("openssl s_server does not listen")


def test_s_server(peer, folder):
    for version in VERSIONS:
        server, port = s_server(folder, version, "-rev")
        done = run(peer, "line", "localhost", port, folder / "ca.pem", version, text=True)
        server.kill()
        server.communicate()
        expect(f"openssl s_server, TLS {version}", done.stdout, f"olleh same TLSv{version}\n")
        (folder / "large").write_bytes(b"f" * LARGE)
        server, port = s_server(folder, version, "-WWW")
        done = run(peer, "get", f"https://localhost:{port}/large", folder / "ca.pem", text=True)
        server.kill()
        server.communicate()
        expect(f"openssl s_server -WWW, TLS {version}", done.stdout, f"200 {LARGE}\n")


# ---- curl

def test_curl(peer, folder):
    if not shutil.which("curl"):
        print("curl: left out, it is not installed")
        return
    with Peer(peer, "https", folder / "cert.pem", folder / "key.pem") as server:
        for version in VERSIONS:
            done = run("curl", "-sS", f"--tlsv{version}", "--tls-max", version, "--cacert",
                       folder / "ca.pem", f"{server.said}/small", f"{server.said}/large")
            expect(f"curl, TLS {version}", (done.returncode, len(done.stdout)), (0, 5_000_006))
        stranger = run("curl", "-sS", "--cacert", folder / "other.pem", f"{server.said}/small")
        expect("curl trusts another CA", stranger.returncode, 60)
        done = run(peer, "get", f"{server.said}/large", folder / "ca.pem", text=True)
        expect("our client", done.stdout, "200 5000000\n")
        done = run(peer, "get", f"{server.said}/large", folder / "other.pem", text=True)
        expect_part("our client trusts another CA", done.stdout, "SslCertVerificationError")


# ---- Python's asyncio

def python_context(folder, version, server):
    purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
    context = ssl.create_default_context(purpose)
    if server:
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    else:
        context.load_verify_locations(folder / "ca.pem")
    context.minimum_version = context.maximum_version = getattr(
        ssl.TLSVersion, "TLSv" + version.replace(".", "_"))
    return context


async def python_echo(reader, writer):
    while data := await reader.read(70_000):
        writer.write(data)
        await writer.drain()
    writer.close()


async def python_asks(port, context):
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    large = b"p" * LARGE

    async def send():
        for start in range(0, LARGE, 123_457):  # no multiple of a record
            writer.write(large[start:start + 123_457])
            await writer.drain()

    sending = asyncio.create_task(send())
    same = await reader.readexactly(LARGE) == large
    await sending
    spoken = writer.get_extra_info("ssl_object").version()
    writer.close()
    await writer.wait_closed()
    return same, spoken


async def python_many(port, context):
    """Many at once, each with small messages, some going away rudely."""

    async def one(number):
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        for size in (1, 17, 1000, 20_000):
            writer.write(b"m" * size)
            await reader.readexactly(size)
        if number % 3 == 0:
            writer.transport.abort()
        else:
            writer.close()
            await writer.wait_closed()

    await asyncio.gather(*(one(number) for number in range(40)))


def test_python_client(peer, folder):
    for version in VERSIONS:
        with Peer(peer, "serve", folder / "cert.pem", folder / "key.pem") as server:
            context = python_context(folder, version, server=False)
            got = asyncio.run(asyncio.wait_for(python_asks(int(server.said), context), PATIENCE))
            expect(f"Python's client, TLS {version}", got, (True, f"TLSv{version}"))
            asyncio.run(asyncio.wait_for(python_many(int(server.said), context), PATIENCE))
            print(f"Python's clients, forty at once, TLS {version}: ok")


async def our_client_asks(peer, folder, version):
    server = await asyncio.start_server(
        python_echo, "localhost", 0, ssl=python_context(folder, version, server=True))
    port = server.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        peer, "ask", "localhost", str(port), str(folder / "ca.pem"), version,
        stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    server.close()
    return said.decode()


def test_python_server(peer, folder):
    for version in VERSIONS:
        said = asyncio.run(our_client_asks(peer, folder, version))
        expect(f"Python's server, TLS {version}", said, f"hello same TLSv{version}\n")


def main():
    peer = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_certificates(folder)
        test_python_client(peer, folder)
        test_python_server(peer, folder)
        test_curl(peer, folder)
        test_s_client(peer, folder)
        test_s_server(peer, folder)


if __name__ == "__main__":
    main()
