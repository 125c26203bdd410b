# SPDX-License-Identifier: MIT
"""A real Redis or Valkey server in a folder of its own, what stands in for a bad one, and certificates."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

PROGRAM = shutil.which(os.environ.get("TAGALONG_REDIS", "redis-server")) or "redis-server"


def acl_line(line):
    """As this server takes it: Redis 6.0 has no permissions for channels."""
    told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return re.sub(r" resetchannels| &\S+", "", line) if " v=6.0." in told else line


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, *options, tls=False, host="127.0.0.1", before=()):
        self.host, self.before = host, before  # `before` enters another machine
        self.folder = Path(tempfile.mkdtemp(prefix="tagalong-redis-"))
        self.port = free_port()
        self.options = list(options)
        self.tls = tls
        self.process = None
        self.url = f"redis://{host}:{self.port}"
        if tls:
            make_certificates(self.folder)
            self.url = f"rediss://localhost:{self.port}?cacert={self.folder}/ca.pem"

    def start(self, *more):
        command = [*self.before, PROGRAM, "--dir", str(self.folder), "--save", "", "--bind", self.host]
        command += ["::1"] if self.host == "127.0.0.1" else ["--protected-mode", "no"]
        if self.tls:
            command += ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "optional"]
            for option, name in (("cert-file", "server.pem"), ("key-file", "server.key"), ("ca-cert-file", "ca.pem")):
                command += [f"--tls-{option}", str(self.folder / name)]
        else:
            command += ["--port", str(self.port)]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*command, *self.options, *more], stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while not self.listens():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.01)
        return self

    def listens(self):
        if self.before:
            return subprocess.run([*self.cli_words(), "ping"], capture_output=True, timeout=20).returncode == 0
        try:
            socket.create_connection((self.host, self.port)).close()
        except OSError:
            return False
        return True

    def cli_words(self):
        host = ["-h", "localhost", "--tls", "--cacert", str(self.folder / "ca.pem")] if self.tls else ["-h", self.host]
        return [*self.before, "redis-cli", "-p", str(self.port), *host]

    def log(self):
        return (self.folder / "log").read_text()

    def cli(self, *words, stdin=None):
        done = subprocess.run([*self.cli_words(), *words], input=stdin, capture_output=True, timeout=20, check=True)
        return done.stdout.decode().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def release(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def make_certificates(folder, days="2"):
    """A CA, one certificate for localhost and 127.0.0.1, one for another host, one for a client."""

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "otherca"):
        openssl("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
                "-subj", f"/CN={name}")
    names = {"server": "DNS:localhost,IP:127.0.0.1", "elsewhere": "DNS:elsewhere.example", "client": "DNS:client"}
    for name, alternative in names.items():
        (folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", days, "-extfile", f"{name}.ext")


class Standin(threading.Thread):
    """Listens, and does with each connection what `serve` does: garbage, silence, a slow relay."""

    def __init__(self, serve):
        super().__init__(daemon=True)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.serve = serve
        self.start()

    def run(self):
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.handle, args=(peer,), daemon=True).start()

    def handle(self, peer):
        try:
            with peer:
                self.serve(peer)
        except OSError:
            pass

    def close(self):
        self.listening.close()


class Relay(Standin):
    """A TCP relay to a server: `delay` seconds each way, or nothing at all while it is cut."""

    def __init__(self, port, delay=0.0):
        self.to, self.delay, self.cut = port, delay, threading.Event()
        super().__init__(self.carry)

    def carry(self, peer):
        with socket.create_connection(("127.0.0.1", self.to)) as other:
            back = threading.Thread(target=self.pump, args=(other, peer), daemon=True)
            back.start()
            self.pump(peer, other)
            back.join()

    def pump(self, source, target):
        try:
            while data := source.recv(1 << 16):
                time.sleep(self.delay)
                while self.cut.is_set():
                    time.sleep(0.01)
                target.sendall(data)
        except OSError:
            pass
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
