# SPDX-License-Identifier: ISC
"""evil.py: a host of the box that means harm and speaks TLS: as a peer of XEP-0174 with whatever key,
name and announcement it likes, and as the one in the middle between two others.

    eve = Evil(lan["mallory"], "eve@mallory")
    eve.announce(jid="tv@example.org", hint=copied)
    wire = eve.login(lan["pronto"].address, "tv@pronto", Key(lan["mallory"], "tv@example.org"))
    wire.ask("set", "<press xmlns='urn:earshot:buttons:0' button='pause'/>")

All runs in the test itself: a socket stays in the network that it was made in.
"""

import contextlib
import ctypes
import hashlib
import hmac
import json
import os
import re
import secrets
import select
import socket
import ssl
import struct
import subprocess
import threading
import time

from ns import PATIENCE

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 5298
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
OFFER = "<stream:features>%s</stream:features>" % STARTTLS
EXTERNAL = ("<stream:features><mechanisms xmlns='%s'><mechanism>EXTERNAL</mechanism></mechanisms>"
            "</stream:features>" % SASL)
PRESS = "<press xmlns='urn:earshot:buttons:0' button='pause'/>"
CLONE_NEWNET = 0x40000000
SO_ORIGINAL_DST = 80


@contextlib.contextmanager
def network_of(host):
    """What this thread opens inside the block, it opens in that host's network."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open("/proc/%d/ns/net" % host.ns.pid, os.O_RDONLY)
    try:
        assert libc.setns(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        yield
    finally:
        assert libc.setns(home, CLONE_NEWNET) == 0
        os.close(home)
        os.close(there)


def header(me, to):
    return ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams' from='%s' to='%s' version='1.0'>"
            % (me, to))


class Key:
    """A key and a certificate, which claims whatever addresses it is told to."""

    def __init__(self, host, *claims):
        base = os.path.join(host.dir, "key-" + secrets.token_hex(4))
        self.key, self.crt = base + ".key", base + ".crt"
        names = ["otherName:1.3.6.1.5.5.7.8.5;UTF8:" + claim for claim in claims]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=evil",
                        "-keyout", self.key, "-out", self.crt] +
                       (["-addext", "subjectAltName=" + ",".join(names)] if names else []),
                       check=True, capture_output=True)
        pem = subprocess.run(["openssl", "x509", "-in", self.crt, "-noout", "-pubkey"], check=True,
                             capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem,
                             check=True, capture_output=True).stdout
        self.fingerprint = hashlib.sha256(der).hexdigest()


def hkdf(secret, label, context, length, name):
    """HKDF-Expand-Label of RFC 8446 §7.1, as long as one block is enough."""
    label = b"tls13 " + label
    info = (struct.pack("!HB", length, len(label)) + label + bytes([len(context)]) + context)
    return hmac.new(secret, info + b"\1", name).digest()[:length]


class Wire:
    """One connection: plain, then inside TLS. `sent` and `got` are the octets of the connection."""

    def __init__(self, sock, timeout=15):
        self.sock, self.tls, self.text, self.timeout = sock, None, "", timeout
        self.sent, self.got, self.over, self.keylog = b"", b"", False, None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def close(self):
        self.over = True
        self.sock.close()

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.raw(data)

    def raw(self, data):
        self.sent += data
        self.sock.sendall(data)

    def send(self, text):
        if self.tls is None:
            self.raw(text.encode())
        else:
            self.tls.write(text.encode())
            self.flush()

    def read(self, timeout):
        """More of what the other end says; False: nothing within that time, or its end."""
        if self.over or not select.select([self.sock], [], [], max(0, timeout))[0]:
            return False
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        self.over = not data
        self.got += data
        if self.tls is None:
            self.text += data.decode(errors="replace")
        else:
            self.incoming.write(data)
            self.unseal()
        return not self.over

    def unseal(self):
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while data := self.tls.read(65536):
                self.text += data.decode(errors="replace")
        self.flush()

    def find(self, pattern, timeout=None):
        """The match of what comes next, which is taken out with all before it; or None."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not (match := re.search(pattern, self.text, re.DOTALL)):
            if not self.read(end - time.monotonic()) and (
                    self.over or time.monotonic() >= end):
                return None
        self.text = self.text[match.end():]
        return match

    def expect(self, pattern, timeout=None):
        match = self.find(pattern, (timeout or self.timeout) * PATIENCE)
        assert match, "no /%s/ in %r" % (pattern, self.text)
        return match

    def rest(self, timeout=10):
        """All that comes up to its end."""
        end = time.monotonic() + timeout * PATIENCE
        while not self.over and time.monotonic() < end:
            self.read(end - time.monotonic())
        return self.text

    def start_tls(self, key, server=False):
        """The handshake. What is in `text` already is the other end's first part of it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(key.crt, key.key)
        self.keylog = "%s.%s.log" % (key.crt, secrets.token_hex(4))
        context.keylog_filename = self.keylog
        assert not self.text, self.text
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server)
        end = time.monotonic() + self.timeout * PATIENCE
        while True:
            try:
                self.tls.do_handshake()
                self.flush()
                return
            except ssl.SSLWantReadError:
                self.flush()
            if not select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError("TLS handshake: nothing comes")
            data = self.sock.recv(65536)
            assert data, "TLS handshake: closed by the other end"
            self.got += data
            self.incoming.write(data)

    def exporter(self, label, length=32):
        """RFC 8446 §7.5, with an empty context."""
        name = "sha384" if self.tls.cipher()[0].endswith("SHA384") else "sha256"
        with open(self.keylog, encoding="ascii") as f:
            secret = next(line.split()[2] for line in f if line.startswith("EXPORTER_SECRET"))
        size, nothing = hashlib.new(name).digest_size, hashlib.new(name).digest()
        derived = hkdf(bytes.fromhex(secret), label.encode(), nothing, size, name)
        return hkdf(derived, b"exporter", nothing, length, name)

    # --- what is the same for every stream ---

    def secure(self, me, to, key):
        """As the dialler, up to inside TLS."""
        self.send(header(me, to) + STARTTLS)
        self.expect("<proceed[^>]*>")
        self.start_tls(key)

    def log_in(self, me, to):
        """SASL EXTERNAL inside TLS, as the dialler; False: refused."""
        self.send(header(me, to) + "<auth xmlns='%s' mechanism='EXTERNAL'>=</auth>" % SASL +
                  header(me, to))
        answer = self.expect("<success[^>]*>|<failure.*?</failure>|</stream:stream>")
        if not answer.group().startswith("<success"):
            return False
        self.expect("<stream:features.*?</stream:features>")
        return True

    def ask(self, kind, payload, more="", timeout=None):
        """One request; what answers it, as text. Empty: the stream has ended instead."""
        name = "evil-" + secrets.token_hex(4)
        self.send("<iq type='%s' id='%s'%s>%s</iq>" % (kind, name, more, payload))
        answer = self.find("<iq[^>]*id=['\"]%s['\"][^>]*?(/>|>.*?</iq>)" % name, timeout)
        return answer.group() if answer else ""

    def serve(self, me, key):
        """As the listener, up to stanzas. False: the other end has left before."""
        first = self.find("<stream:stream.*?>")
        if not first:
            return False
        to = re.search("from=['\"](.*?)['\"]", first.group()).group(1)
        self.send(header(me, to) + OFFER)
        if not self.find("<starttls[^>]*>"):
            return False
        self.text = ""
        self.send(PROCEED)
        self.start_tls(key, server=True)
        self.unseal()
        if not self.find("<stream:stream.*?>"):
            return False
        self.send(header(me, to) + EXTERNAL)
        if not self.find("<auth.*?</auth>"):
            return False
        self.send("<success xmlns='%s'/>" % SASL)
        if not self.find("<stream:stream.*?>"):
            return False
        self.send(header(me, to) + "<stream:features/>")
        return True


class Evil:
    """The host. Close it: its sockets are this process's own."""

    def __init__(self, host, wire):
        self.host, self.wire, self.speaker = host, wire, None
        self.sockets, self.threads, self.failures = [], [], []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
        if exc[0] is None:
            assert not self.failures, self.failures

    def close(self):
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self.threads:
            thread.join(20)

    def announce(self, wire=None, port=PORT, **txt):
        """Multicasts records, without asking who has the name already."""
        self.multicast(wire or self.wire, port, txt, 120)

    def withdraw(self, wire=None):
        """Says goodbye for all of them."""
        for bye in (False, True):
            self.multicast(wire or self.wire, PORT, {}, 0, bye=bye)

    def multicast(self, wire, port, txt, ttl, **more):
        if self.speaker is None:
            self.speaker = self.host.popen(["/usr/bin/python3", HERE + "/zeroconf_peer.py", "--raw",
                                            self.host.plugs[0].name], stdin=subprocess.PIPE)
            self.speaker.wait_for("ready")
        txt = {"txtvers": "1", "status": "avail", **txt}
        strings = [("%s=%s" % pair).encode() for pair in txt.items()]
        self.speaker.send_line(json.dumps({
            "name": wire.encode().hex(), "port": port, "a": self.host.address, "ttl": ttl, **more,
            "host": "evil-" + wire.split("@", maxsplit=1)[0],
            "txt": b"".join(bytes([len(s)]) + s for s in strings).hex()}))

    def dial(self, address, port=PORT):
        with network_of(self.host):
            sock = socket.create_connection((address, port), 15)
        self.sockets.append(sock)
        return Wire(sock)

    def login(self, address, to, key, me=None):
        """A stream up to stanzas, or None: refused."""
        wire = self.dial(address)
        wire.secure(me or self.wire, to, key)
        return wire if wire.log_in(me or self.wire, to) else None

    def listen(self, handle, port=PORT):
        """Each connection gets a thread: handle(wire, address that its dialler wanted)."""
        with network_of(self.host):
            sock = socket.create_server(("", port))
        self.sockets.append(sock)
        self.thread(self.accept, sock, handle)

    def accept(self, sock, handle):
        while True:
            try:
                conn, _ = sock.accept()
            except OSError:
                return
            self.sockets.append(conn)
            self.thread(self.handle, conn, handle)

    def handle(self, conn, handle):
        try:
            handle(Wire(conn), original(conn))
        except (OSError, ssl.SSLError):
            pass        # the other end has left, which is one of the right answers
        except ValueError:
            if conn.fileno() >= 0:      # otherwise closed by close(), beneath a select
                raise
        except Exception as error:      # pylint: disable=broad-except
            self.failures.append(repr(error))
        finally:
            conn.close()

    def thread(self, call, *args):
        one = threading.Thread(target=call, args=args, daemon=True)
        self.threads.append(one)
        one.start()


def original(conn):
    """Whom the dialler wanted to reach, before it was led here."""
    try:
        name = conn.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        return socket.inet_ntoa(name[4:8])
    except OSError:
        return conn.getsockname()[0]


BRIDGE = """table bridge evil {
    chain pre {
        type filter hook prerouting priority -300
        iifname "%(pa)s" ether daddr %(mb)s ip protocol tcp ether daddr set %(me)s
        iifname "%(pb)s" ether daddr %(ma)s ip protocol tcp ether daddr set %(me)s
    }
}
"""

NAT = """table ip evil {
    chain pre {
        type nat hook prerouting priority -100
        iifname "eth0" ip daddr != %(e)s tcp dport 5298 redirect to :5298
    }
    chain post {
        type nat hook postrouting priority 100
        ip saddr %(e)s ip daddr %(b)s tcp dport 5298 snat to %(a)s
        ip saddr %(e)s ip daddr %(a)s tcp dport 5298 snat to %(b)s
    }
}
"""


def mac(host):
    out = host.run(["ip", "-j", "link", "show", "dev", host.plugs[0].name]).stdout
    return json.loads(out)[0]["address"]


class Middle(Evil):
    """Every TCP segment between two hosts goes to this one instead, as ARP spoofing does it; what it
    dials towards one of them comes from the other one's address. Nothing passes by itself."""

    def __init__(self, host, a, b, bridge):
        super().__init__(host, "eve@mallory")
        self.a, self.b = a, b
        names = {"ma": mac(a), "mb": mac(b), "me": mac(host), "a": a.address, "b": b.address,
                 "e": host.address, "pa": a.plugs[0].cable.port, "pb": b.plugs[0].cable.port}
        for space, rules in ((host.ns, NAT), (bridge, BRIDGE)):
            subprocess.run(space.enter(["nft", "-f", "-"]), input=rules % names, text=True,
                           check=True)
        self.bridge = bridge

    def let_go(self):
        """The two talk to each other again."""
        subprocess.run(self.bridge.enter(["nft", "delete", "table", "bridge", "evil"]), check=True)

    def relay(self, edit):
        """Passes on octets: edit(data, way) may change them; way is "dialler" or "listener", who
        has sent them."""
        def handle(wire, wanted):
            other = self.dial(wanted)
            ends = {wire.sock: (other.sock, "dialler"), other.sock: (wire.sock, "listener")}
            while ends:
                for sock in select.select(list(ends), [], [])[0]:
                    data = sock.recv(65536)
                    to, way = ends[sock]
                    if not data:
                        other.sock.close()
                        return
                    to.sendall(edit(data, way))
        self.listen(handle)
