"""Links of the fault proxy, in front of a server that sends back what it gets."""

import contextlib
import socket
import socketserver
import threading
import time

import pytest

from runtime.errors import RuntimeFault
from runtime.infra.fault_proxy import FaultProxy
from runtime.tests.infra_support import until


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


@pytest.fixture(scope="module")
def echo():
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    proxy = FaultProxy(tmp_path_factory.mktemp("seat") / "proxy", seed=7)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def link(request, proxy, echo):
    name = request.node.name
    return name, proxy.add_link(name, "127.0.0.1", echo)


@contextlib.contextmanager
def connected(port, timeout=10.0):
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        yield connection


def ask(connection, data=b"ping"):
    connection.sendall(data)
    answer = b""
    while len(answer) < len(data):
        chunk = connection.recv(65536)
        if not chunk:
            break
        answer += chunk
    return answer


def test_healthy_link_carries_everything(link):
    """A megabyte passes both ways unchanged, and the end of a stream is passed on."""
    _, port = link
    data = bytes(range(256)) * 4096
    with connected(port) as connection:
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        received = bytearray()
        while len(received) < len(data):
            received += connection.recv(65536)
        sender.join()
        assert received == data
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


@pytest.mark.parametrize("way", ["request", "reply"])
def test_delay_makes_every_exchange_slower(way, proxy, link):
    """A delayed link answers as late as it was told, on connections that were open before too."""
    name, port = link
    with connected(port) as connection:
        assert ask(connection) == b"ping"
        proxy.delay(name, 200, way=way)
        begin = time.monotonic()
        assert ask(connection) == b"ping"
        assert time.monotonic() - begin >= 0.2
        proxy.heal(name)
        assert ask(connection) == b"ping"
    assert proxy.links()[-1]["delay_ms"] == {"request": 0, "reply": 0}


def test_delayed_messages_are_under_way_together(proxy, link):
    """Messages sent one after another are each late, not later and later."""
    name, port = link
    with connected(port) as connection:
        ask(connection)
        proxy.delay(name, 300)
        begin = time.monotonic()
        for _ in range(40):
            connection.sendall(b"x")
        answer = b""
        while len(answer) < 40:
            answer += connection.recv(40)
        assert 0.3 <= time.monotonic() - begin < 40 * 0.3


def test_black_hole_is_silent_and_ends_without_loss(proxy, link):
    """Nothing passes and nobody is told; after healing, what was under way arrives."""
    name, port = link
    with connected(port) as connection:
        assert ask(connection) == b"ping"
        proxy.black_hole(name)
        connection.settimeout(0.3)
        connection.sendall(b"held")
        with pytest.raises(TimeoutError):
            connection.recv(4)
        with connected(port, timeout=0.3) as other, pytest.raises(TimeoutError):
            ask(other)
        proxy.heal(name)
        connection.settimeout(10)
        assert connection.recv(4) == b"held"


def test_reset_cuts_present_connections_only(proxy, link):
    """Open connections end with a reset, new ones work."""
    name, port = link
    with connected(port) as connection:
        ask(connection)
        assert proxy.reset_connections(name) == 1
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with connected(port) as connection:
        assert ask(connection) == b"ping"


def test_reset_frees_what_a_black_hole_holds(proxy, link):
    """A reset reaches connections that wait in a black hole."""
    name, port = link
    proxy.black_hole(name)
    with connected(port) as connection:
        connection.sendall(b"x")
        until(lambda: proxy.reset_connections(name) == 1, "no connection to cut")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_drop_silences_connections(proxy, link):
    """Everything dropped: connections stay open without an answer. Nothing dropped: all are answered."""
    name, port = link
    proxy.drop(name, 1.0)
    with connected(port, timeout=0.3) as connection, pytest.raises(TimeoutError):
        ask(connection)
    proxy.heal(name)
    with connected(port) as connection:
        assert ask(connection) == b"ping"


def test_drop_ratio_is_between(proxy, link):
    """With half of the chunks dropped, some connections are answered and others are not."""
    name, port = link
    proxy.drop(name, 0.5)
    outcomes = set()

    def tried():
        with connected(port, timeout=0.1) as connection:
            try:
                outcomes.add(ask(connection))
            except TimeoutError:
                outcomes.add(None)
        return len(outcomes) == 2

    until(tried, "all connections fared the same")
    proxy.heal(name)


def test_unreachable_target_resets(proxy):
    """When nothing listens behind the link, the client's connection is reset."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody else can listen there meanwhile
        port = proxy.add_link("nobody", "127.0.0.1", taken.getsockname()[1])
        # The reset may come while the client still connects.
        with pytest.raises(ConnectionResetError), connected(port) as connection:
            connection.recv(1)


def test_links_are_listed_and_unknown_ones_refused(proxy, link):
    """The list says what is wrong with each link; a name that is none is refused with those that are."""
    name, port = link
    proxy.drop(name, 0.25)
    proxy.black_hole(name)
    facts = next(facts for facts in proxy.links() if facts["name"] == name)
    assert facts["drop_ratio"] == 0.25
    assert facts["black_hole"]
    with pytest.raises(RuntimeFault, match=f"no link nonsense; there are .*{name}"):
        proxy.delay("nonsense", 1)
    with pytest.raises(RuntimeFault, match="already"):
        proxy.add_link(name, "127.0.0.1", port)
    proxy.heal()
    assert not any(facts["black_hole"] for facts in proxy.links())


def test_control_needs_the_token(proxy):
    """Who does not know the token of the seat changes nothing."""
    from runtime.infra import control

    port = int(proxy.address.rpartition(":")[2])
    with pytest.raises(RuntimeFault, match="wrong token"):
        control.call(port, "guess", "heal", name=None)
