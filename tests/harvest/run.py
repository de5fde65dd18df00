#!/usr/bin/env python3
"""Runs harvest as a user does: a generated site and Debian's HTML tree, from our server and from
nginx; Ctrl-C and going on; wrong usage.

Usage: run.py PATH_OF_HARVEST
nginx and the tree are used where they are installed (tools/packages.txt); their tests say so when
they are left out.
"""
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

HARVEST = None  # set by main
TREE = pathlib.Path("/usr/share/cppreference/doc/html")
TREE_START = "/en/index.html"
PATIENCE = 240  # seconds; under a sanitizer on a busy machine everything takes long


def harvest(*arguments, check=True):
    done = subprocess.run([HARVEST, *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE)
    if check and done.returncode != 0:
        raise AssertionError(f"harvest {arguments} gave {done.returncode}\n{done.stderr}")
    return done


def rows(database):
    """{path and query: (status, bytes, links, title)}: what does not depend on the port."""
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT url, status, bytes, links, title FROM pages").fetchall()
    result = {}
    for url, status, size, links, title in found:
        parts = urllib.parse.urlsplit(url)
        result[parts.path + ("?" + parts.query if parts.query else "")] = (
            status, size, links, title)
    return result


def count(database, table):
    with sqlite3.connect(database) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def make_site(folder, pages=120):
    """A site whose pages are all reachable from /index.html: a ring with chords."""
    folder.mkdir()
    for number in range(pages):
        name = "index.html" if number == 0 else f"page{number}.html"
        links = [f"page{(number + step) % pages or pages - 1}.html" for step in (1, 7, 30)]
        body = "".join(f'<a href="{link}#{number}">{link}</a>\n' for link in links)
        (folder / name).write_text(f"<title>Page &#{0x2460 + number % 20};</title>{body}"
                                   + "text " * number * 10, encoding="utf-8")
    (folder / "page1.html").write_text('<a href="sub%20folder/">f</a><a href="page2.html">2</a>'
                                       '<a href="data.bin">d</a>')
    (folder / "sub folder").mkdir()
    (folder / "sub folder" / "index.html").write_text('<a href="../index.html">home</a>')
    (folder / "data.bin").write_bytes(bytes(range(256)) * 1000)
    return pages + 2


class Nginx:
    """nginx over a folder, on a free port of the loopback."""

    def __init__(self, folder, work):
        self.folder, self.work = folder, work

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = self.work / "nginx.conf"
        temporary = "\n".join(f"  {kind}_temp_path {self.work}/{kind};" for kind in
                              ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(f"""
daemon off;
master_process off;
pid {self.work}/nginx.pid;
error_log {self.work}/error.log;
events {{ worker_connections 512; }}
http {{
{temporary}
  access_log off;
  types {{ text/html html; text/css css; image/png png; }}
  default_type application/octet-stream;
  server {{ listen 127.0.0.1:{self.port}; root {self.folder}; index index.html; }}
}}
""")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-c", str(config), "-p", str(self.work),
                                         "-e", str(self.work / "error.log")],
                                        stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return f"http://127.0.0.1:{self.port}"
            except OSError:
                time.sleep(0.02)
        self.__exit__()
        raise AssertionError("nginx does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class SecureSite:
    """Python's own server over https, with a certificate that vouches for itself: cert.pem."""

    def __init__(self, folder, work):
        self.certificate = work / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", work / "key.pem", "-out", self.certificate, "-days", "2",
             "-subj", "/CN=site", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True)

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=folder)

            def log_message(self, *_):
                pass

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, work / "key.pem")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/index.html"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def has_nginx():
    return shutil.which("nginx") or pathlib.Path("/usr/sbin/nginx").exists()


class Harvest(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="harvest_"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.db = self.work / "pages.db"

    def same_from_both(self, folder, start):
        """Our server and nginx give the same pages, links and bytes; returns them."""
        harvest("--serve", folder, start, "--db", self.db)
        ours = rows(self.db)
        theirs = self.work / "nginx.db"
        (self.work / "nginx").mkdir()
        with Nginx(folder, self.work / "nginx") as url:
            harvest(url + start, "--db", theirs)
        good = {path: row for path, row in ours.items() if row[0] == 200}
        self.assertEqual(good, {path: row for path, row in rows(theirs).items() if row[0] == 200})
        # The texts of errors differ, the answers do not.
        self.assertEqual({path: row[0] for path, row in ours.items()},
                         {path: row[0] for path, row in rows(theirs).items()})
        return good

    def test_finds_every_page_of_a_site(self):
        files = make_site(self.work / "site")
        done = harvest("--serve", self.work / "site", "/index.html", "--db", self.db, "--json")
        found = rows(self.db)
        self.assertEqual(len(found), files)
        self.assertEqual({row[0] for row in found.values()}, {200})
        for path, (_, size, _, _) in found.items():
            name = urllib.parse.unquote(path).lstrip("/")
            file = self.work / "site" / (name + "index.html" if name.endswith("/") else name)
            self.assertEqual(size, file.stat().st_size, path)
        self.assertEqual(found["/page2.html"][2:], (3, "Page \u2462"))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(lines), files + 1)
        self.assertEqual(lines[-1]["summary"]["statuses"], {"200": files})

    @unittest.skipUnless(has_nginx(), "nginx is not installed")
    def test_a_small_site_is_the_same_from_nginx(self):
        files = make_site(self.work / "site")
        self.assertEqual(len(self.same_from_both(self.work / "site", "/index.html")), files)

    @unittest.skipUnless(has_nginx(), "nginx is not installed")
    @unittest.skipUnless((TREE / "en/index.html").exists(), "Debian's tree is not installed")
    @unittest.skipIf("HARVEST_TEST_SMALL" in os.environ, "only small sites are asked for")
    def test_a_real_tree_is_the_same_from_nginx(self):
        self.assertGreater(len(self.same_from_both(TREE, TREE_START)), 2000)

    def test_ctrl_c_keeps_what_is_there_and_the_next_start_goes_on(self):
        files = make_site(self.work / "site", 1500)
        url_file = self.work / "url"
        # The server runs on, so that both harvests see the same URLs.
        serve = subprocess.Popen([HARVEST, "--serve", str(self.work / "site"), "/index.html",
                                  "--write-url", str(url_file), "--db", ":memory:",
                                  "--max-pages", "1", "--keep-serving"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(serve.wait)
        self.addCleanup(serve.terminate)
        until = time.monotonic() + 30
        while not (url_file.exists() and url_file.read_text().endswith("\n")):
            self.assertLess(time.monotonic(), until, "the server does not say where it is")
            time.sleep(0.01)
        start = url_file.read_text().strip() + "/index.html"

        first = subprocess.Popen([HARVEST, start, "--db", str(self.db), "--concurrency", "1",
                                  "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first.stdout.readline()  # the first page is there
        first.send_signal(signal.SIGINT)
        begin = time.monotonic()
        _, said = first.communicate(timeout=PATIENCE)
        self.assertLess(time.monotonic() - begin, 5)  # a second, on a machine that is not busy
        self.assertEqual(first.returncode, 130, said)
        kept, left = count(self.db, "pages"), count(self.db, "frontier")
        self.assertGreater(kept, 0)
        self.assertLess(kept, files)
        self.assertGreater(left, 0)

        done = harvest(start, "--db", self.db)
        self.assertIn(f"going on: {kept} pages", done.stderr)
        self.assertIn(f"{files - kept} pages in ", done.stdout)  # none was fetched twice
        self.assertEqual((count(self.db, "pages"), count(self.db, "frontier")), (files, 0))
        again = harvest(start, "--db", self.db)
        self.assertIn("nothing is left to do", again.stderr)

    def test_limits_leave_the_rest_for_later(self):
        make_site(self.work / "site")
        done = harvest("--serve", self.work / "site", "/index.html", "--db", self.db,
                       "--max-pages", "10")
        self.assertEqual(count(self.db, "pages"), 10)
        self.assertIn("for the next start", done.stdout)

    def test_what_cannot_be_fetched_is_a_row_and_exit_code_1(self):
        done = harvest("http://127.0.0.1:1/", "--retries", "0", "--db", self.db, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("1 x refused", done.stdout)
        with sqlite3.connect(self.db) as connection:
            status, kind = connection.execute("SELECT status, error_kind FROM pages").fetchone()
        self.assertEqual((status, kind), (None, "refused"))

    def test_https_is_verified_unless_somebody_insists(self):
        files = make_site(self.work / "site", 20)
        with SecureSite(self.work / "site", self.work) as site:
            refused = harvest(site.url, "--db", self.db, check=False)
            self.assertEqual(refused.returncode, 1, refused.stderr)
            self.assertIn("1 x tls", refused.stdout)
            with sqlite3.connect(self.db) as connection:
                error, = connection.execute("SELECT error FROM pages").fetchone()
            self.assertIn("certificate verify failed: self-signed certificate", error)

            trusted = self.work / "trusted.db"
            harvest(site.url, "--db", trusted, "--cacert", site.certificate)
            self.assertEqual([row[0] for row in rows(trusted).values()], [200] * files)

            careless = self.work / "careless.db"
            done = harvest(site.url, "--db", careless, "--insecure")
            self.assertIn("WARNING: --insecure: certificates are not verified", done.stderr)
            self.assertEqual(rows(careless), rows(trusted))

    def test_every_backend_finds_the_same(self):
        make_site(self.work / "site", 20)
        found = {}
        for backend in ("automatic", "epoll", "io_uring"):
            database = self.work / f"{backend}.db"
            harvest("--serve", self.work / "site", "/index.html", "--db", database,
                    "--backend", backend)
            found[backend] = rows(database)
        self.assertEqual(found["epoll"], found["automatic"])
        self.assertEqual(found["io_uring"], found["automatic"])

    def test_mistakes_are_said_and_exit_code_2(self):
        for wrong in ([], ["--nonsense"], ["http://h/", "--concurrency", "0"], ["http://[/"],
                      ["https://h/", "--cacert", "/no/such.pem"], ["http://h/", "--backend", "x"]):
            done = harvest(*wrong, *(["--db", self.db] if wrong else []), check=False)
            self.assertEqual(done.returncode, 2, (wrong, done.stderr))
            self.assertNotEqual(done.stderr, "")

    def test_a_database_that_is_none_is_said(self):
        self.db.write_text("this is no database, whatever its name says" * 100)
        done = harvest("http://127.0.0.1:1/", "--db", self.db, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not a database", done.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    HARVEST = sys.argv.pop(1)
    unittest.main(verbosity=2)
