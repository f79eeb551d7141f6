# SPDX-License-Identifier: ISC
"""test_player_push.py: what a player does is pushed to everybody who follows it, once each."""

import base64
import hashlib
import os
import re
import shutil
import subprocess

import pytest

from box import Lan, TwoHomes
from daemon import Daemon, Mpv
from evil import Evil
from ns import wait_until
from servers import Ejabberd, Prosody
from strangers import Street

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
        wait_until(lambda: len(lines(proc, word)) > start, 20, "%s is told" % word)
    room.mpv.set("volume", 33)
    proc.wait_for("volume 33 %")
    assert len(lines(proc, "^paused")) == 3 and len(lines(proc, "^playing")) == 2, proc.output()
    assert proc.stop() == 0
    assert gets(room) - asked < 40, "it was asked"     # pings measure the path, no more


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
            room.tv.proc.wait(60)
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
    assert proc.wait(60) == 0


CAPS = "<identity category='client' type='pc'/><feature var='http://jabber.org/protocol/tune+notify'/>"
VER = base64.b64encode(hashlib.sha1(
    b"client/pc//<http://jabber.org/protocol/tune+notify<").digest()).decode()


@pytest.mark.parametrize("lies", [False, True])
def test_a_foreign_peer_that_wants_to_hear(lies):
    """Somebody on the LAN who is no Earshot announces in his TXT record what he can do: he is asked
    what that is, and told what is played without having subscribed; unless it is not true."""
    told = []

    def talk(wire, _wanted):
        wire.expect("<stream:stream[^>]*>")
        wire.send("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream="
                  "'http://etherx.jabber.org/streams' from='guest@forza' to='tv@pronto'>")
        asked = wire.expect("<iq [^>]*>(?=<query [^>]*disco#info)").group(0)
        told.append(re.search("id=.([^'\"]*)", asked).group(1))
        wire.send("<iq type='result' id='%s' from='guest@forza' to='tv@pronto'><query xmlns="
                  "'http://jabber.org/protocol/disco#info' node='urn:x#%s'>%s%s</query></iq>"
                  % (told[0], VER, CAPS, "<feature var='more'/>" if lies else ""))
        while more := wire.find("<message .*?</message>", 20):
            told.append(more.group(0))

    with Lan("pronto", "forza") as lan:
        mpv = Mpv(lan["pronto"])
        tv = Daemon(lan["pronto"], TV)
        tv.proc.wait_for("on the LAN as")
        with Evil(lan["forza"], "guest@forza") as guest:
            guest.listen(talk)
            guest.announce(node="urn:x", hash="sha-1", ver=VER)
            wait_until(lambda: told, 20, "the question")
            if lies:
                tv.proc.wait_for("guest@forza.local: its capabilities are not what (their|its) hash says")
            else:
                wait_until(lambda: len(told) > 1, 10, "what is played")
                assert "<title>clip.wav</title>" in told[1], told
            mpv.set("volume", 9)
            mpv.ask(["stop"])
            if not lies:
                wait_until(lambda: len(told) > 2, 10, "that nothing is played")
                assert "title" not in told[2] and len(told) == 3, told
            tv.stop()
        assert len(told) == (1 if lies else 3), told


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


# --- behind a server -----------------------------------------------------------------------------

TUNE, STATE = "http://jabber.org/protocol/tune", "urn:earshot:buttons:0"
COMPONENT = "tv.example.test"


class House:
    """A box that is a component of a real server, somebody on its LAN, users of the server."""

    def __init__(self, net, server):
        self.net = net
        self.street = Street(net, server=server, accounts=["juliet", "romeo"],
                             components=[COMPONENT])
        self.mpv = Mpv(net["pronto"])
        self.tv = self.street.device("pronto", "tv", "component", COMPONENT,
                                     player="kind = mpv\nsocket = /run/mpv.sock")
        self.tv.proc.wait_for("connected as " + COMPONENT)

    def user(self, name, *nodes):
        server = self.street.server
        here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pep_user.py")
        proc = self.net["forza"].popen(
            ["/usr/bin/python3", here, name + "@example.test", "secret", "203.0.113.10",
             str(server.c2s_port), server.ca_file, *nodes], name=name,
            stdin=subprocess.PIPE)
        proc.wait_for("^ready", 20)
        return proc


@pytest.fixture(params=[Ejabberd, Prosody])
def house(request):
    with TwoHomes(a=["pronto", "forza"]) as net:
        made = None
        try:
            made = House(net, request.param)
            yield made
            made.street.stop()
        finally:
            if made is not None:
                made.street.server.close()


def events(proc, node, *patterns, start=0):
    """What was told of that node, with all of that in it (attributes have no order)."""
    return [line for line in proc.output().splitlines()[start:]
            if line.startswith("event %s %s " % (COMPONENT, node)) and
            all(re.search(pattern, line) for pattern in patterns)]


def test_contacts_are_told(house):
    """A stock client adds the box to its contacts, and hears what is played; a peer on the LAN that
    subscribed hears the same: once each, when somebody pauses the player at the box."""
    juliet = house.user("juliet", TUNE, STATE)
    juliet.send_line("add " + COMPONENT)
    juliet.wait_for("^presence %s available playing" % COMPONENT, 20)
    juliet.wait_for("^event %s %s .*title" % (COMPONENT, TUNE), 20)
    juliet.wait_for("^event %s %s .*playback=.playing" % (COMPONENT, STATE), 20)
    sofa = Daemon(house.net["forza"], SOFA)
    sofa.wait_peer(BOX)
    watch = sofa.follow("status", BOX, "-w")
    watch.wait_for("^playing")
    house.mpv.set("pause", True)
    juliet.wait_for("^event %s %s .*playback=.paused" % (COMPONENT, STATE))
    juliet.wait_for("^presence %s available paused" % COMPONENT)
    watch.wait_for("^paused")
    house.mpv.set("volume", 21)
    juliet.wait_for("^event %s %s .*volume=.21" % (COMPONENT, STATE))
    watch.wait_for("volume 21 %")
    assert len(events(juliet, STATE, "playback=.paused", "volume=.100")) == 1, juliet.output()
    assert len(events(juliet, STATE, "volume=.21")) == 1, juliet.output()
    assert len(events(juliet, TUNE)) == 1, juliet.output()      # neither was another tune
    assert len(lines(watch, "^paused")) == 2, watch.output()
    assert watch.stop() == 0
    sofa.stop()


def test_contacts_are_remembered(house):
    """Killed, the box knows its contacts again, and they hear of it without doing anything."""
    juliet = house.user("juliet", STATE)
    juliet.send_line("add " + COMPONENT)
    juliet.wait_for("^event %s %s" % (COMPONENT, STATE), 20)
    house.tv.proc.kill()
    house.tv.proc.wait(60)
    start = len(juliet.lines())
    house.tv.start()
    wait_until(lambda: events(juliet, STATE, start=start), 30, lambda: juliet.output())
    wait_until(lambda: [line for line in juliet.lines()[start:] if line.startswith(
        "presence %s available playing" % COMPONENT)], 10, lambda: juliet.output())
    house.tv.stop()
    juliet.wait_for("^presence %s unavailable" % COMPONENT)
    house.tv.start()
    start = len(juliet.lines())
    house.mpv.set("volume", 12)
    wait_until(lambda: events(juliet, STATE, "volume=.12", start=start), 30, lambda: juliet.output())


def test_a_contact_no_more(house):
    juliet = house.user("juliet", STATE)
    juliet.send_line("add " + COMPONENT)
    juliet.wait_for("^event %s %s" % (COMPONENT, STATE), 20)
    juliet.send_line("remove " + COMPONENT)
    house.tv.proc.wait_for("juliet@example.test: subscribed to the presence of .* no more")
    start = len(juliet.lines())
    house.mpv.set("volume", 13)
    romeo = house.user("romeo")
    romeo.send_line("subscribe %s %s" % (COMPONENT, STATE))
    romeo.wait_for("^answer result")
    romeo.wait_for("^event %s %s .*volume=.13" % (COMPONENT, STATE))
    assert not events(juliet, STATE, start=start), juliet.output()


def test_subscribed_through_the_server(house):
    """Without being a contact; to a node that there is."""
    romeo = house.user("romeo")
    romeo.send_line("subscribe %s %s" % (COMPONENT, TUNE))
    romeo.wait_for("^answer result", 20)
    romeo.wait_for("^event %s %s .*title" % (COMPONENT, TUNE))
    romeo.send_line("subscribe %s urn:example:none" % COMPONENT)
    romeo.wait_for("^answer error")
    start = len(romeo.lines())
    house.mpv.set("volume", 30)         # none of its business
    clip = os.path.join(house.net["pronto"].dir, "clip.wav")
    shutil.copy(clip, clip.replace("clip", "another"))
    house.mpv.ask(["loadfile", clip.replace("clip", "another")])
    wait_until(lambda: events(romeo, TUNE, "another.wav", start=start), 10, lambda: romeo.output())
    assert len(events(romeo, TUNE, "another.wav", start=start)) == 1, romeo.output()
    house.tv.proc.kill()                # it remembers who has subscribed
    house.tv.proc.wait(60)
    start = len(romeo.lines())
    house.tv.start()
    wait_until(lambda: events(romeo, TUNE, "another.wav", start=start), 20, lambda: romeo.output())


def test_the_path_changes():
    """Two devices that trust each other, a LAN and a server between them: each change of the player is
    told once, by whichever way there is."""
    here, there = "remote.example.test", "box.example.test"
    with TwoHomes(a=["remote", "box"], delay=20) as net:
        street = Street(net, components=[here, there])
        try:
            mpv = Mpv(net["box"])
            tv = street.device("box", "tv", "component", there, {here: "yes"},
                               player="kind = mpv\nsocket = /run/mpv.sock")
            remote = street.device("remote", "sofa", "component", here, {there: "yes"},
                                   player="kind = none")
            remote.wait_chosen(there, "lan")
            proc = remote.follow("--json", "status", there, "-w")
            proc.wait_for("playing", 20)
            volume = 10

            def change():
                nonlocal volume
                volume += 1
                mpv.set("volume", volume)
                return proc.wait_for('"volume": *%d,.*' % volume, 20).group(0)

            assert '"lan"' in change()
            net.cut_lan(silent=True)
            change()                            # the stream is dead, and nobody knows yet
            remote.wait_chosen(there, "server")
            tv.wait_chosen(here, "server")
            assert '"server"' in change()
            net.restore_lan()
            remote.wait_chosen(there, "lan")
            tv.wait_chosen(here, "lan")
            assert '"lan"' in change()
            told = re.findall('"volume": *([0-9]+),', proc.output())
            assert told == ["100", "11", "12", "13", "14"], proc.output()
            assert proc.stop() == 0
            street.stop()
        finally:
            street.server.close()
