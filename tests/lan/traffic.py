# SPDX-License-Identifier: ISC
"""traffic.py: numbered messages from one program to another through two daemons, and the judge of what
became of them.

    there, back = History("remote > box"), History("box > remote")
    one = Program(remote, "box.example.test", there, back)
    other = Program(box, "remote.example.test", back, there)
    one.send(rate=100); …faults…; one.pause()
    defects = judge(there)

A program here is what any program of the machine is: an XMPP client of its daemon's socket. When
the daemon goes away it comes back as soon as there is one. The body of a message is its number.
"""

import collections
import os
import re
import selectors
import socket
import tempfile
import threading
import time
from xml.etree import ElementTree
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from ns import wait_until

CLIENT = "jabber:client"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
CONTROL = "urn:earshot:control:0"
# The answer to the question says that the presence has been read.
HELLO = "<presence/><iq type='set' id='hello'><flush xmlns='%s'/></iq>" % CONTROL
HEADER = ("<?xml version='1.0'?><stream:stream xmlns='%s' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>" % CLIENT)
BUFFER = 65536      # bytes that wait for the daemon before nothing more is sent
HANDED = 0.1        # s before the end of a daemon: what it handed on then, it may not have noted
MAYBE = re.compile(r"may (also )?have (arrived|been)")

Event = collections.namedtuple("Event", "at what number text")
Defect = collections.namedtuple("Defect", "what number text")


# --- what happened, and what should not have ---------------------------------------------------


class History:
    """What happened to the messages of one direction, in order. Times are seconds."""

    def __init__(self, name, events=None):
        self.name, self.events, self.lock = name, [], threading.Lock()
        self.count = collections.Counter()
        for event in events or ():
            self.note(*event)

    def note(self, what, number=None, text="", at=None):
        """what: sent, got, error, alien (a message nobody sent), broken (the sender's daemon went
        away), fault (text says which)."""
        with self.lock:
            self.events.append(Event(time.monotonic() if at is None else at, what, number, text))
            self.count[what] += 1

    def forget(self):
        """Begins a new page; what arrives again of the old one was never sent."""
        with self.lock:
            self.events.clear()
            self.count.clear()

    def of(self, what):
        with self.lock:
            return [e for e in self.events if e.what == what]

    def settled(self, grace=0.0):
        """Whether every number has a fate."""
        return not unfinished(self, grace)

    def ways(self):
        """How many came by which link."""
        return dict(collections.Counter(e.text for e in self.of("got")))

    def slowest(self):
        """The longest that a message took, in s, and its number."""
        sent = {e.number: e.at for e in self.of("sent")}
        took = [(e.at - sent[e.number], e.number) for e in self.of("got") if e.number in sent]
        return max(took, default=(0.0, None))

    def around(self, number, count=50):
        """The events around a number, as lines."""
        with self.lock:
            events = list(self.events)
        at = [i for i, e in enumerate(events) if number is not None and e.number == number]
        at = at or [len(events)]
        start = max(0, min(at[-1] - count // 2, len(events) - count))
        zero = events[0].at if events else 0
        return ["%10.3f  %-6s %s %s" % (e.at - zero, e.what, "" if e.number is None else e.number,
                                        e.text) for e in events[start:start + count]]


def unfinished(history, grace=0.0):
    """Numbers that were sent, but neither arrived nor came back as an error, nor were given to a
    daemon that went away less than `grace` seconds later: nobody is left to tell of those."""
    done = {e.number for what in ("got", "error") for e in history.of(what)}
    ends = [e.at for e in history.of("broken")]
    return [e.number for e in history.of("sent") if e.number not in done and
            not any(0 <= end - e.at <= grace for end in ends)]


def judge(history, errors=False, grace=0.0, back=None):
    """What is wrong with it: a list of Defect. errors: a message may come back as an error. back: the
    other direction, whose sender is the receiver here: what he was handed when his daemon was killed
    may be handed to him again."""
    return [*arrivals(history, back.of("broken") if back else []), *failures(history, errors),
            *(Defect("lost", n, "neither arrived nor came back") for n in
              unfinished(history, grace))]


def arrivals(history, ends):
    sent, seen, last = {e.number for e in history.of("sent")}, {}, None
    for event in history.of("got"):
        if event.number not in sent:
            yield Defect("alien", event.number, "was never sent")
        elif event.number in seen:
            if not any(0 <= end.at - seen[event.number] <= HANDED for end in ends):
                yield Defect("twice", event.number, "arrived again, by %s" % event.text)
            continue
        elif last is not None and event.number < last:
            yield Defect("order", event.number, "arrived after %d" % last)
        seen[event.number] = event.at
        last = max(event.number, -1 if last is None else last)
    for event in history.of("alien"):
        yield Defect("alien", event.number, event.text)


def failures(history, errors):
    sent = {e.number for e in history.of("sent")}
    got, told = {e.number for e in history.of("got")}, set()
    for event in history.of("error"):
        if event.number not in sent:
            yield Defect("alien", event.number, "an error for what was never sent: " + event.text)
        elif event.number in told:
            yield Defect("errors", event.number, "a second error: " + event.text)
        elif event.number in got and not MAYBE.search(event.text):
            yield Defect("false", event.number, "arrived, though an error says: " + event.text)
        elif not errors:
            yield Defect("error", event.number, event.text)
        told.add(event.number)


# --- the program -------------------------------------------------------------------------------


class Reader:
    """Bytes of a stream in, stanzas out. expat gets whole tags only: it may hold back what ends one
    that it has seen the beginning of."""

    def __init__(self, on_stanza):
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.depth, self.builder, self.on_stanza, self.rest = 0, None, on_stanza, b""

    def feed(self, data):
        self.rest += data
        whole, end, self.rest = self.rest.rpartition(b">")
        self.parser.Parse(whole + end, False)

    def start(self, name, attributes):
        self.depth += 1
        if self.depth == 2:
            self.builder = ElementTree.TreeBuilder()
        if self.depth >= 2:
            self.builder.start("{" + name if "}" in name else name, attributes)

    def text(self, data):
        if self.depth >= 2:
            self.builder.data(data)

    def end(self, name):
        if self.depth >= 2:
            self.builder.end("{" + name if "}" in name else name)
        if self.depth == 2:
            self.on_stanza(self.builder.close())
        self.depth -= 1


def error_text(stanza):
    """Condition and text of an error stanza."""
    error = stanza.find("{%s}error" % CLIENT)
    if error is None:
        return "no reason"
    texts = [e.text or "" for e in error if e.tag == "{%s}text" % STANZAS]
    names = [e.tag.split("}")[1] for e in error if e.tag != "{%s}text" % STANZAS]
    return ": ".join(names[:1] + texts[:1])


class Program(threading.Thread):
    """One program at one daemon: sends numbers to an address, notes what it gets from there."""

    def __init__(self, daemon, to, out, back):
        super().__init__(daemon=True)
        self.host, self.path, self.to = daemon.host, daemon.socket, to
        self.out, self.back = out, back         # History of each direction
        self.tag = os.urandom(4).hex()          # ids differ between runs
        self.number, self.rate, self.limit, self.due = 0, 0.0, None, 0.0
        self.sock, self.reader, self.waiting, self.stopping = None, None, b"", False
        self.failure, self.listening = None, False
        self.wake, self.woken = os.pipe()
        # A path below /proc/PID/root may be too long for a socket address: through a short link.
        self.short = tempfile.TemporaryDirectory()      # pylint: disable=consider-using-with
        os.symlink(self.host.path(os.path.dirname(self.path)), self.short.name + "/r")

    # What the test calls.

    def send(self, rate, limit=None):
        """So many a second from now on, until `limit` have been sent in all."""
        self.due, self.rate, self.limit = time.monotonic(), rate, limit
        os.write(self.woken, b"!")

    def wait_listening(self, timeout=10):
        wait_until(lambda: self.listening, timeout, "a program that listens")

    def pause(self):
        self.rate = 0.0

    def is_done(self):
        return self.limit is not None and self.number >= self.limit

    def stop(self):
        if self.stopping:
            return
        self.stopping = True
        os.write(self.woken, b"!")
        self.join(10)
        for fd in (self.wake, self.woken):
            os.close(fd)
        self.short.cleanup()

    # Its own thread.

    def run(self):
        try:
            while not self.stopping:
                if self.sock is None:
                    self.connect()
                if self.sock is None:
                    time.sleep(0.02)
                else:
                    self.turn()
        except Exception as e:      # pylint: disable=broad-except
            self.failure = e        # told by whoever judges
        if self.sock is not None:
            self.sock.close()

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect("%s/r/%s" % (self.short.name, os.path.basename(self.path)))
        except OSError:
            sock.close()
            return
        sock.setblocking(False)
        self.sock, self.reader = sock, Reader(self.on_stanza)
        self.waiting = (HEADER + HELLO).encode()
        self.due = time.monotonic()

    def turn(self):
        """Sends what is due, and waits for the next thing to do."""
        now, rate = time.monotonic(), self.rate
        while rate and now >= self.due and not self.is_done() and len(self.waiting) < BUFFER:
            self.send_one()
            self.due += 1 / rate
        if now - self.due > 1:      # it had to wait for the daemon: no flood afterwards
            self.due = now
        self.write()
        if self.sock is None:
            return
        with selectors.DefaultSelector() as waiter:
            waiter.register(self.wake, selectors.EVENT_READ)
            waiter.register(self.sock, selectors.EVENT_READ |
                            (selectors.EVENT_WRITE if self.waiting else 0))
            idle = not rate or self.is_done() or len(self.waiting) >= BUFFER
            keys = {k.fileobj for k, _ in waiter.select(
                None if idle else max(0.0, self.due - time.monotonic()))}
        if self.wake in keys:
            os.read(self.wake, 16)
        if self.sock in keys:
            self.read()

    def send_one(self):
        self.number += 1
        self.waiting += ("<message type='chat' to=%s id='%s-%d'><body>%d</body></message>" % (
            quoteattr(self.to), self.tag, self.number, self.number)).encode()
        self.out.note("sent", self.number)

    def write(self):
        try:
            while self.waiting:
                self.waiting = self.waiting[self.sock.send(self.waiting):]
        except BlockingIOError:
            pass
        except OSError:
            self.broken()

    def read(self):
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.broken()
            return
        self.reader.feed(data)

    def broken(self):
        """What it had written to us before is still to be read."""
        sock, self.sock, self.listening = self.sock, None, False
        try:
            while data := sock.recv(65536):
                self.reader.feed(data)
        except OSError:
            pass
        sock.close()
        self.out.note("broken")

    def on_stanza(self, stanza):
        if stanza.get("id") == "hello":
            self.listening = True
        if stanza.tag != "{%s}message" % CLIENT:
            return
        ident, sender = stanza.get("id", ""), stanza.get("from", "")
        body = stanza.findtext("{%s}body" % CLIENT)
        if stanza.get("type") == "error":
            tag, _, number = ident.partition("-")
            if tag == self.tag:
                self.out.note("error", int(number), error_text(stanza))
        elif body is not None:
            via = stanza.find("{%s}via" % CONTROL)
            if sender == self.to and body.isdigit():
                self.back.note("got", int(body), "?" if via is None else via.get("link"))
            else:
                self.back.note("alien", None, "from %s: %s" % (sender, body))
