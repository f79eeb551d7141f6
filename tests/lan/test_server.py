# SPDX-License-Identifier: ISC
"""test_server.py: the server link against real servers, and against what goes wrong with them.

EARSHOT_BUILD names the build directory (build, build/san).
"""

import contextlib
import os
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

from servers import Ejabberd, Prosody, free_port, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROBE = os.path.join(ROOT, os.environ.get("EARSHOT_BUILD", "build"), "tests/lan/server_probe")
COMPONENT = "tv.example.test"
ACCOUNTS = {"romeo": "pw-romeo", "juliet": "pw-juliet"}
HELD_UP = 3     # s: what holds a loop up is a time-out of five at the least
COMPONENTS = {COMPONENT: "s3cret", "radio.example.test": "s3cret"}
DISCO = "http://jabber.org/protocol/disco#info"


class Probe:
    """One server_probe process; its lines are collected as they come."""

    def __init__(self, *prefix, **config):
        self.lines = []
        self.process = subprocess.Popen(
            list(prefix) + [PROBE] + ["%s=%s" % pair for pair in config.items()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            bufsize=1)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def find(self, pattern, start=0):
        """The first line from start on that matches."""
        for line in list(self.lines)[start:]:
            if re.search(pattern, line):
                return line
        return None

    def all(self, pattern):
        return [line for line in list(self.lines) if re.search(pattern, line)]

    def wait(self, pattern, seconds=10, start=0):
        wait_for(lambda: self.find(pattern, start) or self.process.poll() is not None, seconds,
                 "%r in\n%s" % (pattern, "\n".join(self.lines[-20:])))
        found = self.find(pattern, start)
        assert found is not None, "probe ended with %s:\n%s" % (self.process.returncode,
                                                               "\n".join(self.lines[-40:]))
        return found

    def ticks(self):
        """Whether its loop runs: it answers at once."""
        start = len(self.lines)
        began = time.monotonic()
        self.send("tick")
        self.wait("^tick$", 5, start)
        return time.monotonic() - began

    def close(self):
        if self.process.poll() is None:
            try:
                self.send("quit")
                self.process.wait(60)
            except (BrokenPipeError, subprocess.TimeoutExpired):
                self.process.kill()
        self.process.wait()
        self.reader.join(5)
        assert self.process.returncode == 0, "\n".join(self.lines[-60:])


@pytest.fixture(scope="module", params=[Ejabberd, Prosody])
def any_server(request):
    with request.param(accounts=ACCOUNTS, components=COMPONENTS) as server:
        yield server


@pytest.fixture
def ejabberd():
    with Ejabberd(accounts=ACCOUNTS, components=COMPONENTS) as server:
        yield server


def component(server, name=COMPONENT, **more):
    return Probe(component=1, jid=name, host=server.address, port=server.component_port,
                 **{"secret": "s3cret", **more})


def account(server, user="romeo", **more):
    return Probe(jid="%s@%s" % (user, server.domain), **{
        "host": server.address, "port": server.c2s_port, "secret": ACCOUNTS[user],
        "ca": server.ca_file, **more})


def disco(to, ident):
    return "<iq xmlns='jabber:client' type='get' id='%s' to='%s'><query xmlns='%s'/></iq>" % (
        ident, to, DISCO)


def message(to, text, extra=""):
    return "<message xmlns='jabber:client' to='%s'%s><body>%s</body></message>" % (to, extra, text)


def full(probe):
    return probe.wait("^up ").split()[1]


def test_first_stanza_of_a_component_does_not_crash(any_server):
    """libstrophe 0.12.2 reads XEP-0198 state that only its client connection allocates."""
    with component(any_server) as tv:
        assert full(tv) == COMPONENT
        tv.send(disco(any_server.domain, "d1"))
        answer = tv.wait("^stanza .*id=\"d1\"")
        assert "type=\"result\"" in answer
        assert "jabber:component:accept" not in answer


def test_account_logs_in_over_tls(any_server):
    with account(any_server) as romeo:
        assert full(romeo).startswith("romeo@example.test/earshot-")
        romeo.send(disco(any_server.domain, "d1"))
        assert "type=\"result\"" in romeo.wait("^stanza .*id=\"d1\"")
        assert not romeo.all("_xmpp_")


def test_account_and_component_talk(any_server):
    with account(any_server) as romeo, component(any_server) as tv:
        me = full(romeo)
        full(tv)
        romeo.send(message("play@" + COMPONENT, "hello &amp; größer"))
        got = tv.wait("^stanza <message")
        assert "from=\"%s\"" % me in got and "hello &amp; größer" in got
        tv.send(message(me, "from a user of mine", " from='play@%s/x'" % COMPONENT))
        assert "from=\"play@%s/x\"" % COMPONENT in romeo.wait("^stanza .*from a user of mine")
        tv.send(message(me, "from a stranger", " from='evil@elsewhere.test'"))
        assert "from=\"%s\"" % COMPONENT in romeo.wait("^stanza .*from a stranger")


def test_forged_sender(any_server):
    """An attribute in a namespace of its own must not take the place of the server's stamp, and
    control is for this machine only."""
    with account(any_server) as romeo, component(any_server) as tv:
        me = full(romeo)
        full(tv)
        romeo.process.stdin.flush()
        forged = raw_login(any_server, "juliet")
        try:
            forged.sendall(("<message to='%s' xmlns:e='e' e:from='%s' id='f'><body>x</body>"
                            "<press xmlns='urn:earshot:control:0'/></message>"
                            % (COMPONENT, me)).encode())
            got = tv.wait("^stanza .*id=\"f\"")
        finally:
            forged.close()
        assert "from=\"juliet@example.test/" in got
        assert "urn:earshot:control:0" not in got


def test_reply_with_a_forged_sender_is_handed_up(any_server):
    """libstrophe would match it by id alone; here it comes with the sender that the server
    stamped, for request.c to judge."""
    with component(any_server) as tv, component(any_server, "radio.example.test") as radio:
        full(tv)
        full(radio)
        radio.send("<iq xmlns='jabber:client' type='result' id='_xmpp_bind1' to='%s'/>" % COMPONENT)
        assert "from=\"radio.example.test\"" in tv.wait("^stanza .*_xmpp_bind1")


def test_too_deep_a_stanza_is_dropped_and_nothing_else(any_server):
    with component(any_server) as tv, component(any_server, "radio.example.test") as radio:
        full(tv)
        full(radio)
        deep = "<a>" * 100 + "</a>" * 100
        radio.send("<message xmlns='jabber:client' to='%s'>%s</message>" % (COMPONENT, deep))
        radio.send(message(COMPONENT, "after"))
        tv.wait("^stanza .*after")
        assert tv.find("dropped a stanza of .* policy-violation")
        assert not tv.find("^down")


def test_wrong_secret(any_server):
    with component(any_server, secret="wrong") as tv:
        assert re.search(r"^down EACCES component secret refused by 127\.0\.0\.1:%d: check "
                         "secret-file$" % any_server.component_port, tv.wait("^down"))


def test_wrong_password(any_server):
    with account(any_server, secret="wrong") as romeo:
        assert re.search("^down EACCES password for romeo@example.test/.* refused by .*: check "
                         "secret-file$", romeo.wait("^down"))


def test_unknown_authority(any_server):
    with account(any_server, ca="/etc/ssl/certs/ca-certificates.crt") as romeo:
        assert "certificate refused: unable to get local issuer" in romeo.wait("^down EPROTO")


@pytest.mark.parametrize("made,said", [
    ({"certificate_domain": "other.test"}, "hostname mismatch"),
    ({"certificate_days": -1}, "certificate has expired"),
])
def test_bad_certificate(made, said):
    with Prosody(accounts=ACCOUNTS, **made) as server, account(server) as romeo:
        assert said in romeo.wait("^down EPROTO")


def test_no_tls_is_refused_unless_allowed():
    with Prosody(accounts=ACCOUNTS, tls="none") as server:
        with account(server) as romeo:
            assert "offers no TLS" in romeo.wait("^down EPROTONOSUPPORT")
        with account(server, tls_optional=1) as romeo:
            full(romeo)
            romeo.send(disco(server.domain, "d1"))
            romeo.wait("^stanza .*id=\"d1\"")


def test_refused_connection():
    with Probe(component=1, jid=COMPONENT, host="127.0.0.1", port=free_port(), secret="x") as tv:
        assert "Connection refused" in tv.wait("^down ECONNREFUSED")
        tv.send(message("a@b.test", "while down"))
        tv.wait("^refused ENOTCONN")


def test_restart_of_the_server(ejabberd):
    with component(ejabberd) as tv, account(ejabberd) as romeo:
        me = full(tv), full(romeo)
        ejabberd.restart()
        for probe, self in zip((tv, romeo), me):
            start = probe.lines.index(probe.wait("^down "))
            assert probe.wait("^up ", 30, start) == "up " + self
        tv.send(message(me[1], "again"))
        romeo.wait("^stanza .*again")


def test_killed_server(ejabberd):
    with component(ejabberd) as tv:
        full(tv)
        ejabberd.kill()
        tv.wait("^down ECONNRESET", 5)
        ejabberd.start()
        start = tv.lines.index(tv.wait("^down "))
        tv.wait("^up ", 30, start)


def test_frozen_server_gives_back_what_it_did_not_take(ejabberd):
    """Its kernel goes on acknowledging: only a ping finds out."""
    with component(ejabberd) as tv, account(ejabberd) as romeo:
        full(tv)
        me = full(romeo)
        romeo.send(message(COMPONENT, "taken"))
        tv.wait("^stanza .*taken")
        romeo.send(disco(ejabberd.domain, "d1"))
        romeo.wait("^stanza .*id=\"d1\"")  # and what was sent before is acknowledged
        romeo.ticks()
        ejabberd.freeze()
        start = {tv: len(tv.lines), romeo: len(romeo.lines)}    # on a busy machine there was more
        for n in range(5):
            tv.send(message(me, "t%d" % n))
            romeo.send(message(COMPONENT, "r%d" % n))
        for probe, letter in ((tv, "t"), (romeo, "r")):
            probe.wait("^down ETIMEDOUT .*does not answer", 20, start[probe])
            back = [line for line in probe.lines[start[probe]:] if line.startswith("undelivered")]
            assert [re.search("body>(.*)</body", line).group(1) for line in back] == [
                "%s%d" % (letter, n) for n in range(5)], "\n".join(probe.lines)
            assert all(line.startswith("undelivered maybe ") for line in back)
            assert probe.ticks() < HELD_UP
        ejabberd.thaw()
        tv.wait("^up ", 40, tv.lines.index(tv.wait("^down ", 10, start[tv])))


def test_frozen_before_login_keeps_the_loop_running(ejabberd):
    """libstrophe's own TLS handshake would wait for ever."""
    ejabberd.freeze()
    with account(ejabberd) as romeo, component(ejabberd) as tv:
        romeo.wait("starttls$")
        tv.wait("login$")
        assert romeo.ticks() < HELD_UP and tv.ticks() < HELD_UP
        romeo.send(message(COMPONENT, "queued"))
        for probe in (romeo, tv):
            assert "does not answer" in probe.wait("^down ETIMEDOUT", 20)
        assert "queued" in romeo.find("^undelivered no ")


def test_queue_is_bounded_while_connecting(ejabberd):
    ejabberd.freeze()
    with component(ejabberd) as tv:
        tv.wait("login$")
        tv.send("burst 1100 " + message("romeo@example.test", "queued"))
        tv.ticks()
        assert len(tv.all("^refused ENOBUFS")) == 1100 - 1024
        ejabberd.thaw()
        tv.wait("^up ")
        tv.send("close")
        tv.wait("^down 0")
        assert not tv.all("^undelivered no")


def test_stale_while_connecting(ejabberd):
    """What is of no use any more when the server is there is not sent, and comes back."""
    with component(ejabberd, "radio.example.test") as radio:
        radio.wait("^up ")
        ejabberd.freeze()
        with component(ejabberd) as tv:
            tv.wait("login$")
            for text, extra in (("before", ""), ("late", " id='stale'"), ("after", "")):
                tv.send(message("radio.example.test", text, extra))
            time.sleep(0.2)     # that long it has to have waited
            ejabberd.thaw()
            assert "late" in tv.wait("^undelivered no ")
            radio.wait("^stanza .*after", 20)
        assert radio.find("^stanza .*before") and not radio.all("late")


def test_silence_in_the_tls_handshake_keeps_the_loop_running():
    """A server that says <proceed/> and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        with Probe(jid="romeo@example.test", host="127.0.0.1", port=listener.getsockname()[1],
                   secret="x") as romeo:
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(10)
                peer.recv(4096)
                peer.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx."
                             b"jabber.org/streams' version='1.0' id='1'><stream:features><starttls"
                             b" xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>")
                peer.recv(4096)
                peer.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
                romeo.wait("starttls -> tls$")
                assert romeo.ticks() < HELD_UP
                romeo.wait("^down ETIMEDOUT .*does not answer", 20)


def test_sm_counts_stay_right(any_server):
    """Every stanza acknowledged, none twice: nothing comes back when the server then dies."""
    with account(any_server) as romeo, component(any_server) as tv:
        me = full(romeo)
        full(tv)
        romeo.send("burst 500 " + message(COMPONENT, "up"))
        tv.send("burst 500 " + message(me, "down"))
        wait_for(lambda: len(tv.all("^stanza .*up</body")) == 500, 20, "500 of the account")
        wait_for(lambda: len(romeo.all("^stanza .*down</body")) == 500, 20, "500 to the account")
        romeo.send(disco(any_server.domain, "last"))
        romeo.wait("^stanza .*id=\"last\"")
        romeo.ticks()
        any_server.kill()
        try:
            romeo.wait("^down ")
            assert romeo.all("^undelivered") == []
        finally:
            any_server.start()


def test_burst_is_few_writes(ejabberd, tmp_path):
    log = str(tmp_path / "strace")
    with component(ejabberd, "radio.example.test") as radio, \
            Probe("env", "ASAN_OPTIONS=detect_leaks=0",  # which cannot work under strace
                  "strace", "-f", "-e", "trace=network,write,writev", "-o", log, component=1,
                  jid=COMPONENT, host=ejabberd.address, port=ejabberd.component_port,
                  secret="s3cret") as tv:
        full(tv)
        full(radio)
        tv.send("burst 1000 " + message("radio.example.test", "burst"))
        wait_for(lambda: len(radio.all("^stanza .*burst</body")) == 1000, 20, "1000 stanzas")
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    fd = re.search(r"connect\((\d+), \{sa_family=AF_INET, sin_port=htons\(%d\)"
                   % ejabberd.component_port, text).group(1)
    assert len(re.findall(r"(?:writev?|send(?:to|msg)?)\(%s," % fd, text)) < 40


def test_two_thousand_descriptors(any_server):
    """select() on a descriptor over 1023 writes past its sets; one below is kept."""
    with component(any_server, fds=2000) as tv:
        full(tv)
        tv.send(disco(any_server.domain, "d1"))
        tv.wait("^stanza .*id=\"d1\"")
        any_server.restart()
        start = tv.lines.index(tv.wait("^down "))
        tv.wait("^up ", 30, start)


def test_close_before_it_is_up(ejabberd):
    ejabberd.freeze()
    with component(ejabberd) as tv:
        tv.wait("login$")
        tv.send(message("romeo@example.test", "never"))
        tv.send("close")
        assert tv.wait("^down ") == "down 0 closed"
        assert tv.find("^undelivered no .*never")


def test_close(any_server):
    with component(any_server) as tv:
        full(tv)
        tv.send(message(COMPONENT, "last words"))
        tv.send("close")
        assert tv.wait("^down ") == "down 0 closed"
        assert not tv.find("^undelivered no")


# --- names ---------------------------------------------------------------------------------


class NameServer:
    """Answers from a table {(name, type): [data]}; None: never answers."""

    TYPES = {"A": 1, "AAAA": 28, "SRV": 33}

    def __init__(self, table):
        self.table = table
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.running = True
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.running = False
        self.socket.close()

    @staticmethod
    def encode(name):
        return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + \
            b"\0"

    def serve(self):
        while self.running:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name, kind = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0]
            self.asked.append((name, kind))
            if self.table is None:
                continue
            answers = b""
            found = [(k, v) for (n, k), data in self.table.items() for v in data
                     if n == name and self.TYPES[k] == kind]
            for k, value in found:
                if k == "A":
                    data = socket.inet_aton(value)
                else:
                    data = struct.pack(">HHH", *value[:3]) + self.encode(value[3])
                answers += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
            known = found or any(n == name for n, _ in self.table)
            head = query[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(found), 0,
                                           0)
            self.socket.sendto(head + query[12:at + 5] + answers, peer)


def test_srv_look_up(any_server):
    """The first choice refuses, the second is the server; the certificate is still that of the
    JID's domain."""
    table = {("_xmpp-client._tcp.example.test", "SRV"): [
        (20, 0, any_server.c2s_port, "xmpp.hosting.test"),
        (10, 0, free_port(), "dead.hosting.test")],
        ("xmpp.hosting.test", "A"): ["127.0.0.1"], ("dead.hosting.test", "A"): ["127.0.0.1"]}
    with NameServer(table) as names, \
            Probe(jid="romeo@example.test", secret=ACCOUNTS["romeo"], ca=any_server.ca_file,
                  dns=names.address) as romeo:
        full(romeo)
        assert romeo.find("Connection refused; trying the next address")


@contextlib.contextmanager
def hole():
    """A port that drops who comes: the kernel does so when a backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_worse_server_only_when_the_better_is_none(ejabberd):
    """RFC 2782: it is not begun as soon as another address of the same would be."""
    with hole() as dead:
        table = {("_xmpp-client._tcp.example.test", "SRV"): [
            (20, 0, ejabberd.c2s_port, "xmpp.hosting.test"), (10, 0, dead, "dead.hosting.test")],
            ("xmpp.hosting.test", "A"): ["127.0.0.1"], ("dead.hosting.test", "A"): ["127.0.0.1"]}
        with NameServer(table) as names, \
                Probe(jid="romeo@example.test", secret=ACCOUNTS["romeo"], ca=ejabberd.ca_file,
                      dns=names.address) as romeo:
            full(romeo)
            assert romeo.find("Connection timed out; trying the next address")


def test_without_srv_the_domain_itself(any_server):
    with NameServer({("example.test", "A"): ["127.0.0.1"]}) as names, \
            Probe(jid="romeo@example.test", secret="x", dns=names.address) as romeo:
        assert re.search(r"127\.0\.0\.1:5222", romeo.wait("^down "))


def test_no_such_domain():
    with NameServer({}) as names, \
            Probe(jid="romeo@example.test", secret="x", dns=names.address) as romeo:
        assert "example.test: no address" in romeo.wait("^down EHOSTUNREACH")


def test_dead_name_server_stops_nothing():
    with NameServer(None) as names, \
            Probe(jid="romeo@example.test", secret="x", dns=names.address) as romeo:
        wait_for(lambda: names.asked, 5, "a question")
        worst = 0
        while not romeo.find("^down ") and worst < HELD_UP:
            worst = max(worst, romeo.ticks())
            time.sleep(0.1)
        assert worst < HELD_UP
        assert "the name server does not answer" in romeo.wait("^down ETIMEDOUT")


def test_idle_link_does_not_wake_the_processor(any_server):
    with component(any_server) as tv:
        full(tv)
        def switches():
            with open("/proc/%d/status" % tv.process.pid, encoding="ascii") as file:
                return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(),
                                     re.MULTILINE).group(1))

        def sleeps():
            before = switches()
            time.sleep(5)
            return switches() - before <= 2

        # The login and its ping are over some time.
        wait_for(sleeps, 20, "five seconds without a wake-up")


# --- a client that is not ours --------------------------------------------------------------


def raw_login(server, user):
    """Logs in by hand, so that anything can be sent: a TLS socket behind the resource binding."""
    import base64
    import ssl

    def until(sock, mark):
        data = b""
        while mark not in data:
            more = sock.recv(4096)
            assert more, data
            data += more
        return data

    head = ("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams'>" % server.domain).encode()
    sock = socket.create_connection((server.address, server.c2s_port), 10)
    sock.sendall(head)
    until(sock, b"</stream:features>")
    sock.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    until(sock, b"<proceed")
    context = ssl.create_default_context(cafile=server.ca_file)
    sock = context.wrap_socket(sock, server_hostname=server.domain)
    sock.sendall(head)
    until(sock, b"</stream:features>")
    plain = base64.b64encode(("\0%s\0%s" % (user, ACCOUNTS[user])).encode()).decode()
    sock.sendall(("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>"
                  % plain).encode())
    until(sock, b"<success")
    sock.sendall(head)
    until(sock, b"</stream:features>")
    sock.sendall(b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    until(sock, b"</iq>")
    return sock
