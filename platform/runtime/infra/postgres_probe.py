"""Asks a PostgreSQL server over its own protocol whether it takes queries.

A driver would do; but it is half as large again as all else that the supervisor holds.
https://www.postgresql.org/docs/18/protocol-message-formats.html
"""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from typing import BinaryIO

_PROTOCOL = 196608  # 3.0
_SASL, _SASL_CONTINUE, _SASL_FINAL, _OK = 10, 11, 12, 0


class ServerRefused(Exception):
    """The server answered with an error."""


def check_login(address: tuple[str, int], *, user: str, password: str, database: str, timeout: float) -> None:
    """Logs in (SCRAM-SHA-256) and returns when the server awaits queries.

    Raises ServerRefused when it answers with an error, OSError when it does not answer.
    """
    with socket.create_connection(address, timeout) as connection:
        parameters = f"user\0{user}\0database\0{database}\0\0".encode()
        connection.sendall(struct.pack("!ii", 8 + len(parameters), _PROTOCOL) + parameters)
        with connection.makefile("rb") as answers:
            _converse(connection, answers, password)
        connection.sendall(b"X" + struct.pack("!i", 4))


def _converse(connection: socket.socket, answers: BinaryIO, password: str) -> None:
    nonce = base64.b64encode(secrets.token_bytes(18)).decode()
    first = f"n=,r={nonce}"
    while True:
        kind, body = _receive(answers)
        if kind == b"E":
            raise ServerRefused(_text(body))
        if kind == b"Z":
            return
        if kind != b"R":
            continue
        request = struct.unpack_from("!i", body)[0]
        if request == _SASL:
            answer = f"n,,{first}".encode()
            _send(connection, b"SCRAM-SHA-256\0" + struct.pack("!i", len(answer)) + answer)
        elif request == _SASL_CONTINUE:
            _send(connection, scram_proof(password, first, body[4:].decode()).encode())
        elif request not in {_SASL_FINAL, _OK}:
            raise ServerRefused(f"asks for another way to log in ({request})")


def scram_proof(password: str, client_first: str, server_first: str) -> str:
    """The client's final message of SCRAM-SHA-256 without channel binding (RFC 5802, section 3)."""
    fields = dict(field.split("=", 1) for field in server_first.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    without_proof = f"c=biws,r={fields['r']}"
    message = f"{client_first},{server_first},{without_proof}".encode()
    signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
    proof = bytes(key ^ sign for key, sign in zip(client_key, signature, strict=True))
    return f"{without_proof},p={base64.b64encode(proof).decode()}"


def _send(connection: socket.socket, body: bytes) -> None:
    connection.sendall(b"p" + struct.pack("!i", 4 + len(body)) + body)


def _receive(answers: BinaryIO) -> tuple[bytes, bytes]:
    head = answers.read(5)
    if len(head) < 5:
        raise ConnectionError("the server closed the connection")
    return head[:1], answers.read(struct.unpack("!i", head[1:])[0] - 4)


def _text(body: bytes) -> str:
    """Severity, message and detail of an ErrorResponse."""
    fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0") if field}
    return f"{fields.get(b'S', 'ERROR')}:  {fields.get(b'M', '')}\n{fields.get(b'D', '')}".rstrip()
