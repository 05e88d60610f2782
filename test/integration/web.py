"""HTTP servers for the tests: whole files, files that trickle, break or hang, logins, redirects."""

import base64
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Request:
    """What a client asked for."""

    def __init__(self, path, authorization):
        self.path, self.authorization = path, authorization


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        web = self.server.web
        path = self.path.partition("?")[0]
        web.requests.append(Request(path, self.headers.get("Authorization")))
        if web.login and self.headers.get("Authorization") != web.login:
            self.answer(401, {"WWW-Authenticate": 'Basic realm="camera"'})
            return
        kind, target = web.special.get(path, ("file", path.lstrip("/")))
        getattr(self, "do_" + kind)(target)

    def answer(self, status, headers=None, length=0):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def read(self, name):
        file = self.server.web.folder / name
        return file.read_bytes() if file.is_file() else None

    def do_file(self, name):
        data = self.read(name)
        if data is None:
            self.answer(404)
            return
        self.answer(200, length=len(data))
        self.wfile.write(data)

    def do_redirect(self, url):
        self.answer(302, {"Location": url})

    def do_broken(self, name):
        """The first half, then the connection is closed."""
        data = self.read(name)
        self.answer(200, length=len(data))
        self.wfile.write(data[:len(data) // 2])
        self.close_connection = True

    def do_slow(self, name):
        """A live stream: a tenth every 0.3 s, over and over, without a length."""
        data = self.read(name)
        self.answer(200, length=None)
        step = len(data) // 10
        for start in range(0, len(data), step):
            self.wfile.write(data[start:start + step])
            self.wfile.flush()
            if self.server.web.stopped.wait(0.3):
                return

    def do_hang(self, name):
        """A part of it, then nothing more."""
        data = self.read(name) if name else b""
        self.answer(200, length=len(data) or 1)
        self.wfile.write(data[:len(data) // 5])
        self.wfile.flush()
        self.server.web.stopped.wait()

    def do_silence(self, _):
        self.server.web.stopped.wait()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away, or that does not trust our certificate."""


class Web:
    """A server of the files of a folder; `special` says what else is at some paths."""

    def __init__(self, folder, host="127.0.0.1", login=None, special=None, certificate=None):
        self.folder, self.host, self.special = Path(folder), host, special or {}
        self.login = "Basic " + base64.b64encode(login.encode()).decode() if login else None
        self.requests = []
        self.stopped = threading.Event()
        self.server = Server((host, 0), Handler)
        self.server.web = self
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path, login=""):
        return f"{self.scheme}://{login}{self.host}:{self.server.server_port}{path}"

    def asked(self, path):
        return [request for request in self.requests if request.path == path]

    def stop(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
