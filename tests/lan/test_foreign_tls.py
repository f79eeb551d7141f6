# SPDX-License-Identifier: ISC
"""Peers with TLS that are not ours: OpenSSL's own client dials us, and a plain Python listener that
does one thing after the other is dialled by us. A key that nobody vouches for is a key, no more."""

import os
import re
import socket
import ssl
import subprocess
import threading

import pytest

from daemon import Daemon
from evil import EXTERNAL, OFFER, PROCEED, Key, header, network_of
from ns import wait_until
from purple import Purple

PORT = 5298
HERE = "tv@pronto.local"
ECHO = "echo@forza"

CONF = """
[engine]
name = pronto
[lan]
user = tv
interfaces = eth0
[player]
kind = demo
"""

PRESS = "<iq type='set' id='press'><press xmlns='urn:earshot:buttons:0' button='pause'/></iq>"
PING = "<iq type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>"
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"


def announce(host, instance=ECHO, port=PORT):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zeroconf_peer.py")
    peer = host.popen(["/usr/bin/python3", script, host.address, instance, port,
                       "txtvers=1", "status=avail", "port.p2pj=%d" % port],
                      stdin=subprocess.PIPE, name="zeroconf")
    peer.wait_for("^registered$", 15)
    return peer


@pytest.fixture
def room(lan):
    """An earshotd on pronto, which sees a foreign peer announced on forza."""
    announce(lan["forza"])
    lan.tv = Daemon(lan["pronto"], CONF)
    lan.tv.wait_peer("echo@forza.local")
    wait_until(lambda: "on the LAN as " + HERE in lan.tv.proc.output(), 20, "our announcement")
    return lan


class Client:
    """`openssl s_client -starttls xmpp` with its standard input in our hand."""

    def __init__(self, lan, *options):
        host = lan["forza"]
        self.proc = host.popen(
            ["openssl", "s_client", "-connect", "%s:%d" % (lan["pronto"].address, PORT),
             "-starttls", "xmpp", "-xmpphost", "tv@pronto", "-quiet", "-no_ign_eof", *options],
            stdin=subprocess.PIPE, name="s_client")

    def send(self, text):
        self.proc.stdin.write(text)
        self.proc.stdin.flush()

    def wait_for(self, pattern, timeout=15):
        return self.proc.wait_for(pattern, timeout)


def test_openssl_without_a_certificate(room):
    """TLS without a key is nobody: it ends before a stanza could be said."""
    client = Client(room)
    try:
        client.send(header(ECHO, "tv@pronto"))
    except OSError:
        pass
    assert wait_until(lambda: client.proc.poll() is not None, 15, "the end of s_client")
    assert "mechanism" not in client.proc.output()
    room.tv.proc.wait_for("certificate")


def test_openssl_with_a_certificate(room):
    key = Key(room["forza"], "echo@example.org")
    client = Client(room, "-cert", key.crt, "-key", key.key)
    client.send(header(ECHO, "tv@pronto"))
    client.wait_for("<mechanism>EXTERNAL</mechanism>")
    client.send(AUTH)
    client.wait_for("<success")
    client.send(header(ECHO, "tv@pronto"))
    client.send(PING)
    client.wait_for("id=['\"]ping['\"]")
    answer = re.search(r"<iq[^>]*id=['\"]ping['\"][^>]*>", client.proc.output()).group(0)
    assert re.search("type=['\"]result['\"]", answer), answer
    client.send(PRESS)
    client.wait_for("not-authorized")
    client.wait_for("policy.buttons wants a trusted sender, this one is keyed")
    rows = room.tv.cli("--json", "peers").rows
    assert [r["level"] for r in rows if r["address"] == "echo@forza.local"] == ["keyed"], rows
    client.send("</stream:stream>")
    wait_until(lambda: client.proc.poll() is not None, 15, "the end of s_client")

    # The address has a key now: it comes with another one, and then in the clear.
    other = Key(room["forza"])
    client = Client(room, "-cert", other.crt, "-key", other.key)
    client.send(header(ECHO, "tv@pronto"))
    client.wait_for("<mechanism>EXTERNAL</mechanism>")
    client.send(AUTH)
    client.wait_for("<not-authorized")
    room.tv.proc.wait_for("REFUSED: its key is not the one it had")
    with network_of(room["forza"]):
        sock = socket.create_connection((room["pronto"].address, PORT), 15)
    with sock:
        sock.sendall((header(ECHO, "tv@pronto") + PING).encode())
        sock.settimeout(15)
        got = b""
        while data := sock.recv(4096):
            got += data
    assert b"<required" in got and b"type='result'" not in got and b'type="result"' not in got, got


class Listener(threading.Thread):
    """A peer of XEP-0174 with TLS and EXTERNAL that waits for each word before it says the next. It
    answers every IQ of the last stream with an empty result."""

    def __init__(self, host, key):
        super().__init__(daemon=True)
        self.key, self.words, self.error = key, [], None
        with network_of(host):
            self.sock = socket.create_server((host.address, PORT))
        self.start()

    def run(self):
        try:
            conn, _ = self.sock.accept()
            with conn:
                self.serve(conn)
        except (OSError, AssertionError) as error:
            self.error = error

    def until(self, conn, pattern):
        text = ""
        while not (found := re.search(pattern, text)):
            data = conn.recv(1)        # octet by octet: what is behind stays in the socket
            assert data, "ended before %r: %s" % (pattern, text)
            text += data.decode()
        self.words.append(text)
        return found

    def serve(self, conn):
        conn.settimeout(20)
        self.until(conn, "<stream:stream[^>]*>")
        conn.sendall(header(ECHO, "tv@pronto").encode() + OFFER.encode())
        self.until(conn, "<starttls[^>]*/>")
        conn.sendall(PROCEED.encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.key.crt, self.key.key)
        with context.wrap_socket(conn, server_side=True) as tls:
            self.until(tls, "<stream:stream[^>]*>")
            tls.sendall(header(ECHO, "tv@pronto").encode() + EXTERNAL.encode())
            self.until(tls, "<auth[^>]*>=?</auth>|<auth[^>]*/>")
            tls.sendall(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
            self.until(tls, "<stream:stream[^>]*>")
            tls.sendall(header(ECHO, "tv@pronto").encode() + b"<stream:features/>")
            while True:
                ident = self.until(tls, "<iq [^>]*id=['\"]([^'\"]+)['\"][^>]*>").group(1)
                tls.sendall(b"<iq type='result' id='%s'/>" % ident.encode())

    def close(self):
        self.sock.close()


def test_a_listener_that_takes_its_time(room):
    """Our flight of header, <auth/> and header is legal, and its octets wait for whoever reads them
    one by one."""
    key = Key(room["forza"])
    listener = Listener(room["forza"], key)
    try:
        answer = room.tv.cli("--json", "ping", "-c1", "echo@forza.local")
        assert answer.code == 0, (answer, listener.words, listener.error)
        assert answer.rows[0]["link"] == "lan"
        rows = room.tv.cli("--json", "peers").rows
        assert [r["level"] for r in rows] == ["keyed"], rows
        pins = [row for row in room.tv.cli("--json", "trust").rows if not row["own"]]
        assert [(p["key"], p["voucher"]) for p in pins] == [(key.fingerprint, "nobody")]
    finally:
        listener.close()


def test_plaintext_denied(lan):
    """With policy.plaintext = deny two of us talk as ever, and libpurple, which knows no TLS, is
    neither heard nor written to."""
    deny = "[policy]\nplaintext = deny\n"
    lan["forza"].start_avahi()
    tv = Daemon(lan["pronto"], CONF + deny)
    radio = Daemon(lan["forza"], CONF.replace("pronto", "forza").replace("tv", "radio") + deny)
    alice = Purple(lan["forza"], "alice", 5300)
    alice.until_it_sees("tv@pronto")
    tv.wait_peer("alice@forza.local")
    tv.wait_peer("radio@forza.local")
    ear = tv.follow("stanza", "--listen", name="listen")
    wait_until(lambda: tv.cli("send", HERE, "are you there?").code == 0 and
               "are you there?" in ear.output(), 10, "the listener")

    assert radio.cli("send", HERE, "from one of us").code == 0
    ear.wait_for("from one of us")
    row = radio.cli("--json", "ping", "-c1", HERE).rows[0]
    assert row["link"] == "lan" and row["error"] is None, row

    alice.send("tv@pronto", "in the clear")
    tv.proc.wait_for(r"\(alice@forza\): refused: it does not encrypt", 20)
    answer = tv.cli("send", "alice@forza.local", "never in the clear")
    assert answer.code == 6, answer
    assert radio.cli("send", HERE, "the last word").code == 0
    ear.wait_for("the last word")
    assert "in the clear" not in ear.output()
    assert not alice.messages("tv@pronto")
