"""nginx and haproxy before a peer: what stands between a relay and its receivers in the field, and fails there."""

import http.client
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from harness import free_port, wait_until


def program(name) -> str:
    """Its path; Debian keeps both where an ordinary user's PATH does not look."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


class Haproxy:
    """haproxy passes a port's bytes on, TLS and all, until it is ended."""

    def __init__(self, folder, to: int):
        self.binary = program("haproxy")
        self.port = free_port()
        self.config = pathlib.Path(folder) / f"haproxy-{self.port}.cfg"
        self.config.write_text(
            "global\n  maxconn 500\n  nbthread 1\n"
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
            f"listen front\n  bind 127.0.0.1:{self.port}\n  server back 127.0.0.1:{to}\n"
        )
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "-db", "-f", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: listens(self.port), "haproxy listens", 10, or_fail=self._ended)

    def stop(self):
        """Its connections end, and new ones are refused."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def _ended(self):
        return None if self.process.poll() is None else f"haproxy ended with {self.process.poll()}"


class Nginx:
    """nginx before an HTTP receiver. `fail` puts directives in the place of the receiver, `heal` brings it back."""

    def __init__(self, folder, to: int, certificate=None):
        self.binary = program("nginx")
        self.folder = pathlib.Path(folder) / "nginx"
        (self.folder / "logs").mkdir(parents=True)
        self.port = free_port()
        self.to = to
        self.certificate = certificate
        self._write(f"proxy_pass http://127.0.0.1:{to};")
        self.process = subprocess.Popen(
            [self.binary, "-p", str(self.folder), "-c", "nginx.conf", "-e", "logs/error.log"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: listens(self.port), "nginx listens", 10, or_fail=self._ended)

    def fail(self, directives: str, probe=None):
        """`probe`: the status that HEAD then gets, to know that nginx has taken it up."""
        self._write(directives)
        self._reload(probe)

    def heal(self, certificate=None):
        self.certificate = certificate or self.certificate
        self._write(f"proxy_pass http://127.0.0.1:{self.to};")
        self._reload(200)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def _write(self, directives):
        tls = ""
        if self.certificate:
            tls = f"ssl_certificate {self.certificate[0]}; ssl_certificate_key {self.certificate[1]};"
        user = "user root;" if os.geteuid() == 0 else ""
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {kind};" for kind in kinds)
        (self.folder / "nginx.conf").write_text(
            f"daemon off; {user} worker_processes 1; pid nginx.pid;\n"
            "events { worker_connections 512; }\n"
            f"http {{ access_log off; {temporary} client_max_body_size 10m; keepalive_requests 100000;\n"
            f"  server {{ listen 127.0.0.1:{self.port}{' ssl' if tls else ''}; {tls}\n"
            '    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_connect_timeout 1s;\n'
            f"    location / {{ {directives} }}\n  }}\n}}\n"
        )

    def _reload(self, probe):
        before = self._workers()
        self.process.send_signal(signal.SIGHUP)
        # Workers that serve their last requests do so by the configuration before.
        wait_until(lambda: self._workers() and not self._workers() & before, "new workers", 10, or_fail=self._ended)
        if probe:
            wait_until(lambda: self._status() == probe, f"nginx answers {probe}", 10, or_fail=self._ended)

    def _workers(self) -> set:
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(path.read_text().split())

    def _status(self):
        context = ssl._create_unverified_context() if self.certificate else None
        kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
        connection = kind("127.0.0.1", self.port, timeout=5, **({"context": context} if context else {}))
        try:
            connection.request("HEAD", "/hook")
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def _ended(self):
        return None if self.process.poll() is None else f"nginx ended with {self.process.poll()}"


def listens(port) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
