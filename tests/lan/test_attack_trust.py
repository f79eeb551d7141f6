# SPDX-License-Identifier: ISC
"""An attacker on the LAN who claims to be somebody else: by name, hint, key, certificate or address.
Without a server; see test_attack_server.py. No button moves, and the real one works afterwards."""

import re

import pytest

from box import Lan
from den import PHONE, TV, Den, press_fails
from evil import PRESS, Evil, Key
from ns import wait_until


@pytest.fixture
def den():
    with Lan("pronto", "forza", "mallory", ipv6=False) as lan:
        yield Den(lan)


@pytest.fixture
def eve(den):
    with Evil(den.mallory, "eve@mallory") as evil:
        yield evil


def withdraw(daemon, eve, wire):
    eve.withdraw(wire)
    address = wire + ".local"
    wait_until(lambda: not any(row["address"] == address and row["in_earshot"]
                               for row in daemon.cli("peers", "--json").rows), 20,
               "%s out of earshot" % address, step=0.1)


def box_of(den):
    return den.lan["pronto"].address


def test_hint_of_the_victim(den, eve):
    """A hint proves nothing: its own key is a stranger's key, and a stranger presses nothing."""
    eve.announce(hint=den.hint_of("phone@forza"), jid="phone@example.org", nick="phone")
    den.tv.wait_peer("eve@mallory.local")
    wire = eve.login(box_of(den), "tv@pronto", Key(den.mallory))
    answer = wire.ask("set", PRESS) if wire else "not-authorized"
    assert "not-authorized" in answer, answer
    den.assert_still()
    rows = [r for r in den.tv.cli("peers", "--json").rows if r["address"] == "eve@mallory.local"]
    assert [row["level"] for row in rows] in (["keyed"], ["plain"]), rows
    doctor = den.tv.cli("doctor", "eve@mallory.local").out
    assert re.search("^(warn|FAIL) ", doctor, re.MULTILINE), doctor
    den.assert_pins_are(den.own_key(den.tv), den.own_key(den.phone))
    den.assert_works()


@pytest.mark.parametrize("claim", ["phone@example.org", "phone@forza.local", "tv@pronto.local"])
def test_certificate_with_a_claim(den, eve, claim):
    """Nobody vouches for what a certificate says of itself."""
    eve.announce(jid=claim)
    den.tv.wait_peer("eve@mallory.local")
    wire = eve.login(box_of(den), "tv@pronto", Key(den.mallory, claim))
    answer = wire.ask("set", PRESS)
    assert "not-authorized" in answer, answer
    den.assert_still()
    (row,) = [r for r in den.tv.cli("peers", "--json").rows if r["address"] == "eve@mallory.local"]
    assert row["level"] == "keyed" and row.get("jid") is None, row
    den.assert_works()


@pytest.mark.parametrize("field", ["phone@forza", "phone@forza.local", "phone@example.org"])
def test_from_of_another(den, eve, field):
    """On its own stream, with its own key: whoever says another `from` loses the stream."""
    eve.announce()
    den.tv.wait_peer("eve@mallory.local")
    wire = eve.login(box_of(den), "tv@pronto", Key(den.mallory))
    wire.ask("set", PRESS, more=" from='%s'" % field, timeout=5)
    assert "invalid-from" in wire.rest(), wire.text
    den.assert_still()
    den.assert_works()


def test_replayed_stanza(den, eve):
    """The very press that the phone sends, on a stream of the attacker's own: it is his, then."""
    eve.announce()
    den.tv.wait_peer("eve@mallory.local")
    wire = eve.login(box_of(den), "tv@pronto", Key(den.mallory))
    for more in ("", " to='tv@pronto'", " to='tv@pronto.local' from='eve@mallory.local'"):
        answer = wire.ask("set", PRESS, more)
        assert "not-authorized" in answer, answer
    stamped = PRESS + "<delay xmlns='urn:xmpp:delay' from='phone@forza' stamp='2026-01-01T00:00:00Z'/>"
    wire.send("<iq type='set' id='late'>%s</iq>" % stamped)
    assert "error" in wire.expect("<iq[^>]*id=['\"]late['\"].*?</iq>").group()
    den.assert_still()
    den.assert_works()


def test_name_of_one_that_is_off(den, eve):
    """The phone is switched off; another one comes by its name, and with another key."""
    den.phone.stop()
    eve.announce("phone@forza", hint="A" * 16 + "." + "B" * 16)
    den.tv.wait_peer(PHONE)
    wire = eve.login(box_of(den), "tv@pronto", Key(den.mallory), me="phone@forza")
    assert wire is None, "the other key was taken"
    den.assert_still()
    log = den.tv.proc.wait_for("REFUSED: its key is not the one it had.*untrust", 10)
    assert PHONE in log.string[:log.start()].splitlines()[-1]
    assert den.tv.cli("doctor", PHONE).code == 1
    withdraw(den.tv, eve, "phone@forza")
    den.phone.start()
    den.meet()
    den.assert_works()


def test_name_of_one_that_is_there(den, eve):
    """Both are there: his announcement may disturb, his key presses nothing."""
    key = Key(den.mallory, "phone@forza.local")
    eve.announce("phone@forza", hint=den.hint_of("phone@forza"))
    wire = eve.dial(box_of(den))
    try:
        wire.secure("phone@forza", "tv@pronto", key)
        assert not wire.log_in("phone@forza", "tv@pronto"), "the other key was taken"
    except (AssertionError, OSError) as error:
        assert "was taken" not in str(error)    # refused before TLS: he has not his address
    den.assert_still()
    den.phone.stop()
    withdraw(den.tv, eve, "phone@forza")
    den.phone.start()
    den.meet()
    den.assert_works()


def take_place(den, eve, handle):
    """The box is switched off, and somebody else has its name: by his own address."""
    den.tv.stop()
    eve.listen(handle)
    eve.announce("tv@pronto")
    wait_until(lambda: den.mallory.address in den.phone.cli("doctor", TV).out, 20,
               "the phone sees the other one")


def restore(den, eve):
    withdraw(den.phone, eve, "tv@pronto")
    den.tv.start()
    den.meet()
    den.assert_works()


def test_box_with_another_key(den, eve):
    key = Key(den.mallory, "tv@pronto.local")
    pressed = []

    def serve(wire, _):
        if wire.serve("tv@pronto", key):
            pressed.append(wire.find("<press", 5))
    take_place(den, eve, serve)
    press_fails(den, 6, TV, "untrust")
    den.phone.proc.wait_for("REFUSED: its key is not the one it had", 10)
    doctor = den.phone.cli("doctor", TV)
    assert doctor.code == 1 and "FAIL" in doctor.out and "untrust" in doctor.out, doctor
    assert not any(pressed), "the press was sent to him"
    restore(den, eve)


def test_box_without_a_key(den, eve):
    """Plaintext where there was a key: loud, and not one stanza is sent."""
    heard = []

    def serve(wire, _):
        if not wire.find("<stream:stream.*?>"):
            return
        wire.send("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams' from='tv@pronto' "
                  "to='phone@forza' version='1.0'><stream:features/>")
        heard.append(wire.rest(5))
    take_place(den, eve, serve)
    press_fails(den, 6, TV)
    message = den.phone.cli("send", TV, "my secret", "--timeout", "6")
    assert message.code == 6 and TV in message.err, message
    doctor = den.phone.cli("doctor", TV)
    assert doctor.code == 1 and "FAIL" in doctor.out, doctor
    wait_until(lambda: heard, 15, "the phone has looked")
    assert not any("<iq" in text or "secret" in text for text in heard), heard
    restore(den, eve)
