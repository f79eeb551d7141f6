#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""stranger.py: a remote control that somebody wrote who had read xep/buttons.md and nothing else of
ours: a socket and text. For tests at a command line:

    stranger.py lan HOST PORT ME BOX            both as user@machine (XEP-0174)
    stranger.py server HOST PORT JID PASSWORD BOX

Each line of input, "press BUTTON [VALUE]", "key NAME [MOTION]", "state" or "subscribe", is answered by
"answer XML"; what the box says by itself is "told XML". No stanza of ours has a line end in it.
"""

import base64
import re
import socket
import sys
import threading
import uuid

BUTTONS = "urn:earshot:buttons:0"
HEAD = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' %s "
        "xmlns:stream='http://etherx.jabber.org/streams'>")
STANZA = r"<(iq|message|presence)\b(?:[^>]*/>|.*?</\1>)"


class Stranger:
    def __init__(self, host, port):
        self.sock, self.text = socket.create_connection((host, int(port))), ""
        self.me = self.box = None

    def send(self, text):
        self.sock.sendall(text.encode())

    def read(self, pattern):
        """What comes up to that, as far as the pattern matches."""
        while not (found := re.search(pattern, self.text, re.DOTALL)):
            data = self.sock.recv(65536)
            if not data:
                sys.exit("closed")
            self.text += data.decode()
        self.text = self.text[found.end():]
        return found.group(0)

    def lan(self, me, box):
        self.me, self.box = me, box
        self.send(HEAD % ("from='%s' to='%s'" % (me, box)))
        self.read("<stream:stream[^>]*>.*</stream:features>")

    def server(self, jid, password, box):
        user, domain = jid.split("@")
        plain = base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode()
        self.send(HEAD % ("to='%s'" % domain))
        self.read("</stream:features>")
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>" % plain)
        self.read("<success[^>]*>")
        self.send(HEAD % ("to='%s'" % domain))
        self.read("</stream:features>")
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        self.me = re.search("<jid>(.*?)</jid>", self.read("<iq.*?</iq>")).group(1)
        self.box = box
        self.send("<presence/>")

    def ask(self, number, verb, *words):
        press = {"press": ["button", "value"], "key": ["name", "motion"]}.get(verb)
        if press:
            kind, payload = "set", "<%s xmlns='%s' id='%s' %s/>" % (
                verb, BUTTONS, uuid.uuid4().hex, " ".join("%s='%s'" % a for a in zip(press, words)))
        elif verb == "state":
            kind, payload = "get", "<state xmlns='%s'/>" % BUTTONS
        else:
            kind, payload = "set", ("<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe "
                                    "node='%s' jid='%s'/></pubsub>" % (BUTTONS, self.me))
        self.send("<iq type='%s' id='q%d' from='%s' to='%s'>%s</iq>" % (
            kind, number, self.me, self.box, payload))

    def listen(self):
        while True:
            stanza = self.read(STANZA)
            if re.match(r"<iq\b[^>]* type=['\"](get|set)", stanza):
                self.refuse(re.search(r" id=['\"](.*?)['\"]", stanza).group(1))
            else:
                print("answer" if stanza.startswith("<iq") else "told", stanza, flush=True)

    def refuse(self, ident):
        """Every request has an answer (RFC 6120 §8.2.3): the box measures its paths by pings."""
        self.send("<iq type='error' id='%s' from='%s' to='%s'><error type='cancel'><service-unavailable "
                  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" % (
                      ident, self.me, self.box))


def main():
    how, host, port, *words = sys.argv[1:]
    stranger = Stranger(host, port)
    getattr(stranger, how)(*words)
    threading.Thread(target=stranger.listen, daemon=True).start()
    print("ready", flush=True)
    for number, line in enumerate(sys.stdin):
        stranger.ask(number, *line.split())


main()
