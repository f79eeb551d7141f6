# SPDX-License-Identifier: ISC
"""test_server_hostile.py: the server link against servers that no server should be."""

import re
import socket
import threading

import pytest

from servers import Ejabberd, wait_for
from test_server import (ACCOUNTS, COMPONENT, COMPONENTS, HELD_UP, NameServer, Probe, component, full,
                         message)

STREAM = ("<?xml version='1.0'?><stream:stream xmlns='%s' id='1' from='" + COMPONENT + "' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
ACCEPT = STREAM % "jabber:component:accept"
CLIENT = STREAM % "jabber:client"


class Fake:
    """A server of one connection at a time: talk(connection) is all that it does."""

    def __init__(self, talk, address="127.0.0.1", port=0):
        self.talk = talk
        self.listener = socket.create_server((address, port))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.listener.close()

    def serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(20)
                try:
                    self.talk(conn)
                except OSError:
                    pass


def until(conn, mark):
    seen = b""
    while mark not in seen:
        more = conn.recv(4096)
        if not more:
            raise ConnectionError
        seen += more
    return seen


def welcome(conn):
    """Takes any secret of a component."""
    until(conn, b">")
    conn.sendall(ACCEPT.encode())
    until(conn, b"</handshake>")
    conn.sendall(b"<handshake/>")


def hang(conn):
    while conn.recv(4096):
        pass


def as_component(server, **more):
    return Probe(component=1, jid=COMPONENT, host="127.0.0.1", port=server.port, secret="x", **more)


def as_account(server, **more):
    return Probe(jid="romeo@example.test", host="127.0.0.1", port=server.port, secret="x", **more)


@pytest.mark.parametrize("closed", [True, False])
def test_a_very_deep_stanza(closed):
    """libstrophe frees it by recursion, level by level, whether it was whole or cut off."""
    def talk(conn):
        welcome(conn)
        depth = 70000 if closed else 170000
        conn.sendall(b"<message from='a@b.test'>" + b"<a>" * depth)
        if closed:
            conn.sendall(b"</a>" * depth + b"</message>")
            conn.sendall(b"<message from='a@b.test'><body>after</body></message>")
            hang(conn)

    with Fake(talk) as server, as_component(server) as tv:
        full(tv)
        if closed:
            tv.wait("^stanza .*after")
        else:
            tv.wait("^down ECONN")
        assert tv.ticks() < HELD_UP


def test_what_came_before_the_end_is_not_lost():
    """More than one turn of the loop takes, then the end of the connection."""
    def talk(conn):
        welcome(conn)
        conn.sendall(b"".join(b"<message from='a@b.test'><body>%d %s</body></message>" %
                              (n, b"x" * 950) for n in range(400)))

    with Fake(talk) as server, as_component(server) as tv:
        full(tv)
        tv.wait("^down ECONNRESET")
        assert len(tv.all("^stanza ")) == 400


@pytest.mark.parametrize("error, says", [
    ("<host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>", "host-unknown"),
    ("<see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>a.test:9222</see-other-host>",
     "see-other-host: a.test:9222"),
    ("<system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
     "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>back at noon</text>",
     "system-shutdown: back at noon")])
@pytest.mark.parametrize("kind", ["account", "component"])
def test_stream_error_is_named(kind, error, says):
    def talk(conn):
        if kind == "component":
            welcome(conn)
        else:
            until(conn, b"version=")
            conn.sendall(CLIENT.encode())
        conn.sendall(("<stream:error>%s</stream:error></stream:stream>" % error).encode())
        hang(conn)

    with Fake(talk) as server, \
            (as_component if kind == "component" else as_account)(server) as probe:
        assert says in probe.wait("^down ")


FEATURES = "<stream:features>%s</stream:features>"
MECHANISMS = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</mechanisms>"


def test_no_mechanism_in_common():
    def serve(conn):
        until(conn, b"version=")
        conn.sendall((CLIENT + FEATURES % (MECHANISMS % "<mechanism>EXTERNAL</mechanism>"))
                     .encode())
        hang(conn)

    with Fake(serve) as server, as_account(server, tls_optional=1) as romeo:
        assert "no way to log in" in romeo.wait("^down ")


@pytest.mark.parametrize("silent", ["from the start", "after the header", "behind <starttls/>"])
def test_a_silent_server_is_not_the_only_one(silent):
    """It takes the connection, then nothing: the next address has its turn."""
    def talk(conn):
        if silent != "from the start":
            until(conn, b"version=")
            conn.sendall(CLIENT.encode())
        if silent == "behind <starttls/>":
            conn.sendall((FEATURES % "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
                         .encode())
        hang(conn)

    def good(conn):
        until(conn, b"version=")
        conn.sendall((CLIENT + FEATURES % "").encode())
        hang(conn)

    with Fake(talk) as first, Fake(good) as second:
        table = {("_xmpp-client._tcp.example.test", "SRV"): [
            (10, 0, first.port, "a.test"), (20, 0, second.port, "b.test")],
            ("a.test", "A"): ["127.0.0.1"], ("b.test", "A"): ["127.0.0.1"]}
        with NameServer(table) as names, \
                Probe(jid="romeo@example.test", secret="x", dns=names.address) as romeo:
            said = romeo.wait("^down ", 40)
            assert "offers no TLS" in said and ":%d" % second.port in said


def test_without_tls_is_for_one_server_only():
    """That the first has none says nothing about the second."""
    def plain(conn):
        until(conn, b"version=")
        if not seen:
            conn.sendall((CLIENT + FEATURES % "").encode())
        seen.append(True)  # the login without TLS is cut off

    def good(conn):
        until(conn, b"version=")
        conn.sendall((CLIENT + FEATURES % "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
                     .encode())
        until(conn, b"<starttls")
        asked.append(True)
        hang(conn)

    asked, seen = [], []
    with Fake(plain) as first, Fake(good) as second:
        table = {("_xmpp-client._tcp.example.test", "SRV"): [
            (10, 0, first.port, "a.test"), (20, 0, second.port, "b.test")],
            ("a.test", "A"): ["127.0.0.1"], ("b.test", "A"): ["127.0.0.1"]}
        with NameServer(table) as names, \
                Probe(jid="romeo@example.test", secret="x", dns=names.address,
                      tls_optional=1) as romeo:
            wait_for(lambda: asked, 20, "a question for TLS in\n%s" % romeo.lines)
            assert len(seen) == 2 and not romeo.find("^down ")


SELF = "from='%s' to='%s'" % (COMPONENT, COMPONENT)


def test_a_ping_that_somebody_else_gets():
    """A server spreads what is for a domain over its connections: ours may never get its own ping
    back. Neither is it taken for dead, nor is given back what arrived."""
    def talk(conn):
        welcome(conn)
        while True:
            seen = until(conn, b"</iq>").decode()
            ident = re.search("<iq [^>]*id='([^']*)'", seen).group(1)
            if SELF not in seen:
                conn.sendall(("<iq type='error' id='%s' from='@'><error type='modify'><bad-request "
                              "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" %
                              ident).encode())
                until(conn, b"end of the test")
                return

    with Fake(talk) as server, as_component(server) as tv:
        full(tv)
        tv.send(message("romeo@example.test", "arrived"))
        tv.wait("warning: .*somebody else is connected as " + COMPONENT, 15)
        tv.send(message("romeo@example.test", "end of the test"))
        tv.wait("^down ECONNRESET")
        assert not tv.find("^undelivered .*arrived")


def test_a_ping_that_is_late_blames_nobody():
    """A server that was busy for a while answers both pings, in order."""
    def talk(conn):
        welcome(conn)
        seen = until(conn, b"</iq>")
        while SELF in seen.decode():
            late, seen = seen, until(conn, b"</iq>")
        conn.sendall(late[late.index(b"<iq"):])
        ident = re.search("<iq [^>]*id='([^']*)'", seen.decode()).group(1)
        conn.sendall(("<iq type='error' id='%s' from='@'/>" % ident).encode())
        until(conn, b"end of the test")

    with Fake(talk) as server, as_component(server) as tv:
        full(tv)
        tv.send(message("romeo@example.test", "arrived"))
        threading.Event().wait(8)
        tv.send(message("romeo@example.test", "end of the test"))
        tv.wait("^down ECONNRESET")
        assert not tv.find("^undelivered .*arrived") and not tv.find("somebody else")
        assert not tv.find("^stanza")


def test_two_connections_of_one_component():
    """The same with a real one, which draws lots."""
    with Ejabberd(accounts=ACCOUNTS, components=COMPONENTS) as server, \
            component(server) as one, component(server) as two:
        for probe in (one, two):
            full(probe)

        def is_told():
            one.send(message("romeo@" + server.domain, "x"))
            threading.Event().wait(0.5)
            assert not one.all("^down|^undelivered"), "\n".join(one.lines)
            return one.find("somebody else is connected as")

        wait_for(is_told, 60, "the warning")
