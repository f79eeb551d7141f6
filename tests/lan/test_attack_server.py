# SPDX-License-Identifier: ISC
"""An attacker on the LAN against two that know each other as JIDs at a real server: he claims the JID of
one of them, has an address of his own at the same server, and answers what only a server may answer."""

import hashlib
import re
import select
import socket

import pytest

from box import TwoHomes
from evil import PRESS, Evil, Key, network_of
from ns import wait_until
from servers import Ejabberd
from strangers import DOMAIN, Strangers, own_key, wait_level

EVIL = "evil." + DOMAIN
NODE = "urn:earshot:keys:0"
INFO = ("<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='bot'/>"
        "<feature var='http://jabber.org/protocol/disco#info'/><feature var='%s'/></query>" % NODE)


class Component:
    """The attacker's own component at the server: it publishes any key for its own address."""

    def __init__(self, host, address, port, domain, key):
        self.domain, self.key = domain, key
        with network_of(host):
            self.sock = socket.create_connection((address, port), 10)
        self.text = ""
        self.send("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
                  "xmlns:stream='http://etherx.jabber.org/streams' to='%s'>" % domain)
        ident = self.expect("<stream:stream[^>]* id=['\"](.*?)['\"]").group(1)
        self.send("<handshake>%s</handshake>" % hashlib.sha1((ident + "secret").encode()).hexdigest())
        self.expect("<handshake")

    def send(self, text):
        self.sock.sendall(text.encode())

    def read(self, seconds):
        if select.select([self.sock], [], [], seconds)[0]:
            self.text += self.sock.recv(65536).decode(errors="replace")

    def expect(self, pattern):
        wait_until(lambda: self.read(0.1) or re.search(pattern, self.text), 15, pattern, step=0)
        return re.search(pattern, self.text)

    def answer(self, seconds=0.2):
        """Each request for keys gets the attacker's own, and each for what he can says: keys."""
        self.read(seconds)
        for head, what in re.findall("(<iq [^>]*>)<(pubsub|query)", self.text):
            name, to, sender = (re.search("%s=['\"](.*?)['\"]" % key, head).group(1)
                                for key in (" id", " to", "from"))
            payload = key_list(self.key.fingerprint) if what == "pubsub" else INFO
            self.send("<iq type='result' id='%s' from='%s' to='%s'>%s</iq>" % (
                name, to, sender, payload))
        self.text = ""


def key_list(fingerprint):
    return ("<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='%s'><item id='%s'>"
            "<device xmlns='%s' name='evil'><key hash='sha-256'>%s</key></device></item></items>"
            "</pubsub>" % (NODE, fingerprint, NODE, fingerprint))


def event(fingerprint):
    return ("<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='%s'><item id='%s'>"
            "<device xmlns='%s'><key hash='sha-256'>%s</key></device></item></items></event>" % (
                NODE, fingerprint, NODE, fingerprint))


class Servers(Ejabberd):
    """With the attacker's own component beside the others."""

    def __init__(self, **more):
        more["components"] = {**more["components"], EVIL: "secret"}
        super().__init__(**more)


class Scene(Strangers):
    """The two who have met, and mallory on their LAN."""

    def __init__(self, net, kind):
        super().__init__(net, kind, server=Servers)
        self.mallory = net["mallory"]

    def address(self):
        return self.net["box"].address

    def meet(self):
        super().meet()
        self.press_by_lan("play", False)

    def assert_all_is_well(self):
        assert self.mpv.get("pause") is False, "a button moved"
        pins = [row for row in self.box.cli("trust", "--json").rows if not row["own"]]
        victim = own_key(self.remote)
        for pin in pins:
            if pin["key"] != victim:
                assert self.remote_jid not in " ".join(pin["jids"]) and not pin["trusted"], pins
        assert any(pin["key"] == victim and not pin["revoked"] for pin in pins), pins
        self.press_by_lan("pause", True)
        self.press_by_lan("play", False)


@pytest.fixture(params=sorted(Strangers.JIDS))
def scene(request):
    with TwoHomes(a=["remote", "box", "mallory"], delay=20) as net:
        made = None
        try:
            made = Scene(net, request.param)
            made.meet()
            with Evil(made.mallory, "eve@mallory") as eve:
                yield made, eve
            made.stop()
        finally:
            if made is not None:
                made.server.close()


def test_jid_of_the_victim(scene):
    """In TXT, in the certificate, in both, also of another resource: its server publishes other keys."""
    home, eve = scene
    eve.announce(jid=home.remote_jid)
    home.box.wait_peer("eve@mallory.local")
    claims = [home.remote_jid]
    if home.kind == "account":
        claims.append(home.remote_jid + "/mallory")
    for claim in claims:
        wire = eve.dial(home.address())
        wire.secure("eve@mallory", "tv@box", Key(home.mallory, claim))
        assert not wire.log_in("eve@mallory", "tv@box"), claim
        assert "not-authorized" in wire.text or wire.over
        home.box.proc.wait_for("eve@mallory.local.*(REFUSED: )?it claims an address whose server does "
                               "not publish its key", 10)
    # Said in TXT only, the key is a stranger's.
    wire = eve.login(home.address(), "tv@box", Key(home.mallory))
    assert "not-authorized" in wire.ask("set", PRESS)
    # What the box sends to that JID goes to the one whose it is.
    row = home.box.cli("--json", "ping", "-c", "1", home.remote_jid).rows[0]
    assert row.get("link", "lan") == "lan" and "<iq" not in wire.text, (row, wire.text)
    paths = home.box.paths(home.remote_jid)
    assert "eve@mallory" not in str(paths), paths
    home.assert_all_is_well()


def test_answers_of_a_server_from_the_lan(scene):
    """A list of keys, and the news that one has changed, on his own stream: in his name they mean
    nothing, and in that of another they end it."""
    home, eve = scene
    key = Key(home.mallory)
    eve.announce(jid=home.remote_jid)
    home.box.wait_peer("eve@mallory.local")
    forged = ["<iq type='result' id='%s'%s>%s</iq>" % (name, "%s", key_list(key.fingerprint))
              for name in ("1", "keys-1", "a")]
    forged.append("<message type='headline'%s>%s</message>")
    forged[-1] = forged[-1] % ("%s", event(key.fingerprint))
    asked = home.box.proc.output().count("asking its server for its keys")
    for stanza in forged:
        wire = eve.login(home.address(), "tv@box", key)
        wire.send(stanza % "")
        assert "result" in wire.ask("get", "<ping xmlns='urn:xmpp:ping'/>"), wire.text
        wire.send(stanza % (" from='%s'" % home.remote_jid))
        assert "invalid-from" in wire.rest(), wire.text
    assert home.box.proc.output().count("asking its server for its keys") == asked
    wire = eve.login(home.address(), "tv@box", key)
    assert "not-authorized" in wire.ask("set", PRESS)
    home.assert_all_is_well()


def test_list_of_somebody_else(scene):
    """He asks the box for the keys of others: it answers for nobody but itself."""
    home, eve = scene
    eve.announce()
    home.box.wait_peer("eve@mallory.local")
    request = ("<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='%s'/></pubsub>" % NODE)
    victim = own_key(home.remote)
    wire = eve.login(home.address(), "tv@box", Key(home.mallory))
    answer = wire.ask("get", request)
    assert victim not in answer, answer
    wire.ask("get", request, more=" to='%s'" % home.remote_jid, timeout=5)
    assert "improper-addressing" in wire.rest() and victim not in wire.text, wire.text
    home.assert_all_is_well()


def test_proved_attacker(scene):
    """With an address of his own, which the server vouches for: that one is his, and no other."""
    home, eve = scene
    key = Key(home.mallory, EVIL)
    component = Component(home.mallory, "203.0.113.10", home.server.component_port, EVIL, key)
    eve.sockets.append(component.sock)
    eve.announce()
    home.box.wait_peer("eve@mallory.local")
    eve.thread(serve_keys, component)
    wire = eve.login(home.address(), "tv@box", key)
    wait_level(home.box, "eve@mallory.local", "proved")
    assert "not-authorized" in wire.ask("set", PRESS)
    # The server itself refuses his word in the victim's name, and the box does so on the LAN.
    component.send("<message from='%s' to='%s' type='headline'>%s</message>" % (
        home.remote_jid, home.box_jid, event(key.fingerprint)))
    wire.ask("set", PRESS, more=" from='%s'" % home.remote_jid, timeout=5)
    assert "invalid-from" in wire.rest(), wire.text
    # And a certificate that claims both is refused whole.
    wire = eve.dial(home.address())
    wire.secure("eve@mallory", "tv@box", Key(home.mallory, EVIL, home.remote_jid))
    assert not wire.log_in("eve@mallory", "tv@box")
    home.assert_all_is_well()


def serve_keys(component):
    try:
        while True:
            component.answer()
    except (OSError, ValueError):
        pass
