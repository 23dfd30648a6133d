"""HTTP/1.1 listeners with threads, and the two values that pass through them: a call and its answer."""

from __future__ import annotations

import io
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header

from domicile_lab.cloud.state import LOOPBACK

log = logging.getLogger(__name__)

_LARGEST_BODY = 512 * 1024 * 1024
_IP_FREEBIND = 15  # of linux/in.h; the socket module has no name for it in Python 3.11


@dataclass(frozen=True)
class Call:
    """A request as it came: `target` is path and query, still percent-encoded; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    secure: bool = True

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query_string(self) -> str:
        return self.target.partition("?")[2]

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def host(self) -> str:
        return self.headers.get("host", LOOPBACK)

    def environ(self) -> dict[str, Any]:
        """The WSGI environment of the call, as moto wants it; its input can be read once."""
        name, _, port = self.host.rpartition(":") if ":" in self.host else (self.host, "", "443")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(self.path).decode("latin-1"),
            "QUERY_STRING": self.query_string,
            "RAW_URI": self.target,
            "REQUEST_URI": self.target,
            "REMOTE_ADDR": LOOPBACK,
            "SERVER_NAME": name,
            "SERVER_PORT": port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if self.secure else "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        underscored = {}
        for header, value in self.headers.items():
            key = environ_key_for_header(header)
            environ[key] = value
            if "_" in header:  # WSGI would fold these into dashes; S3's metadata may hold them
                underscored[key] = header
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = underscored
        environ["CONTENT_LENGTH"] = str(len(self.body))
        return environ


@dataclass(frozen=True)
class Answer:
    """What is sent back. Content-Length is set by the listener."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handle = Callable[[Call], Answer]


class Hangup(Exception):
    """The connection ends without an answer."""


class Listener:
    """One port of an address, a thread for each connection. `context` makes it speak TLS.

    The address need not be the host's yet: the bridge that has it may come later.
    """

    def __init__(
        self, handle: Handle, port: int = 0, context: ssl.SSLContext | None = None, address: str = LOOPBACK
    ) -> None:
        self._server = _Server((address, port), handle, context)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handle: Handle, context: ssl.SSLContext | None) -> None:
        super().__init__(address, _Connection)
        self.handle_call = handle
        self.context = context

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        super().server_bind()

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake happens here, in the connection's own thread, so that a slow client holds nobody up.
        if self.context is not None:
            request.settimeout(10)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError) as error:
                log.info("TLS handshake failed: %s", error)
                return
            request.settimeout(None)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("connection from %s", client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300
    server: _Server

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (TimeoutError, ConnectionError, ssl.SSLError, Hangup):
            self.close_connection = True

    def _serve(self) -> None:
        call = Call(
            method=self.command,
            target=self.path,
            headers=_headers(self.headers),
            body=self._body(),
            secure=self.server.context is not None,
        )
        answer = self._answer(call)
        self.send_response_only(answer.status)
        bodiless = self.command == "HEAD" or answer.status in (204, 304)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        length = next((v for n, v in answer.headers.items() if n.lower() == "content-length"), None)
        if answer.status not in (204, 304):
            # The answer to HEAD tells the length of what GET would send.
            told = length if self.command == "HEAD" and length is not None else str(len(answer.body))
            self.send_header("Content-Length", told)
        self.end_headers()
        if not bodiless:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _answer(self, call: Call) -> Answer:
        try:
            return self.server.handle_call(call)
        except Hangup:
            raise
        except Exception as error:
            log.exception("%s %s", call.method, call.target)
            message = f"The lab's cloud failed: {error!r}. Its log says where."
            return Answer(500, json.dumps({"__type": "InternalFailure", "message": message}).encode())

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _serve

    def handle_expect_100(self) -> bool:
        result = super().handle_expect_100()
        self.wfile.flush()  # the client waits for it before it sends the body
        return result

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            raise Hangup(f"a body of {length} bytes")
        return self.rfile.read(length) if length else b""

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            if len(body) + size > _LARGEST_BODY:
                raise Hangup("too large a body")
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b"\n", b""):
            pass  # trailers
        return bytes(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The guard logs what matters."""


def _headers(message: Message) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in message.items():
        lowered = name.lower()
        if lowered != "transfer-encoding":  # the body has been put together
            headers[lowered] = f"{headers[lowered]},{value}" if lowered in headers else value
    return headers
