# SPDX-License-Identifier: ISC
"""Attacks on pairing: somebody who relays two TLS sessions, somebody who also computes, and floods."""

import base64
import hashlib
import os
import re
import secrets
import select
import struct

import pytest

from box import Lan
from den import PHONE, TV, Den
from evil import PRESS, Evil, Key, Middle, header
from ns import wait_until

NS = "urn:earshot:pairing:0"
B64 = r"[A-Za-z0-9+/]{43}="
SEARCH = 20_000_000     # nonces that are tried at most; one in a million does


class Session:
    """The hashes of xep/trust.md §7.1 for one TLS session."""

    def __init__(self, wire, initiator, responder):
        self.prefix = (wire.exporter("EXPORTER-earshot-pairing-0") + bytes.fromhex(initiator) +
                       bytes.fromhex(responder))

    def hash(self, step, *parts):
        return hashlib.sha256(b"earshot-pairing-0 " + step + b"\0" + self.prefix +
                              b"".join(parts)).digest()

    def digits(self, mine, theirs):
        """Of the nonces of initiator and responder."""
        return "%06d" % (int.from_bytes(self.hash(b"code", mine, theirs), "big") % 1000000)

    def search(self, mine, wanted):
        """A responder's nonce that gives those digits; None: none was found in time."""
        base = hashlib.sha256(b"earshot-pairing-0 code\0" + self.prefix + mine)
        salt, wanted = os.urandom(24), int(wanted)
        for i in range(SEARCH):
            nonce = salt + struct.pack("!Q", i)
            one = base.copy()
            one.update(nonce)
            if int.from_bytes(one.digest(), "big") % 1000000 == wanted:
                return nonce
        return None


def b64(octets):
    return base64.b64encode(octets).decode()


class Relay:
    """TLS with both ends by a key of his own; the text passes unchanged, and is kept."""

    def __init__(self, middle, key):
        self.middle, self.key, self.streams = middle, key, []
        middle.listen(self.handle)

    def handle(self, wire, wanted):
        other = self.middle.dial(wanted)
        if not self.until_tls(wire, other):
            other.close()
            return
        wire.start_tls(self.key, server=True)
        other.start_tls(self.key)
        said = [""]
        self.streams.append((wire, other, wanted, said))
        wire.unseal()
        while not wire.over and not other.over:
            for one, to in ((wire, other), (other, wire)):
                text, one.text = one.text, ""
                said[0] += text
                if text:
                    to.send(text)
            ready = select.select([wire.sock, other.sock], [], [], 1)[0]
            for one in (wire, other):
                if one.sock in ready:
                    one.read(0)
        other.close()

    @staticmethod
    def until_tls(wire, other):
        while True:
            for sock in select.select([wire.sock, other.sock], [], [])[0]:
                data = sock.recv(65536)
                if not data:
                    return False
                (wire if sock is other.sock else other).sock.sendall(data)
                if sock is other.sock and b"<proceed" in data:
                    return True


@pytest.fixture
def apart():
    """Two that never met, and mallory between them."""
    with Lan("pronto", "forza", "mallory", ipv6=False) as lan:
        with Middle(lan["mallory"], lan["pronto"], lan["forza"], lan.bridges["a"]) as middle:
            yield lan, middle


def assert_nobody_is_paired(den, key):
    den.assert_pins_are()
    for one in (den.tv, den.phone):
        assert one.proc.poll() is None, one.proc.output()
        known = [pin for pin in den.pins(one) if pin["key"] == key.fingerprint]
        assert all(pin["voucher"] == "nobody" for pin in known), known
    den.assert_still()


def forget_and_pair(den, middle):
    """He is gone. His key is what each knows of the other: that is told, and forgotten by hand."""
    middle.let_go()
    middle.close()
    for one, address in ((den.phone, TV), (den.tv, PHONE)):
        one.stop()
        one.start()
        one.cli("untrust", address)
    den.meet()

    def paired():
        proc = den.phone.follow("pair", TV, name="pair", stdin=-1)
        try:
            proc.wait_for("shows six digits. Type them:", 10)
        except AssertionError:
            return False
        return den.type(proc, den.digits())[0] == 0
    wait_until(paired, 40, "the two are paired")
    den.assert_works()
    den.assert_pins_are(den.own_key(den.tv), den.own_key(den.phone))


def test_relay(apart):
    """The digits are others at either end, and the user's own typing shows it."""
    lan, middle = apart
    key = Key(lan["mallory"])
    relay = Relay(middle, key)
    den = Den(lan, paired=False)
    proc = den.begin()
    shown = den.digits()
    status, out = den.type(proc, shown)
    assert status == 6 and "paired with" not in out and TV in out, out
    wire, other, wanted, said = next(s for s in relay.streams if "<proof" in s[3][0])
    nonces = [base64.b64decode(x) for x in re.findall("<nonce[^>]*>(%s)<" % B64, said[0])]
    assert len(nonces) == 2 and "<salt" not in said[0], said[0]
    box, phone = den.own_key(den.tv), den.own_key(den.phone)
    to_phone, to_box = (wire, other) if wanted == lan["pronto"].address else (other, wire)
    there = Session(to_box, key.fingerprint, box).digits(*nonces)
    here = Session(to_phone, phone, key.fingerprint).digits(*nonces)
    print("the box shows %s, the phone makes %s" % (there, here))
    assert there == shown and here != shown
    den.tv.proc.wait_for("pairing failed", 10)
    assert_nobody_is_paired(den, key)
    forget_and_pair(den, middle)


def test_relay_that_searches(apart):
    """He also sees the box's screen, and computes a nonce that would give the same digits: but the
    phone has his commit already. He would have had to know the digits before."""
    lan, middle = apart
    key = Key(lan["mallory"])
    found = {}

    def play_the_box(wire, wanted):
        wait_until(lambda: "den" in found, 60, "the two")
        if wanted != lan["pronto"].address or not wire.serve("tv@pronto", key):
            return
        den = found["den"]
        session = Session(wire, den.own_key(den.phone), key.fingerprint)
        chosen = os.urandom(32)

        def answer(pattern, payload):
            match = wire.find(r"<iq[^>]*id=['\"]([^'\"]*)['\"][^>]*>\s*<%s" % pattern, 60)
            if match:
                wire.send("<iq type='result' id='%s'>%s</iq>" % (match.group(1), payload))
            return match
        # Asked for what it is: an Earshot answers pairing only, and nothing else.
        assert answer("pair ", "<commit xmlns='%s' name='pronto'>%s</commit>" % (
            NS, b64(session.hash(b"commit", chosen))))
        mine = base64.b64decode(answer("nonce[^>]*>(%s)" % B64, "").group(2))
        found["first"] = session.digits(mine, chosen)
        # Towards the box he begins only now, and sees its digits when his own nonce is gone.
        found["shown"] = towards_box(den)
        match = wire.find(r"<iq[^>]*id=['\"]([^'\"]*)['\"][^>]*>\s*<proof", 60)
        found["other"] = session.search(mine, found["shown"])
        assert found["other"] and session.digits(mine, found["other"]) == found["shown"]
        wire.send("<iq type='result' id='%s'><nonce xmlns='%s'>%s</nonce></iq>" % (
            match.group(1), NS, b64(found["other"])))
        found["salt"] = wire.find("<salt", 5)

    def towards_box(den):
        wire = middle.dial(lan["pronto"].address)
        wire.secure("phone@forza", "tv@pronto", key)
        assert wire.log_in("phone@forza", "tv@pronto")
        session = Session(wire, key.fingerprint, den.own_key(den.tv))
        answer = wire.ask("set", "<pair xmlns='%s' name='phone'/>" % NS)
        commit = re.search("<commit[^>]*>(%s)<" % B64, answer).group(1)
        mine = os.urandom(32)
        assert wire.ask("set", "<nonce xmlns='%s'>%s</nonce>" % (NS, b64(mine)))
        shown = den.digits()
        # What he has of the box is a hash: no nonce of his own choice leads anywhere from it.
        for _ in range(1000):
            assert b64(session.hash(b"commit", os.urandom(32))) != commit
        found["wire"] = wire
        return shown
    middle.listen(play_the_box)
    den = found["den"] = Den(lan, paired=False)
    proc = den.begin()
    wait_until(lambda: "shown" in found or middle.failures, 30, "the digits on the box")
    assert not middle.failures, middle.failures
    status, out = den.type(proc, found["shown"])
    assert status == 6 and "paired with" not in out, out
    wait_until(lambda: "salt" in found or middle.failures, 20, "the end of what he does")
    assert found["first"] != found["shown"] and found["salt"] is None
    # Nor does the box take what he makes up.
    answer = found["wire"].ask("set", "<proof xmlns='%s'>%s</proof>" % (NS, b64(os.urandom(32))))
    if "<nonce" in answer:      # any proof binds; it is the salt that opens it
        answer = found["wire"].ask("set", "<salt xmlns='%s'>%s</salt>" % (NS, b64(os.urandom(32))))
    assert "<paired" not in answer, answer
    assert_nobody_is_paired(den, key)
    forget_and_pair(den, middle)


# --- floods ---

@pytest.fixture
def den():
    with Lan("pronto", "forza", "mallory", ipv6=False) as lan:
        yield Den(lan, paired=False)


@pytest.fixture
def eve(den):
    with Evil(den.mallory, "eve@mallory") as evil:
        yield evil


def on_screen(den):
    """The digits that mpv has shown so far, each once."""
    return set(re.findall(r"wants to pair: (\d{3} \d{3})", den.mpv.proc.output()))


def guests(den, eve, count):
    """As many streams, each by a name and a key of its own."""
    for i in range(count):
        wire = "eve%d@mallory" % i
        eve.announce(wire)
        den.tv.wait_peer(wire + ".local")
        yield eve.login(den.lan["pronto"].address, "tv@pronto", Key(den.mallory), me=wire)


def nonce():
    return "<nonce xmlns='%s'>%s</nonce>" % (NS, b64(secrets.token_bytes(32)))


def test_flood_of_requests(den, eve):
    """A hundred, from five addresses with five keys, while somebody looks at the box, which lifts the
    limit each time: there is one entry at a time, and few in all."""
    answers = []
    for wire in guests(den, eve, 5):
        for _ in range(20):
            answers.append(wire.ask("set", "<pair xmlns='%s' name='phone'/>" % NS))
            if "<commit" in answers[-1]:
                wire.ask("set", nonce())
                assert len(den.tv.cli("pair", "--json", "--timeout", "1", "-q").rows) <= 1
    refused = [one for one in answers if "resource-constraint" in one]
    assert len(answers) == 100 and len(answers) - len(refused) <= 20, answers[:9]
    den.assert_still()
    den.assert_pins_are()


def test_flood_without_anybody_at_the_box(den, eve):
    (wire,) = guests(den, eve, 1)
    answers = []
    for _ in range(100):
        answers.append(wire.ask("set", "<pair xmlns='%s' name='phone'/>" % NS))
        if "<commit" in answers[-1]:
            wire.ask("set", nonce())
    taken = [one for one in answers if "<commit" in one]
    refused = [one for one in answers if "resource-constraint" in one]
    assert len(taken) == 3 and len(refused) == 97, answers
    assert "too many attempts failed: wait" in refused[-1], refused[-1]
    log = den.tv.proc.output()
    assert len(re.findall("wants to be paired with", log)) == 3
    assert len(re.findall("attempts failed: others are refused", log)) == 1
    assert len(on_screen(den)) <= 3
    # Another name and another key change nothing: the phone is refused as well, and is told why.
    answer = den.phone.cli("pair", TV)
    assert answer.code == 1 and "too many attempts" in answer.err, answer
    den.assert_still()
    # Somebody at the box wants it: he is let in at once.
    assert den.digits() is None
    wire.close()
    assert den.pair()[0] == 0
    den.assert_works()
    den.assert_pins_are(den.own_key(den.tv), den.own_key(den.phone))


def test_flood_of_steps(den, eve):
    """Steps out of turn, from somebody else, twice, and nonsense, while the phone is being paired."""
    (wire,) = guests(den, eve, 1)
    proc = den.begin()
    shown = den.digits()
    steps = [nonce(), "<proof xmlns='%s'>%s</proof>" % (NS, b64(bytes(32))),
             "<salt xmlns='%s'>%s</salt>" % (NS, b64(bytes(32))), "<cancel xmlns='%s'/>" % NS,
             "<pair xmlns='%s' name='phone'/>" % NS, "<nonce xmlns='%s'>x</nonce>" % NS]
    for _ in range(50):
        for step in steps:
            answer = wire.ask("set", step)
            assert "<commit" not in answer and "<paired" not in answer, answer
    assert den.digits() == shown and len(on_screen(den)) <= 1
    assert den.type(proc, shown)[0] == 0
    assert "not-authorized" in wire.ask("set", PRESS)
    den.assert_works()
    den.assert_pins_are(den.own_key(den.tv), den.own_key(den.phone))


def test_pairing_in_plain(den, eve):
    """Without TLS nothing begins."""
    eve.announce()
    den.tv.wait_peer("eve@mallory.local")
    wire = eve.dial(den.lan["pronto"].address)
    wire.send(header("eve@mallory", "tv@pronto"))
    assert "starttls" in wire.expect("<stream:features.*?</stream:features>").group()
    answer = wire.ask("set", "<pair xmlns='%s' name='phone'/>" % NS)
    assert "not-authorized" in answer and "policy.pair" in answer, answer
    assert den.digits() is None and not on_screen(den)
    den.assert_still()
