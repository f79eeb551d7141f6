# SPDX-License-Identifier: ISC
"""attack.py: a host on the LAN that means harm, as raw sockets. `attack.py WHAT ADDRESS PORT NAME` does
one thing to the daemon there, claiming to be NAME, and prints what came back as one line of repr()."""

import resource
import socket
import sys
import time

HEAD = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='%s' to='tv@box' version='1.0'>")


def connect(host, port, timeout=20):
    sock = socket.create_connection((host, port), timeout)
    sock.settimeout(timeout)
    return sock


def talk(host, port, *chunks, timeout=20):
    """Sends, and returns everything that comes until the daemon closes or says nothing for long."""
    sock, got = connect(host, port, timeout), b""
    try:
        for chunk in chunks:
            sock.sendall(chunk if isinstance(chunk, bytes) else chunk.encode())
    except OSError:
        pass        # it has closed already, which is one of the right answers
    try:
        while data := sock.recv(65536):
            got += data
            if len(got) > 1 << 20 or b"</stream:stream>" in got:
                break
    except OSError as error:
        got += b" [%s]" % type(error).__name__.encode()
    sock.close()
    return got.decode(errors="replace")


def big(name, count):
    for _ in range(count):
        yield b"x" * 65536


ATTACKS = {
    "malformed": lambda me: [HEAD % me, "<message><body></message>"],
    "doctype": lambda me: ["<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + HEAD % me],
    "entity": lambda me: [HEAD % me, "<message><body>&a;</body></message>"],
    "comment": lambda me: [HEAD % me, "<message><!-- x --><body/></message>"],
    "pi": lambda me: [HEAD % me, "<?evil x?>"],
    "nul": lambda me: [HEAD % me, b"<message><body>\0</body></message>"],
    "utf8": lambda me: [HEAD % me, b"<message><body>\xff\xfe</body></message>"],
    "deep": lambda me: [HEAD % me, "<message>" + "<a>" * 10000],
    "attributes": lambda me: [HEAD % me, "<message " + " ".join(
        "a%d='1'" % i for i in range(100000)) + "/>"],
    "children": lambda me: [HEAD % me, "<message>" + "<a/>" * 100000 + "</message>"],
    "huge": lambda me: [HEAD % me, "<message><body>", *big(me, 160)],
    "huge-tag": lambda me: [HEAD % me, "<message a='", *big(me, 160)],
    "huge-header": lambda me: ["<stream:stream a='", *big(me, 160)],
    "http": lambda me: ["GET / HTTP/1.1\r\nHost: box\r\n\r\n"],
    "no-stream": lambda me: ["<message xmlns='jabber:client'/>"],
    "wrong-ns": lambda me: [(HEAD % me).replace("etherx", "elsewhere")],
    "forged-from": lambda me: [HEAD % me, "<message from='sofa@remote' to='tv@box'><body>x</body>"
                               "</message>"],
    "forged-domain": lambda me: [HEAD % me, "<iq type='set' id='1' from='romeo@example.org'>"
                                 "<press xmlns='urn:earshot:buttons:0' button='pause'/></iq>"],
    "other-peer": lambda me: [HEAD % "sofa@remote"],
    "ourselves": lambda me: [HEAD % "tv@box"],
    "not-a-stanza": lambda me: [HEAD % me, "<presents xmlns='jabber:client'/>"],
    "somebody-else": lambda me: [HEAD % me, "<message to='nobody@nowhere'><body>x</body></message>"],
    "unasked": lambda me: [HEAD % me, "<iq type='result' id='1'/><iq type='error' id='2'/>"
                           "<iq type='get' id='3'><ping xmlns='urn:xmpp:ping'/></iq>",
                           "</stream:stream>"],
    "press": lambda me: [HEAD % me, "<iq type='set' id='p'><press xmlns='urn:earshot:buttons:0' "
                         "button='pause'/></iq></stream:stream>"],
    "control": lambda me: [HEAD % me, "<iq type='get' id='c'><peers xmlns='urn:earshot:control:0'/>"
                           "</iq></stream:stream>"],
}


def silent(host, port, count):
    """Connections that say nothing; held until standard input closes."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
    held = []
    for _ in range(count):
        try:
            held.append(connect(host, port))
        except OSError:
            time.sleep(0.01)    # its backlog is full: go on as soon as it takes more
    print("held", len(held), flush=True)
    sys.stdin.read()


def trickle(host, port, name):
    """One byte a second; ends when the daemon has had enough."""
    sock = connect(host, port)
    sock.settimeout(1)
    start, got = time.monotonic(), b""
    for char in HEAD % name * 10:
        try:
            sock.sendall(char.encode())
            data = sock.recv(4096)
            got += data
            if not data:
                break
        except TimeoutError:
            continue
        except OSError:
            break
    print(repr("%d s %s" % (time.monotonic() - start, got.decode(errors="replace"))))


def main():
    what, host, port, name = sys.argv[1:]
    if what == "silent":
        silent(host, int(port), int(name))
    elif what == "trickle":
        trickle(host, int(port), name)
    else:
        print(repr(talk(host, int(port), *ATTACKS[what](name))))


if __name__ == "__main__":
    main()
