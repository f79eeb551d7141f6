# SPDX-License-Identifier: ISC
"""crowd.py: many users of a server (SASL ANONYMOUS, RFC 4505), each on a connection of its own.

What it costs to wait for them is kept out of what is measured: the kernel says now and then on which
connections something has come, and what that was is read when the last one has it.
"""

import re
import resource
import select
import socket
import time

BATCH = 250             # log-ins under way
LOOK = 0.0005           # between two looks: waking up for each would take a core from the server
HEAD = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream="
        "'http://etherx.jabber.org/streams' version='1.0' to='%s'>")
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>"
BIND = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"


class User:
    """One of them."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 10)
        self.data, self.jid = b"", None

    def write(self, text):
        self.sock.sendall(text.encode())

    def read_until(self, pattern):
        while not (hit := re.search(pattern, self.data)):
            got = self.sock.recv(1 << 16)
            assert got, "the server ended the stream: %r" % self.data
            self.data += got
        found, self.data = self.data[:hit.end()], self.data[hit.end():]
        return found

    def answer(self, ident):
        """The head of what answers that request."""
        head = self.read_until(rb"<iq [^>]*id=['\"]%s['\"][^>]*>" % ident.encode())
        return head[head.rindex(b"<iq "):]

    def read_all(self):
        """What has come."""
        self.sock.setblocking(False)
        try:
            while got := self.sock.recv(1 << 16):
                self.data += got
        except BlockingIOError:
            pass
        self.sock.settimeout(10)
        data, self.data = self.data, b""
        return data


class Crowd:
    """number of them, there and willing to hear."""

    def __init__(self, port, domain, number):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, number + 500)), hard))
        self.domain, self.users = domain, []
        for first in range(0, number, BATCH):
            self.users += self.log_in(port, min(BATCH, number - first))
        self.each("<presence/>", lambda user: user.read_until(rb"<presence[^>]*?/>|</presence>"))
        self.poll = select.epoll(number)
        for user in self.users:
            user.read_all()
            self.poll.register(user.sock, select.EPOLLIN | select.EPOLLET)
        self.poll.poll(0, number)

    def log_in(self, port, number):
        users = [User(port) for i in range(number)]
        self.each(HEAD % self.domain, lambda user: user.read_until(rb"</stream:features>"), users)
        self.each(AUTH, lambda user: user.read_until(rb"<success[^>]*>"), users)
        self.each(HEAD % self.domain + BIND,
                  lambda user: user.read_until(rb"</jid></bind></iq>"), users, keep=True)
        return users

    def each(self, text, read, users=None, keep=False):
        for user in users or self.users:
            user.write(text)
        for user in users or self.users:
            found = read(user)
            if keep:
                user.jid = re.search(rb"<jid>([^<]*)/[^<]*</jid>", found).group(1).decode()

    def ask(self, to, xml):
        """Each asks that; "%s" is his address."""
        for first in range(0, len(self.users), BATCH):
            some = self.users[first:first + BATCH]
            for user in some:
                user.write("<iq type='set' to='%s' id='ask'>%s</iq>" % (to, xml % user.jid))
            for user in some:
                head = user.answer("ask")
                assert b"type='result'" in head, "%s: %s" % (to, head)

    def quiet(self):
        """Nobody has anything to read."""
        for user in self.users:
            user.read_all()
        self.poll.poll(0, len(self.users))

    def wait(self, word, seconds=60):
        """Until each has got something: when that was. What came must be that word, once."""
        heard, end = set(), time.monotonic() + seconds
        while len(heard) < len(self.users) and time.monotonic() < end:
            time.sleep(LOOK)
            heard.update(fd for fd, what in self.poll.poll(0, len(self.users)))
        at = time.monotonic()
        counts = [user.read_all().count(word) for user in self.users]
        self.poll.poll(0, len(self.users))
        assert counts == [1] * len(counts), "%d got it once, %d more often, %d not" % (
            counts.count(1), sum(n > 1 for n in counts), counts.count(0))
        return at

    def close(self):
        self.poll.close()
        for user in self.users:
            user.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()
