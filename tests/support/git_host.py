"""A host of git repositories over https on localhost that asks for a token, as GitHub does."""

import base64
import json
import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "a-token"
CUT = 0
"""A connection that is closed in the middle of the answer."""


@dataclass
class Host:
    """`seen`: the requests, and whether each had the token.

    `faults`: what the next requests get instead of their answer: a status, or `CUT`, half of it. `moved`: the address,
    or path, to which all requests for a path beneath are redirected. `is_public`: no token is asked for.
    `accepts`: whether it knows a password, which is to write or not, beside the tokens that it was given. `objects`:
    what Git LFS can get from it, by id.
    """

    url: str
    certificate: Path
    seen: list[tuple[str, bool]] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    is_public: bool = False
    accepts: Callable[[str, bool], bool] | None = None
    objects: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def git_host(root: Path, folder: Path, *tokens: str, redirect: str = "") -> Iterator[Host]:
    """Serve the bare repositories in *root* to callers with one of the *tokens*. *folder* gets its certificate.

    *redirect*: the host to redirect all requests to.
    """
    certificate, key = make_certificate(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    host = Host(f"https://127.0.0.1:{server.server_port}", certificate)
    server.root, server.tokens, server.host, server.redirect = root, tokens, host, redirect  # type: ignore[attr-defined]  # for the handlers
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield host
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        host: Host = self.server.host  # type: ignore[attr-defined]  # see git_host
        tokens: tuple[str, ...] = self.server.tokens  # type: ignore[attr-defined]  # the same
        known = {f"Basic {base64.b64encode(f'x-access-token:{one}'.encode()).decode()}" for one in tokens}
        is_known = self.headers.get("Authorization") in known or self._is_accepted(host)
        host.seen.append((self.path, is_known))
        if elsewhere := self.server.redirect:  # type: ignore[attr-defined]  # the same
            self.send_response(302)
            self.send_header("Location", f"{elsewhere}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if moved := next((old for old in host.moved if self.path.startswith(old)), None):
            self.send_response(301)
            self.send_header("Location", f"{host.moved[moved]}{self.path.removeprefix(moved)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        fault = host.faults.pop(0) if host.faults else None
        if fault:
            self.send_response(fault)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if not (is_known or host.is_public):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if "/info/lfs/objects/" in self.path:
            self._send_lfs(host)
            return
        head, _, body = self._backend().partition(b"\r\n\r\n")
        told = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(told.pop("Status", "200").split()[0]))
        for name, value in {**told, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == CUT else body)
        self.close_connection = True

    def _is_accepted(self, host: Host) -> bool:
        """Whether the host accepts the password of this request."""
        basic = self.headers.get("Authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(basic).decode().partition(":")
        writes = "git-receive-pack" in self.path
        return host.accepts is not None and user == "x-access-token" and host.accepts(password, writes)

    def _send_lfs(self, host: Host) -> None:
        """Answer Git LFS: where objects are, or one: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md."""
        if self.path.endswith("/batch"):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["objects"]
            here = f"{host.url}{self.path.removesuffix('batch')}"
            found = [{**one, "actions": {"download": {"href": f"{here}{one['oid']}"}}} for one in asked]
            body = json.dumps({"transfer": "basic", "objects": found}).encode()
        else:
            body = host.objects[self.path.rpartition("/")[2]]
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.git-lfs+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _backend(self) -> bytes:
        """The answer of git's own CGI program."""
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),  # type: ignore[attr-defined]  # see git_host
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "REMOTE_USER": "x-access-token",  # lets it be pushed to
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        return subprocess.run(["git", "http-backend"], input=body, env=env, check=False, capture_output=True).stdout

    def log_message(self, *_: object) -> None:
        """Keep requests out of the tests' output."""


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1; return its file and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret
