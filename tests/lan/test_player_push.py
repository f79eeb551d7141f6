# SPDX-License-Identifier: ISC
"""test_player_push.py: what a player does is pushed to everybody who follows it, once each."""

import re
import signal

import pytest

from box import Lan
from daemon import Daemon, Mpv
from ns import wait_until

BOX = "tv@pronto.local"
TV = "[engine]\nname = pronto\n[lan]\nuser = tv\nmdns = embedded\n" \
     "[player]\nkind = mpv\nsocket = /run/mpv.sock\n[policy]\nbuttons = anyone\nstate = anyone\n"
SOFA = "[engine]\nname = forza\n[lan]\nuser = sofa\nmdns = embedded\n[player]\nkind = none\n"


class Room:
    """A box that plays on pronto, somebody on the sofa on forza."""

    def __init__(self, lan):
        self.mpv = Mpv(lan["pronto"])
        self.tv = Daemon(lan["pronto"], TV)
        self.sofa = Daemon(lan["forza"], SOFA)
        self.sofa.wait_peer(BOX)
        self.tv.wait_peer("sofa@forza.local")

    def follow(self, *args, **more):
        proc = self.sofa.follow("status", BOX, "-w", *args, **more)
        proc.wait_for("playing|paused")
        return proc


@pytest.fixture
def room():
    with Lan("pronto", "forza") as lan:
        yield Room(lan)


def lines(proc, pattern):
    return [line for line in proc.output().splitlines() if re.search(pattern, line)]


def gets(room):
    """What the box was asked by the sofa."""
    return room.tv.proc.output().count("in  lan iq type=get from=sofa@forza.local")


def test_a_change_at_the_box_is_told_once(room):
    """Not by a press of ours: somebody pauses the player by its own interface."""
    proc = room.follow("-i", "0.01")
    room.tv.proc.wait_for("in  lan iq type=set")        # the subscription
    asked = gets(room)
    for value, word in ((True, "paused"), (False, "playing"), (True, "paused")):
        start = len(lines(proc, word))
        room.mpv.set("pause", value)
        wait_until(lambda: len(lines(proc, word)) > start, 5, "%s is told" % word)
    room.mpv.set("volume", 33)
    proc.wait_for("volume 33 %")
    assert len(lines(proc, "^paused")) == 3 and len(lines(proc, "^playing")) == 2, proc.output()
    assert proc.stop() == 0
    assert gets(room) - asked < 10, "it was asked"     # but for pings that measure the path


def test_two_programs_follow_and_one_leaves(room):
    """Both are one address to the box; who leaves takes nothing away from the other."""
    one, two = room.follow(name="one"), room.follow(name="two")
    room.mpv.set("pause", True)
    one.wait_for("^paused"), two.wait_for("^paused")
    one.kill()
    room.mpv.set("volume", 20)
    two.wait_for("volume 20 %")
    assert len(lines(two, "^paused")) == 2, two.output()
    assert two.stop() == 0


def test_the_box_is_restarted(room):
    proc = room.follow()
    for kill in (False, True):
        if kill:
            room.tv.proc.kill()
            room.tv.proc.wait(10)
        else:
            room.tv.stop()
        room.tv.start()
        room.mpv.set("volume", 40 + kill)
        proc.wait_for("volume %d %%" % (40 + kill), 40)
    assert proc.stop() == 0


def test_who_leaves_is_forgotten(room):
    proc = room.follow()
    assert proc.stop() == 0
    room.mpv.set("pause", True)
    room.tv.proc.wait_for("sofa@forza.local: is told no more of urn:earshot:buttons:0")


def test_messages_for_people_are_not_swallowed(room):
    """Who follows a player takes no messages: their sender is told that nobody listens."""
    proc = room.follow()
    answer = room.tv.cli("send", "sofa@forza.local", "hello?")
    assert answer.code == 1 and "nobody is listening" in answer.err, answer
    assert proc.stop() == 0


def test_on_the_same_machine(room):
    proc = room.tv.follow("status", BOX, "-w", "-c", "2")
    proc.wait_for("playing")
    room.mpv.set("pause", True)
    proc.wait_for("paused")
    assert proc.wait(5) == 0


def test_a_player_that_begins_later():
    with Lan("pronto") as lan:
        tv = Daemon(lan["pronto"], TV)
        proc = tv.follow("status", BOX, "-w")
        proc.wait_for("no player|none")
        Mpv(lan["pronto"])
        proc.wait_for("^playing", 20)
        assert proc.stop() == 0


def test_without_a_daemon(room):
    """The engine inside the command line is told as well."""
    room.sofa.stop()
    proc = room.sofa.host.popen(room.sofa.argv("--no-daemon", "status", BOX, "-w"))
    proc.wait_for("^playing", 20)
    room.mpv.set("pause", True)
    proc.wait_for("^paused")
    assert proc.stop() == 0
