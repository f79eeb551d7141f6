# SPDX-License-Identifier: ISC
"""den.py: what attacks on trust begin with: a box with a real mpv, a phone that is paired with it, and
a third host, mallory, with nothing on it yet. No server."""

import re
import socket
import struct

from daemon import Daemon, Mpv
from evil import network_of
from ns import wait_until
from test_pair import FORZA, PHONE, PRONTO, TV, Room
from zeroconf_peer import name_of

MPV = "kind = mpv\nsocket = /run/mpv.sock"


class Den(Room):
    """Room has the pairing; here are the player, and what every attack ends with."""

    def __init__(self, lan, paired=True):      # pylint: disable=super-init-not-called
        self.lan, self.mallory = lan, lan["mallory"]
        self.mpv = Mpv(lan["pronto"])
        self.tv = Daemon(lan["pronto"], PRONTO.replace("kind = demo", MPV))
        self.phone = Daemon(lan["forza"], FORZA)
        self.meet()
        if paired:
            code, out = self.pair()
            assert code == 0, out
            self.assert_works()

    def assert_works(self):
        """The phone's own press moves the real player, and back."""
        for button, paused in (("pause", True), ("play", False)):
            def moves(button=button):
                self.last = self.phone.cli("press", TV, button, "-v")
                return self.last.code == 0
            wait_until(moves, 40, lambda: "the phone's own press: %s\n%s\n%s" % (
                self.last, self.phone.cli("doctor", TV), self.phone.cli("paths")), step=0.2)
            assert "over lan" in self.last.err and self.mpv.get("pause") is paused, self.last

    def assert_still(self):
        assert self.mpv.get("pause") is False, "a button moved"

    def assert_pins_are(self, *keys):
        """Nobody but these is trusted, on either side."""
        pins = self.pins(self.tv) + self.pins(self.phone)
        assert {pin["key"] for pin in pins if pin["trusted"]} == set(keys), pins

    def hint_of(self, wire):
        """The hint that somebody announces: anybody may ask for it."""
        labels = (wire.encode(), b"_presence", b"_tcp", b"local")
        query = struct.pack("!6H", 0, 0, 1, 0, 0, 0) + name_of(*labels) + struct.pack("!HH", 16, 1)
        with network_of(self.mallory):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                            socket.inet_aton(self.mallory.address))
            sock.settimeout(0.5)

            def found():
                sock.sendto(query, ("224.0.0.251", 5353))
                try:
                    return re.search(rb"hint=([\w.-]{33})", sock.recv(9000))
                except TimeoutError:
                    return None
            return wait_until(found, 10, "the hint of " + wire).group(1).decode()


def press_fails(den, code, *words, who=TV):
    """What the phone's user sees: this exit code, and these words on standard error."""
    last = []

    def refused():
        last[:] = [den.phone.cli("press", who, "pause", "--timeout", "6")]
        assert last[0].code != 0, last
        return last[0].code == code
    wait_until(refused, 30, lambda: "exit code %d; it is %s" % (code, last), step=0.2)
    for word in words:
        assert word in last[0].err, last[0]
    den.assert_still()


__all__ = ["Den", "PHONE", "TV", "press_fails"]
