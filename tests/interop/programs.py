#!/usr/bin/env python3
"""Our streams, TLS and names against socat, nginx and dnsmasq, in both roles where there are two.

  programs.py STREAMS_PEER TLS_PEER DNS_PEER
A program that is not installed (tools/packages.txt) is left out, and said to be.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tls  # noqa: E402  (the folder of this file)

PATIENCE = tls.PATIENCE
LINES = 5000
UPPER_CASE = "#!/bin/sh\nperl -pe '$| = 1; $_ = uc'\necho bye\n"
ASKED = "HELLO\n50 bye\n"  # what streams_peer.cpp says of who answers like that


def find(program):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    found = shutil.which(program, path=path)
    if not found:
        print(f"{program}: left out, it is not installed")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(words, answers, **more):
    """A server until the end of the scope, once answers() does not throw OSError."""
    process = subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, **more)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                answers()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    sys.exit(f"{words[0]} does not answer")
                time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.communicate()


def connects_to(port):
    return lambda: socket.create_connection(("127.0.0.1", port), 1).close()


# ---- socat

def test_socat_clients(socat, peer, folder):
    lines = "".join(f"line {number}\n" for number in range(LINES))
    path = folder / "ours.sock"
    for words, address in ((["serve"], "TCP4:127.0.0.1:{}"),
                           (["serve-unix", path], f"UNIX-CONNECT:{path}")):
        with tls.Peer(peer, *words) as server:
            done = tls.run(socat, "-t60", "-", address.format(server.said), input=lines.encode())
            tls.expect(f"socat to our server, {words[0]}", done.stdout.decode(),
                       lines.upper() + "bye\n")
            # Ten at once, beside one that reads no answer and goes away in the middle.
            rude = subprocess.Popen([socat, "-u", "EXEC:yes", address.format(server.said)],
                                    stderr=subprocess.DEVNULL)
            many = [subprocess.Popen([socat, "-t60", "-", address.format(server.said)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                    for _ in range(10)]
            rude.kill()
            rude.wait()
            said = [client.communicate("ping\n", timeout=PATIENCE)[0] for client in many]
            tls.expect(f"ten of socat at once, {words[0]}", said, ["PING\nbye\n"] * 10)


def test_socat_servers(socat, peer, folder):
    path = folder / "socat.sock"
    upper_case = folder / "upper_case"
    upper_case.write_text(UPPER_CASE)
    upper_case.chmod(0o755)
    port = free_port()
    for listen, words, ready in (
            (f"TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", ["ask", port],
             connects_to(port)),
            (f"UNIX-LISTEN:{path},fork", ["ask-unix", path], path.stat)):
        with running([socat, listen, f"EXEC:{upper_case}"], ready, stderr=subprocess.DEVNULL):
            done = tls.run(peer, *words, text=True)
            tls.expect(f"our client to socat, {words[0]}", done.stdout, ASKED)


def test_socat_tls(socat, peer, folder):
    with tls.Peer(peer, "serve", folder / "cert.pem", folder / "key.pem") as server:
        address = f"OPENSSL:127.0.0.1:{server.said},cafile={folder}/ca.pem,commonname=localhost"
        data = b"s" * 50_000  # no more than a pipe holds
        client = subprocess.Popen([socat, "-", address], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        client.stdin.write(data)
        client.stdin.flush()
        # Read first, then the end: over TLS that ends both directions.
        same = client.stdout.read(len(data)) == data
        client.communicate(timeout=PATIENCE)
        tls.expect("socat to our TLS server", (same, client.returncode), (True, 0))
    port = free_port()
    listen = (f"OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,verify=0,"
              f"cert={folder}/cert.pem,key={folder}/key.pem")
    with running([socat, listen, "EXEC:cat"], connects_to(port), stderr=subprocess.DEVNULL):
        done = tls.run(peer, "line", "localhost", port, folder / "ca.pem", "1.3", text=True)
        tls.expect("our client to socat's TLS", done.stdout, "hello same TLSv1.3\n")


# ---- nginx

def nginx_config(folder, port, upstream):
    temporary = "\n".join(f"  {kind}_temp_path {folder}/{kind};" for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
{temporary}
  access_log off;
  upstream ours {{ server {upstream}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    root {folder};
    location /ours/ {{
      proxy_pass https://ours/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_ssl_trusted_certificate {folder}/ca.pem;
      proxy_ssl_name localhost;
      proxy_ssl_verify on;
      proxy_ssl_session_reuse on;
    }}
  }}
}}
"""


def test_nginx(nginx, peer, folder):
    port = free_port()
    (folder / "page").write_bytes(b"n" * 3_000_000)
    ca = folder / "ca.pem"
    with tls.Peer(peer, "https", folder / "cert.pem", folder / "key.pem") as server:
        upstream = server.said.removeprefix("https://")
        (folder / "nginx.conf").write_text(nginx_config(folder, port, upstream))
        words = [nginx, "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "error.log"]
        with running(words, connects_to(port), stderr=subprocess.DEVNULL):
            for path, size in (("page", 3_000_000), ("ours/small", 6), ("ours/large", 5_000_000),
                               ("ours/small", 6)):
                done = tls.run(peer, "get", f"https://localhost:{port}/{path}", ca, text=True)
                tls.expect(f"our client to nginx, /{path}", done.stdout, f"200 {size}\n")
            if curl := find("curl"):
                urls = [f"https://localhost:{port}/ours/small"] * 50
                done = tls.run(curl, "-sS", "--fail", "--cacert", ca, *urls, text=True)
                tls.expect("curl, through nginx, to our server", done.stdout, "small\n" * 50)


# ---- dnsmasq

def dns_answers(port):
    """Throws OSError until somebody answers there."""
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03one\x04test\x00\x00\x01\x00\x01"

    def ask():
        with socket.socket(type=socket.SOCK_DGRAM) as asking:
            asking.settimeout(1)
            asking.connect(("127.0.0.1", port))
            asking.send(query)
            asking.recv(512)

    return ask


def test_dnsmasq(dnsmasq, peer, folder):
    port = free_port()
    many = [f"10.9.0.{number}" for number in range(1, 201)]  # more than a datagram holds
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{address} many.test\n" for address in many))
    words = [dnsmasq, "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
             f"--addn-hosts={hosts}", f"--port={port}", "--listen-address=127.0.0.1",
             "--bind-interfaces", f"--pid-file={folder}/dnsmasq.pid", "--user=", "--group=",
             "--local=/test/", "--host-record=one.test,10.0.0.1",
             "--host-record=both.test,10.0.0.2,fd00::2", "--cname=alias.test,both.test",
             "--address=/refused.example/", "--max-cache-ttl=0", "--edns-packet-max=1232"]
    with running(words, dns_answers(port), stderr=subprocess.DEVNULL):
        asked = {"one.test": "10.0.0.1", "both.test": "10.0.0.2 fd00::2",
                 "alias.test": "10.0.0.2 fd00::2", "many.test": " ".join(sorted(many)),
                 "none.test": "[Errno -2] Name or service not known",
                 "10.0.0.2": "both.test",
                 "elsewhere.example": "[Errno -3] Temporary failure in name resolution"}
        done = tls.run(peer, f"127.0.0.1:{port}", *asked, text=True)
        for (name, wanted), got in zip(asked.items(), done.stdout.splitlines(), strict=True):
            tls.expect(f"our resolver asks dnsmasq for {name}", got, wanted)
    done = tls.run(peer, f"127.0.0.1:{port}", "one.test", text=True)
    tls.expect("our resolver asks nobody", done.stdout,
               "[Errno -3] Temporary failure in name resolution\n")


def main():
    streams_peer, tls_peer, dns_peer = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tls.make_certificates(folder)
        if socat := find("socat"):
            test_socat_clients(socat, streams_peer, folder)
            test_socat_servers(socat, streams_peer, folder)
            test_socat_tls(socat, tls_peer, folder)
        if nginx := find("nginx"):
            test_nginx(nginx, tls_peer, folder)
        if dnsmasq := find("dnsmasq"):
            test_dnsmasq(dnsmasq, dns_peer, folder)


if __name__ == "__main__":
    main()
