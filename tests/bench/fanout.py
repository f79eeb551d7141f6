# SPDX-License-Identifier: ISC
"""fanout.py: one publication to many subscribers behind a server, beside what the server's own
service (ejabberd's mod_pubsub) makes of the same.

fanout-*: the subscribers are users of the server, each on a connection of his own. The server passes
one message on to many (XEP-0033, mod_multicast); fanout-single-*: it does not.
fanout-component-*: they are addresses of one component, so that all goes over one connection; its
socket is read as bytes and looked through for notifications.

The bar of fanout-* is short: a component that does nothing but send only just reaches it (ejabberd
23.01, two cores, beside other work; medians of 12 to 60 publications in turns with mod_pubsub's):

- From the first copy to the last both of ejabberd's schedulers are busy, whoever publishes: what
  counts is its CPU time, 45 to 60 us a copy, nearly all of it in the users' own processes and in
  the kernel. mod_multicast reads an address (1.3 to 2 us) and decodes it (1.3 to 2.2 us);
  mod_pubsub reads its subscribers (3.4 ms of 1,000 until the first is told) and prepares each
  (1.3 us).
- A script that sends the same messages to mod_multicast at once, its own time not counted: 1.01 to
  1.12 for 1,000, 1.05 to 1.17 for 10,000. 20 to 1,000 addresses a message, without ids, in the
  order of log-ins, of addresses or in none, in one segment or in several: no difference that was
  larger than that between two runs of one of them; 20 are the slowest.
- The same, and after each 100 addresses it asks mod_multicast something and is not more than 200
  ahead: 0.95 to 1.05, and 0.96 to 1.01. A daemon that did so was not faster: it has to be woken up
  for each answer on the same cores (62 ms of CPU instead of 25 for 10,000), 1.21 instead of 1.11.
- Each copy as a message of its own: 1.6 to 2.2. To full JIDs: 0.94, but which of them are there is
  the server's knowledge.
- What is ours beyond the script: 1.2 ms until the first byte, and 2.9 ms of CPU for 1,000.
"""

import hashlib
import os
import re
import socket
import subprocess
import tempfile
import time

from box import BUILD
from crowd import Crowd
from servers import Ejabberd, wait_for

RUNS = 7
BAR = 1.0               # of the ratio
SINK, OURS = "sink.example.test", "nodes.example.test"
THEIRS = "pubsub.example.test"
NODE = "princely_musings"
NS = "http://jabber.org/protocol/pubsub"
WINDOW = 100            # subscriptions under way
ENTRY = ("<entry xmlns='http://www.w3.org/2005/Atom'><title>Soliloquy</title><summary>To be, or not"
         " to be: that is the question: Whether 'tis nobler in the mind to suffer</summary>"
         "<id>tag:denmark.example,2003:entry-32397</id><updated>2003-12-13T18:30:02Z</updated>"
         "</entry>")
WORD = b"tag:denmark.example,2003:entry-32397</id>"
CREATE = "<pubsub xmlns='%s'><create node='%s'/></pubsub>" % (NS, NODE)
SUBSCRIBE = "<pubsub xmlns='%s'><subscribe node='%s' jid='%%s'/></pubsub>" % (NS, NODE)


class Sink:
    """A component (XEP-0114), read as bytes."""

    def __init__(self, port, domain, secret):
        self.sock = socket.create_connection(("127.0.0.1", port), 10)
        self.sock.settimeout(60)
        self.data = b""
        self.write("<stream:stream xmlns='jabber:component:accept' xmlns:stream="
                   "'http://etherx.jabber.org/streams' to='%s'>" % domain)
        ident = re.search(rb"id='?\"?([^'\"]+)", self.read_until(rb"<stream:stream[^>]*>")).group(1)
        digest = hashlib.sha1(ident + secret.encode()).hexdigest()
        self.write("<handshake>%s</handshake>" % digest)
        self.read_until(rb"<handshake\s*/>")

    def write(self, text):
        self.sock.sendall(text.encode())

    def more(self):
        got = self.sock.recv(1 << 20)
        assert got, "the server ended the stream: %r" % self.data[-300:]
        return got

    def read_until(self, pattern):
        while not (hit := re.search(pattern, self.data)):
            self.data += self.more()
        found, self.data = self.data[:hit.end()], self.data[hit.end():]
        return found

    def ask(self, kind, to, ident, xml, user="owner"):
        self.write("<iq type='%s' from='%s@%s/x' to='%s' id='%s'>%s</iq>"
                   % (kind, user, SINK, to, ident, xml))

    def answer(self, ident):
        """Its type."""
        head = self.read_until(rb"<iq [^>]*id=['\"]%s['\"][^>]*>" % ident.encode())
        return re.search(rb"type=['\"](\w+)", head[head.rindex(b"<iq "):]).group(1).decode()

    def count(self, word, number):
        """Reads until that word has come so often. When that was."""
        rest, seen = b"", 0
        while seen < number:
            chunk = rest + self.more()
            seen += chunk.count(word)
            rest = chunk[-(len(word) - 1):]
        self.data = b""
        assert seen == number, "%d for %d" % (seen, number)
        return time.monotonic()


class Service:
    """earshotd as a component beside the server, with a store on the disk."""

    def __init__(self, server):
        self.dir = tempfile.TemporaryDirectory(prefix="earshot-fanout-")
        conf = self.path("earshotd.conf")
        self.write("secret", "secret\n", 0o600)
        self.write("earshotd.conf", "[engine]\nname = nodes\nstate = %s\n[lan]\nenabled = no\n"
                   "[player]\nkind = none\n[local]\nsocket = %s\n[server]\nkind = component\n"
                   "jid = %s\nhost = 127.0.0.1\nport = %d\nsecret-file = %s\n" % (
                       self.path("state"), self.path("sock"), OURS, server.component_port,
                       self.path("secret")), 0o644)
        with open(self.path("log"), "wb") as log:
            self.proc = subprocess.Popen([os.path.join(BUILD, "earshotd"), "-f", "-c", conf],
                                         stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def write(self, name, text, mode):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT, mode), "w",
                  encoding="utf-8") as f:
            f.write(text)

    def log(self):
        with open(self.path("log"), encoding="utf-8") as f:
            return f.read()

    def close(self):
        self.proc.terminate()
        self.proc.wait(20)
        self.dir.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()


def is_there(sink, to):
    sink.ask("get", to, "there", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
    return sink.answer("there") == "result"


def create(sink, to):
    sink.ask("set", to, "create", CREATE)
    assert sink.answer("create") == "result", "%s: the node is not created" % to


def publish(sink, to, run):
    """When that was."""
    start = time.monotonic()
    sink.ask("set", to, "p%d" % run, "<pubsub xmlns='%s'><publish node='%s'><item id='i%d'>%s"
             "</item></publish></pubsub>" % (NS, NODE, run, ENTRY))
    return start


def subscribe(sink, to, number):
    create(sink, to)
    for first in range(0, number, WINDOW):
        last = min(first + WINDOW, number)
        for i in range(first, last):
            jid = "u%d@%s" % (i, SINK)
            sink.ask("set", to, "s%d" % i, SUBSCRIBE % jid, "u%d" % i)
        for i in range(first, last):
            assert sink.answer("s%d" % i) == "result", "%s: u%d is not subscribed" % (to, i)


def to_component(sink, to, number, run):
    """ms until the last subscriber has been told."""
    start = publish(sink, to, run)
    return (sink.count(WORD, number) - start) * 1e3


def to_users(sink, to, crowd, run):
    """The same."""
    crowd.quiet()
    start = publish(sink, to, run)
    took = (crowd.wait(WORD) - start) * 1e3
    assert sink.answer("p%d" % run) == "result", "%s: not published" % to
    return took


def measure(name, tell):
    """(name, unit, ours, floor, bar, of ratio); tell(to, run) says how long it took. They take turns
    at being first: what one leaves to be done (ours notes that all were told) falls to the other."""
    took = {OURS: [], THEIRS: []}
    for run in range(RUNS):
        for to in (OURS, THEIRS) if run % 2 else (THEIRS, OURS):
            took[to].append(tell(to, run))
    return name, "ms", took[OURS][1:], took[THEIRS][1:], BAR, True


def begin(sink, service, crowd):
    """Until it knows that the server passes messages on."""
    to_users(sink, OURS, crowd, RUNS)
    wait_for(lambda: "passes messages on" in service.log(), 30, "mod_multicast")


def fanout(number, multicast=100):
    """multicast: of the server; None: it has none."""
    with Ejabberd(components={SINK: "secret", OURS: "secret"}, pep=True, anonymous=True,
                  multicast=multicast, tls="none") as server, Service(server) as service:
        sink = Sink(server.component_port, SINK, "secret")
        wait_for(lambda: is_there(sink, OURS), 30, "the service")
        with Crowd(server.c2s_port, server.domain, number) as crowd:
            for to in (OURS, THEIRS):
                create(sink, to)
                crowd.ask(to, SUBSCRIBE)
            if multicast is not None:
                begin(sink, service, crowd)
            yield measure("fanout-%s%d" % ("single-" if multicast is None else "", number),
                          lambda to, run: to_users(sink, to, crowd, run))


def fanout_component(number):
    with Ejabberd(components={SINK: "secret", OURS: "secret"}, pep=True) as server, \
            Service(server):
        sink = Sink(server.component_port, SINK, "secret")
        wait_for(lambda: is_there(sink, OURS), 30, "the service")
        for to in (OURS, THEIRS):
            subscribe(sink, to, number)
        yield measure("fanout-component-%d" % number,
                      lambda to, run: to_component(sink, to, number, run))
