# SPDX-License-Identifier: ISC
"""Somebody between two hosts of a LAN, through whom every octet of theirs goes: takes STARTTLS away,
puts stanzas in, plays back what he has recorded. The two real ones are as they come."""

import os
import re
import select

import pytest

from box import Lan
from den import PHONE, TV, Den, press_fails
from evil import PRESS, Key, Middle, header
from ns import wait_until

STARTTLS = re.compile(rb"<starttls\b[^>]*/>|<starttls\b.*?</starttls>", re.DOTALL)
BUTTON = ("<iq xmlns='jabber:client' type='set' id='in'>%s</iq>" % PRESS).encode()
WORDS = (b"<message xmlns='jabber:client' type='chat'><body>put in by mallory</body></message>")


def make(paired):
    """The den, and mallory in the middle of it; nobody is connected."""
    lan = Lan("pronto", "forza", "mallory", ipv6=False)
    try:
        den = Den(lan, paired)
        den.phone.stop()
        den.tv.stop()
        middle = Middle(den.mallory, lan["pronto"], lan["forza"], lan.bridges["a"])
    except BaseException:
        lan.close()
        raise
    return den, middle


@pytest.fixture(params=["paired", "strangers"])
def either(request):
    den, middle = make(request.param == "paired")
    with den.lan, middle:
        den.paired = request.param == "paired"
        yield den, middle


@pytest.fixture
def known():
    den, middle = make(True)
    with den.lan, middle:
        yield den, middle


def start(den):
    den.tv.start()
    den.phone.start()
    den.meet()


def leave(den, middle):
    """He is gone; what was open through him ends with it."""
    middle.let_go()
    middle.close()
    if not den.paired:
        assert den.pair()[0] == 0
    den.assert_works()
    den.assert_pins_are(den.own_key(den.tv), den.own_key(den.phone))


def test_starttls_is_taken_away(either):
    """Who is known to have a key is not used without, nor is one who announces a key."""
    den, middle = either
    taken = []

    def strip(data, way):
        taken.extend((way, hit) for hit in STARTTLS.findall(data))
        return STARTTLS.sub(b"", data)
    middle.relay(strip)
    start(den)
    press_fails(den, 6, TV)
    assert taken, "there was nothing to take away"
    message = den.phone.cli("send", TV, "my secret", "--timeout", "6")
    assert message.code == 6 and TV in message.err, message
    assert "level=plain" not in den.tv.cli("paths").out
    doctor = den.phone.cli("doctor", TV)
    assert doctor.code == 1 and re.search("^FAIL .*(encrypt|plain|key)", doctor.out,
                                          re.MULTILINE), doctor
    den.assert_still()
    leave(den, middle)


def test_plain_stanzas_behind_starttls(known):
    """RFC 6120 §5.4.3.3: what came in the same segment as <starttls/> or <proceed/> is nothing."""
    den, middle = known
    den.paired = True
    put = []

    def inject(data, way):
        if way == "dialler" and STARTTLS.search(data):
            put.append("starttls")
            return data + BUTTON + WORDS
        if way == "listener" and b"<proceed" in data:
            put.append("proceed")
            return data + BUTTON + WORDS
        return data
    middle.relay(inject)
    start(den)
    ears = [one.follow("stanza", "--listen", name="ear") for one in (den.tv, den.phone)]
    # The stream is not hurt: it goes on inside TLS, with the same two ends.
    den.assert_works()
    assert set(put) == {"starttls", "proceed"}, put
    assert den.last.code == 0 and den.phone.cli("ping", "-c", "1", TV).code == 0
    assert den.tv.cli("ping", "-c", "1", PHONE).code == 0
    den.assert_still()
    for text in [ear.output() for ear in ears] + [one.proc.output() for one in (den.tv, den.phone)]:
        assert "put in by mallory" not in text and "id=in" not in text, text
    leave(den, middle)


@pytest.mark.parametrize("where", ["before", "between"])
def test_plain_press_beside_starttls(known, where):
    """In front of <starttls/>, or between it and the ClientHello in a segment of its own: the stream
    ends or passes it over."""
    den, middle = known
    den.paired = True
    put = []

    def inject(data, way):
        hit = STARTTLS.search(data)
        if way != "dialler" or put:
            return data
        if where == "before" and hit:
            put.append(where)
            return data[:hit.start()] + BUTTON + data[hit.start():]
        if where == "between" and data[:1] == b"\x16":
            put.append(where)
            return BUTTON + data
        return data
    middle.relay(inject)
    start(den)
    wait_until(lambda: put or den.phone.cli("press", TV, "play").code < 0, 20, "a stream")
    den.assert_still()
    assert "id=in" not in den.tv.proc.output(), den.tv.proc.output()
    leave(den, middle)


class Recorder:
    """What the dialler of a stream has sent, by flights; the box may not dial."""

    def __init__(self, den, middle):
        self.den, self.middle, self.flights, self.on = den, middle, [], True
        middle.listen(self.handle)

    def handle(self, wire, wanted):
        if wanted != self.den.lan["pronto"].address:
            return
        other = self.middle.dial(wanted)
        mine = []
        self.flights.append(mine)
        self.pump(wire, other, mine)

    def pump(self, wire, other, mine):
        while True:
            for sock in select.select([wire.sock, other.sock], [], [])[0]:
                data = sock.recv(65536)
                if not data:
                    other.sock.close()
                    return
                if sock is other.sock:
                    wire.sock.sendall(data)
                    continue
                if self.on:
                    mine.append(data)
                other.sock.sendall(data)


def test_recorded_press(known):
    """A whole session with a press in it, played back octet by octet from the phone's address."""
    den, middle = known
    den.paired = True
    recorder = Recorder(den, middle)
    start(den)

    def pauses():
        return den.phone.cli("press", TV, "pause").code == 0 and den.mpv.get("pause") is True
    wait_until(pauses, 30, "a press to record")
    recorder.on = False
    wait_until(lambda: den.phone.cli("press", TV, "play").code == 0, 20, "the player goes on")
    flights = max(recorder.flights, key=lambda one: sum(map(len, one)))
    assert b"<starttls" in flights[0] and len(flights) > 2, flights
    for at_once in (True, False):
        wire = middle.dial(den.lan["pronto"].address)
        answer = play_back(wire, flights, at_once)
        assert b"<success" not in answer and wire.over, answer
        den.assert_still()
    # The one in the middle also dials by himself, as the phone: his key is another one.
    wire = middle.dial(den.lan["pronto"].address)
    wire.secure("phone@forza", "tv@pronto", Key(den.mallory, PHONE))
    assert not wire.log_in("phone@forza", "tv@pronto")
    den.tv.proc.wait_for("REFUSED: its key is not the one it had", 10)
    den.assert_still()
    leave(den, middle)


def play_back(wire, flights, at_once):
    for data in [b"".join(flights)] if at_once else flights:
        try:
            wire.raw(data)
        except OSError:
            break
        wire.read(1)
    wire.text = ""
    wire.rest(40)
    return wire.got


def test_plain_peer_with_the_phones_address(known):
    """Without TLS, by the phone's own address and name: the box has known a key there."""
    den, middle = known
    den.paired = True
    middle.relay(lambda data, way: data)
    start(den)
    den.phone.proc.kill()       # without a goodbye: its announcement stays
    den.phone.proc.wait(60)
    os.unlink(den.phone.host.path(den.phone.socket))    # start() waits for a new one
    for stanza in ("<iq type='set' id='p'>%s</iq>" % PRESS,
                   "<message><body>let me in</body></message>"):
        wire = middle.dial(den.lan["pronto"].address)
        wire.send(header("phone@forza", "tv@pronto") + stanza)
        answer = wire.rest(40)
        assert wire.over and "stream:error" in answer and "result" not in answer, answer
        den.assert_still()
    den.tv.proc.wait_for("had a key before|may not go without|without encryption", 10)
    den.phone.start()
    den.meet()
    leave(den, middle)
