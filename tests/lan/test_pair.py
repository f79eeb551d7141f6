# SPDX-License-Identifier: ISC
"""Pairing without a server: one command and one code; what holds afterwards, and what does not."""

import json
import os
import re
import subprocess

import pytest

import box
from daemon import Answer, Daemon
from ns import wait_until

TV = "tv@pronto.local"
PHONE = "phone@forza.local"

PRONTO = """
[engine]
name = pronto
state = /run/earshotd/state
[lan]
user = tv
mdns = embedded
[player]
kind = demo
"""

FORZA = """
[engine]
name = forza
state = /run/earshotd/state
[lan]
user = phone
mdns = embedded
[player]
kind = none
"""


class Room:
    """A box and a phone with the default policy, which have never met."""

    def __init__(self, lan):
        self.lan = lan
        self.tv = Daemon(lan["pronto"], PRONTO)
        self.phone = Daemon(lan["forza"], FORZA)
        self.meet()

    def meet(self):
        self.phone.wait_peer(TV)
        self.tv.wait_peer(PHONE)

    def restart(self):
        for one in (self.tv, self.phone):
            one.stop()
        for one in (self.tv, self.phone):
            one.start()
        self.meet()

    def press(self):
        return self.phone.cli("press", TV, "pause", "-v")

    def begin(self):
        """`earshot pair TV`, up to where it asks for the digits."""
        proc = self.phone.follow("pair", TV, name="pair", stdin=subprocess.PIPE)
        proc.wait_for("shows six digits. Type them:", 20)
        return proc

    def digits(self):
        """What the box shows to its owner now."""
        answer = self.tv.cli("pair", "--json", "--timeout", "3")
        return next((row["code"] for row in answer.rows if "code" in row), None)

    def type(self, proc, code):
        proc.stdin.write(code + "\n")
        proc.stdin.flush()
        status = proc.wait(60)
        return status, proc.output()

    def pair(self):
        proc = self.begin()
        return self.type(proc, self.digits())

    def level(self, one, address):
        rows = one.cli("peers", "--json").rows
        return next((row["level"] for row in rows if row["address"] == address), None)

    def own_key(self, one):
        return next(row["key"] for row in one.cli("trust", "--json").rows if row["own"])

    def pins(self, one):
        return [row for row in one.cli("trust", "--json").rows if not row["own"]]


@pytest.fixture
def room():
    with box.Lan("pronto", "forza") as lan:
        yield Room(lan)


def assert_paired(room):
    press = room.press()
    assert press.code == 0 and "over lan" in press.err, press
    wait_until(lambda: room.level(room.phone, TV) == "trusted", 10, "the level of the box")
    assert room.level(room.tv, PHONE) == "trusted"


def test_one_command_and_one_code(room):
    """And the press goes through afterwards, also after both were started again."""
    refused = room.press()
    assert refused.code == 1 and "not-authorized" in refused.err, refused
    assert "earshot pair " + TV in refused.err, "it says what to do"
    watch = room.tv.follow("pair", name="watch")
    watch.wait_for("waiting")
    proc = room.begin()
    shown = watch.wait_for(r"Type there: (\d{3}) (\d{3})", 10)
    code, out = room.type(proc, shown.group(1) + " " + shown.group(2))
    assert code == 0 and "paired with pronto (%s)" % TV in out, out
    watch.wait_for("paired with forza")
    assert watch.stop(2) is not None
    assert_paired(room)
    room.restart()
    assert_paired(room)
    (pin,) = room.pins(room.phone)
    assert pin["voucher"] == "pairing" and pin["trusted"] and pin["addresses"] == [TV]
    assert pin["key"] == room.own_key(room.tv)
    table = room.phone.cli("trust").out
    groups = " ".join(re.findall("....", room.own_key(room.tv)))
    assert "(this device): " in table and groups in table and "pairing" in table


def test_wrong_digits(room):
    proc = room.begin()
    shown = room.digits()
    wrong = "%06d" % ((int(shown) + 1) % 1000000)
    code, out = room.type(proc, wrong)
    assert code == 6 and TV in out and "paired with" not in out, out
    assert room.press().code == 1
    assert not any(pin["trusted"] for pin in room.pins(room.phone) + room.pins(room.tv))
    # The digits of the first try are good for nothing.
    proc = room.begin()
    again = room.digits()
    assert room.type(proc, again)[0] == 0
    assert_paired(room)


def test_what_is_no_code_is_not_sent(room):
    for text in ("", "12345", "abcdef", "1234567"):
        proc = room.begin()
        assert room.digits()            # looked at here, too: the box goes on answering
        code, out = room.type(proc, text)
        assert code == 2 and "six digits are wanted" in out, out
    assert room.press().code == 1
    wait_until(lambda: room.digits() is None, 20, "the box shows nothing any more")


def test_guessing_is_refused(room):
    """Nobody looks at the box: after three wrong codes it asks no more."""
    for _ in range(3):
        assert room.type(room.begin(), "000000")[0] == 6
    answer = room.phone.cli("pair", TV)
    assert answer.code == 1 and "too many attempts" in answer.err, answer
    assert room.digits() is None        # its owner looks: he wants it
    assert room.pair()[0] == 0


def test_visitor_who_leaves(room):
    """Digits of who is gone are of no use to anybody, and others need not wait for the end."""
    watch = room.tv.follow("pair", name="watch")
    room.begin()
    watch.wait_for(r"Type there: ", 10)
    room.phone.proc.kill()
    os.unlink(room.phone.host.path(room.phone.socket))
    watch.wait_for("is not paired", 10)
    room.phone.start()
    room.meet()
    assert room.pair()[0] == 0


def test_by_uri(room):
    """What a QR code holds, read from standard input; it is good once."""
    (token,) = room.tv.cli("pair", "--qr", "--json").rows
    assert token["uri"].startswith("xmpp:%s?pair;key=%s;token=" % (TV, room.own_key(room.tv)))
    answer = room.phone.cli("pair", "-", stdin=token["uri"] + "\n")
    assert answer.code == 0 and "paired with pronto (%s)" % TV in answer.out, answer
    assert_paired(room)
    assert room.phone.cli("untrust", TV).code == 0
    assert room.tv.cli("untrust", PHONE).code == 0
    again = room.phone.cli("pair", "-", stdin=token["uri"] + "\n")
    assert again.code == 6, again
    assert room.press().code == 1


def test_uri_of_another_device(room):
    """The fingerprint in it is not that of who answers: nothing is sent that would help him."""
    (token,) = room.tv.cli("pair", "--qr", "--json").rows
    key = room.own_key(room.tv)
    other = token["uri"].replace(key, room.own_key(room.phone))
    answer = room.phone.cli("pair", "-", stdin=other + "\n")
    assert answer.code == 6 and not answer.out, answer
    # The right one still works: the token was not used up.
    answer = room.phone.cli("pair", "-", stdin=token["uri"] + "\n")
    assert answer.code == 0, answer


@pytest.mark.parametrize("uri", ["", "http://example.org/", "xmpp:", "xmpp:tv@pronto.local",
                                 "xmpp:tv@pronto.local?pair;key=00;token=x",
                                 "xmpp:tv@pronto.local?message;body=hello"])
def test_uri_that_is_none(room, uri):
    answer = room.phone.cli("pair", "-", stdin=uri + "\n")
    assert answer.code == 2 and answer.err.startswith("earshot: "), answer


HALVES = {" ": (0, 0), "▀": (255, 0), "▄": (0, 255), "█": (255, 255)}


def scan(lines):
    """What zbarimg reads from a photograph of a dark terminal."""
    rows = [[HALVES[c][half] for c in line] for line in lines for half in (0, 1)]
    pixels = bytes(p for row in rows for _ in range(4) for p in row for _ in range(4))
    size = b"P5 %d %d 255\n" % (4 * len(rows[0]), 4 * len(rows))
    done = subprocess.run(["zbarimg", "--quiet", "--raw", "--nodbus", "pgm:-"], check=True,
                          input=size + pixels, stdout=subprocess.PIPE)
    return done.stdout.decode().strip()


def test_qr_on_a_terminal(room):
    """The picture and the text beneath; -q: only the picture."""
    answer = room.tv.cli("pair", "--qr")
    lines = answer.out.splitlines()
    assert scan(lines[:-1]) == lines[-1], "a camera reads what stands beneath"
    assert answer.code == 0 and lines[-1].startswith("xmpp:" + TV)
    assert len({len(line) for line in lines[:-1]}) == 1 and set("".join(lines[:-1])) <= set(" ▀▄█")
    assert "xmpp:" not in room.tv.cli("pair", "--qr", "-q").out


def test_untrust(room):
    assert room.pair()[0] == 0
    assert_paired(room)
    answer = room.tv.cli("untrust", PHONE)
    assert answer.code == 0 and "forgotten" in answer.out, answer
    assert not room.pins(room.tv) or not any(p["trusted"] for p in room.pins(room.tv))
    assert room.press().code in (1, 5), "refused, or the end of the stream takes it along"
    wait_until(lambda: room.press().code == 1, 1, "the next stream needs no waiting")
    assert room.tv.cli("untrust", "nobody@nowhere.local").code == 4
    assert room.tv.cli("untrust", "00" * 32).code == 4


def test_trust_by_the_users_word(room):
    key = room.own_key(room.phone)
    refused = room.tv.cli("trust", PHONE)
    assert refused.code == 6 and "pair first: earshot pair " + PHONE in refused.err, refused
    answer = room.tv.cli("trust", PHONE, *re.findall("....", key))
    assert answer.code == 0, answer
    wait_until(lambda: room.press().code == 0, 20, "the press goes through")
    assert room.tv.cli("trust", PHONE).code == 0
    assert room.tv.cli("trust", PHONE, key[:-1]).code == 2
    assert room.tv.cli("untrust", key).code == 0
    wait_until(lambda: room.press().code == 1, 20, "the press is refused")


def test_another_key_is_loud(room):
    """A device with the name of one that was paired and another key: exit code 6, no press."""
    assert room.pair()[0] == 0
    assert_paired(room)
    old = room.own_key(room.tv)
    room.tv.stop()
    os.unlink(room.tv.host.path("/run/earshotd/state/device.key"))
    room.tv.start()
    assert room.own_key(room.tv) != old
    room.phone.wait_peer(TV)
    wait_until(lambda: room.press().code == 6, 20, "the other key is told")
    press = room.press()
    assert press.code == 6 and TV in press.err, press
    pair = room.phone.cli("pair", TV, "--timeout", "10")
    assert pair.code == 6 and "earshot untrust" in pair.err, pair
    doctor = room.phone.cli("doctor", TV)
    assert doctor.code == 1 and "FAIL" in doctor.out and "untrust" in doctor.out, doctor
    peers = room.phone.cli("peers")
    assert "REFUSED" in peers.out and "REFUSED" in peers.err, peers
    # The user says that it is right, and pairs again. The box still knows the phone.
    assert room.phone.cli("untrust", TV).code == 0
    press = room.press()
    assert press.code == 0 and room.level(room.phone, TV) == "keyed", press
    assert room.pair()[0] == 0
    assert_paired(room)


def test_new_key(room):
    assert room.pair()[0] == 0
    old = room.own_key(room.phone)
    assert room.phone.cli("trust", "--new-key").code == 2, "it asks first"
    assert room.own_key(room.phone) == old
    answer = room.phone.cli("trust", "--new-key", "--yes")
    assert answer.code == 0, answer
    new = room.own_key(room.phone)
    assert new != old and " ".join(re.findall("....", new)) in answer.out
    wait_until(lambda: room.press().code != 0, 20, "the new key is not trusted")


def test_who_cannot_be_paired(room):
    """Each time the subject, and what to do."""
    for who, code, texts in (
            ("juliet@example.org", 4, ("on the LAN", "earshot peers")),
            (PHONE, 2, ("this device",)),
            ("nobody-is-called-so", 4, ("earshot peers",))):
        answer = room.phone.cli("pair", who)
        assert answer.code == code and answer.err.startswith("earshot: %s: " % who), answer
        assert all(text in answer.err for text in texts), answer
    answer = room.phone.cli("trust", "juliet@example.org")
    assert answer.code == 6 and "earshot trust juliet@example.org KEY" in answer.err, answer
    assert "earshot pair" not in answer.err + room.phone.cli("doctor", "juliet@example.org").out
    answer = room.phone.cli("pair", "-", stdin="xmpp:%s?pair;key=%s;token=%s\n"
                            % (TV, room.own_key(room.tv), "A" * 22))
    assert answer.code == 6 and answer.err.startswith("earshot: %s: " % TV), answer
    assert "earshot pair " + PHONE in room.phone.cli("pair", "--timeout", "1").err


def test_one_is_not_there(room):
    room.tv.stop()
    answer = room.phone.cli("pair", TV, "--timeout", "5")
    assert answer.code == 4, answer
    answer = room.phone.cli("pair", "--timeout", "1")
    assert answer.code == 5, answer


def test_doctor(room):
    doctor = room.phone.cli("doctor", TV)
    names = re.findall(r"^(?:ok|warn|FAIL) +([a-z ]+):", doctor.out, re.MULTILINE)
    assert doctor.code == 0 and names == [
        "daemon", "configuration", "interface", "multicast", "avahi", "name", "own address",
        "port", "firewall", "own key", "policy", "server", "address", "announced", "jid",
        "connection", "tls", "key", "by lan", "level", "may here", "may there"], doctor
    assert "/run/earshotd/conf" in doctor.out and "eth" in doctor.out
    assert room.lan["pronto"].address + ":5298" in doctor.out
    assert re.search("^warn +level: keyed, over lan", doctor.out, re.MULTILINE), doctor
    assert room.pair()[0] == 0
    doctor = room.phone.cli("doctor", TV, "--json")
    rows = {row["name"]: row for row in doctor.rows}
    assert rows["key"]["state"] == "ok" and "pairing" in rows["key"]["text"]
    assert rows["level"]["text"] == "trusted, over lan"
    os.chmod(room.phone.host.path("/run/earshotd/state/device.key"), 0o644)
    doctor = room.phone.cli("doctor")
    assert doctor.code == 1 and re.search("^FAIL own key: .*chmod 600", doctor.out, re.MULTILINE)


def test_doctor_of_who_is_not_there(room):
    doctor = room.phone.cli("doctor", "tv@nowhere.local", "--timeout", "2")
    assert doctor.code == 1, doctor
    assert re.search("^FAIL announced: .*; ", doctor.out, re.MULTILINE), doctor
    doctor = room.phone.cli("doctor", "@")
    assert doctor.code == 1 and "FAIL address: @; " in doctor.out, doctor


def test_doctor_without_a_daemon(room):
    room.phone.stop()
    doctor = Answer(room.phone.host.run(room.phone.argv("doctor", "--socket", "/run/none"),
                                        check=False))
    assert doctor.code == 1 and doctor.out.startswith("FAIL daemon: "), doctor
    rows = room.phone.cli("doctor", TV, "--json").rows
    assert rows[0]["name"] == "daemon" and rows[0]["state"] == "warn", json.dumps(rows)
