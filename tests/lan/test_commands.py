# SPDX-License-Identifier: ISC
"""Clients that know nothing of Earshot drive a real mpv: by commands and by words, through a real
server and on the LAN. What became of it, mpv is asked over its own interface."""

import json
import os
import re
import subprocess
import time

import pytest

from box import Lan
from daemon import Daemon, Mpv
from den import Den
from ns import wait_until
from purple import Purple
from servers import Ejabberd
from test_pair import TV
from test_slixmpp import CONF

BUTTONS = "urn:earshot:buttons:0"
BOX = "tv.example.test"
NS = "http://jabber.org/protocol/commands"


class Slix:
    """A slixmpp user at slix_commands.py."""

    def __init__(self, host, server, user):
        here = os.path.dirname(os.path.abspath(__file__))
        self.proc = host.popen(
            ["/usr/bin/python3", here + "/slix_commands.py", "%s@%s" % (user, server.domain),
             server.accounts[user], server.address, str(server.c2s_port), server.ca_file],
            name="slix-" + user, stdin=subprocess.PIPE)
        self.proc.wait_for("^ready$", 30)
        self.asked = self.heard = 0

    def ask(self, *words):
        time.sleep(0.05)    # no thumb presses sooner again: what does is taken for an echo
        self.asked += 1
        self.proc.send_line(json.dumps(words))
        return json.loads(self.proc.wait_for("^answer (.*)$", 20, count=self.asked).group(1))

    def command(self, name):
        return self.ask("run", BOX, BUTTONS + "#" + name)

    def submit(self, action, **values):
        return self.ask(action, values)

    def say(self, text):
        """What the box says to that: exactly one message."""
        time.sleep(0.05)
        self.heard += 1
        self.proc.send_line(json.dumps(["say", BOX, text]))
        return json.loads(self.proc.wait_for("^said (.*)$", 20, count=self.heard).group(1))


class World:
    def __init__(self, host, server):
        self.host, self.server = host, server
        self.mpv = Mpv(host)
        self.box = Daemon(host, CONF % {"host": server.address, "port": server.component_port},
                          start=False)
        self.box.write("secret", "secret\n")
        self.box.start()
        self.box.proc.wait_for("connected as " + BOX, 20)
        self.romeo = Slix(host, server, "romeo")
        self.juliet = Slix(host, server, "juliet")


@pytest.fixture
def world():
    with Lan("box") as lan:
        host = lan["box"]
        with Ejabberd(domain="example.test", address=host.address, prefix=host.ns.enter([]),
                      accounts={"romeo": "secret1", "juliet": "secret2"},
                      components={BOX: "secret"}) as server:
            made = World(host, server)
            yield made
            made.box.stop()


# --- commands through a server --------------------------------------------------------------------

def test_list(world):
    found = world.romeo.ask("list", BOX)
    names = {name for _jid, name in found.values()}
    assert {"Remote control", "Play or pause", "Next title", "Mute or unmute", "Now playing"} <= names
    assert {jid for jid, _name in found.values()} == {BOX}
    info = world.romeo.ask("info", BOX, BUTTONS + "#menu")
    assert [i[:2] for i in info["identities"]] == [["automation", "command-node"]]
    assert info["features"] == [NS, "jabber:x:data"]
    info = world.romeo.ask("info", BOX, NS)
    assert [i[:2] for i in info["identities"]] == [["automation", "command-list"]]


def test_commands_of_one_stage(world):
    def note(name):
        answer = world.romeo.command(name)
        assert answer["status"] == "completed" and answer["notes"][0][0] == "info", answer
        return answer["notes"][0][1]
    assert "paused" in note("playpause")
    assert world.mpv.get("pause") is True
    assert "playing" in note("playpause")
    assert world.mpv.get("pause") is False
    before = world.mpv.get("volume")
    note("quieter")
    assert world.mpv.get("volume") == before - 5
    assert "muted" in note("mute")
    assert world.mpv.get("mute") is True
    assert "playing" in note("now")


def test_menu(world):
    romeo, mpv = world.romeo, world.mpv
    menu = romeo.command("menu")
    assert menu["status"] == "executing" and menu["actions"] == ["complete", "next"], menu
    assert "playing" in menu["words"][0]
    assert {"pause", "seek", "volume", "open"} <= set(menu["fields"]["button"]), menu
    menu = romeo.submit("next", button="pause")
    assert "paused" in menu["words"][0] and mpv.get("pause") is True
    form = romeo.submit("next", button="seek")
    assert form["actions"] == ["complete", "next", "prev"] and "value" in form["fields"], form
    # What is no time is refused, and asked again.
    refused = romeo.submit("next", value="soon")
    assert refused["error"] == "bad-request" and "bad-payload" in refused["xml"], refused
    menu = romeo.submit("next", value="1:23")
    assert re.search(r"1:2[23] of", menu["words"][0]), menu
    assert abs(mpv.get("time-pos") - 83) < 1
    # There and back.
    romeo.submit("next", button="volume")
    menu = romeo.ask("prev", None)
    assert "button" in menu["fields"], menu
    romeo.submit("execute", button="volume")
    menu = romeo.submit("execute", value="40")
    assert "40 %" in menu["words"][0] and mpv.get("volume") == 40
    # A value is asked for, also when this is to be the end.
    form = romeo.submit("complete", button="seek")
    assert form["status"] == "executing", form
    done = romeo.submit("complete", value="+10")
    assert done["status"] == "completed" and "of 10:00" in done["notes"][0][1], done
    assert abs(mpv.get("time-pos") - 93) < 1
    over = romeo.ask("next", None)
    assert over["error"] == "not-allowed" and "session-expired" in over["xml"], over


def test_menu_opens_a_url(world):
    clip = os.path.join(world.host.dir, "clip.wav")
    other = os.path.join(world.host.dir, "other.wav")
    world.host.run(["cp", clip, other])
    world.romeo.command("menu")
    world.romeo.submit("next", button="open")
    refused = world.romeo.submit("next", value="the film, please")
    assert "bad-payload" in refused.get("xml", ""), refused
    done = world.romeo.submit("complete", value="file://" + other)
    assert done["status"] == "completed", done
    wait_until(lambda: world.mpv.get("path") and world.mpv.get("path").endswith("other.wav"), 10,
               lambda: "other.wav; mpv plays %s, and %s" % (world.mpv.get("path"), done))


def test_cancel(world):
    world.romeo.command("menu")
    assert world.romeo.ask("cancel", None)["status"] == "canceled"
    over = world.romeo.ask("next", None)
    assert "session-expired" in over["xml"], over
    assert world.mpv.get("pause") is False


def test_who_may_not(world):
    """juliet may look, as configured, and own nodes, and no more."""
    assert sorted(world.juliet.ask("list", BOX)) == [
        "http://jabber.org/protocol/pubsub#get-pending", BUTTONS + "#now"]
    assert "playing" in world.juliet.command("now")["notes"][0][1]
    for name in ("menu", "playpause", "stop"):
        assert world.juliet.command(name)["error"] == "forbidden"
    assert world.juliet.ask("info", BOX, BUTTONS + "#stop")["error"] == "forbidden"
    assert world.mpv.get("pause") is False


def test_player_dies(world):
    """In the middle of a session: the press fails with a note, and so does the next command."""
    world.romeo.command("menu")
    world.mpv.proc.stop()
    for answer in (world.romeo.submit("next", button="pause"), world.romeo.command("playpause")):
        assert answer["status"] == "completed" and answer["notes"][0][0] == "error", answer


# --- words through a server -----------------------------------------------------------------------

def test_words(world):
    romeo, mpv = world.romeo, world.mpv
    sender, kind, text = romeo.say("Pause")
    assert (sender, kind) == (BOX, "chat") and text.startswith("paused"), text
    assert mpv.get("pause") is True
    assert "40 %" in romeo.say("vol 40")[2] and mpv.get("volume") == 40
    assert "45 %" in romeo.say("louder")[2] and mpv.get("volume") == 45
    assert "of 10:00" in romeo.say("seek 1:30")[2] and abs(mpv.get("time-pos") - 90) < 1
    assert "of 10:00" in romeo.say("back 10")[2] and abs(mpv.get("time-pos") - 80) < 1
    romeo.say("speed 1.5")
    assert mpv.get("speed") == 1.5
    assert romeo.say("PLPZ")[2].startswith("playing") and mpv.get("pause") is False
    assert romeo.say("what's on?")[2].startswith("playing")
    assert "vol 40" in romeo.say("help")[2]
    assert "0 to 100" in romeo.say("vol 400")[2] and mpv.get("volume") == 45
    assert "help" in romeo.say("good morning")[2]
    # A stranger is told, and nobody else.
    heard = romeo.proc.output()
    assert "earshot trust juliet@example.test" in world.juliet.say("stop")[2]
    assert world.juliet.say("np")[2].startswith("playing")
    assert "help" in world.juliet.say("hello")[2]
    assert mpv.get("pause") is False and romeo.proc.output() == heard


def test_words_beside_a_program(world):
    """Somebody at the box listens: words of who may press them press, all else is for him."""
    listener = world.box.follow("stanza", "--listen", name="listen")

    def said_by(user, text):
        user.proc.send_line(json.dumps(["say", BOX, text]))
        return text in listener.output()
    wait_until(lambda: said_by(world.juliet, "anybody there?"), 20, "the listener", step=0.3)
    wait_until(lambda: said_by(world.juliet, "stop"), 10, "what is none of her business", step=0.3)
    world.romeo.say("pause")
    assert world.mpv.get("pause") is True
    wait_until(lambda: said_by(world.romeo, "play it again"), 10, "what is no word", step=0.3)
    assert "<body>pause</body>" not in listener.output() and world.mpv.get("pause") is True
    listener.stop()


# --- on the LAN -----------------------------------------------------------------------------------

LIST = ("<iq to='%s' type='get'><query xmlns='http://jabber.org/protocol/disco#items' node='%s'/></iq>"
        % (TV, NS))
RUN = "<iq to='%s' type='set'><command xmlns='%s' node='%s#%s'/></iq>"


def raw(den, text):
    return den.phone.cli("stanza", stdin=text + "\n").out


def test_commands_on_the_lan():
    with Lan("pronto", "forza", "mallory") as lan:
        den = Den(lan, paired=False)
        # It has a key that nobody vouches for: it may look.
        wait_until(lambda: BUTTONS + "#now" in raw(den, LIST), 20, "the list", step=0.2)
        assert BUTTONS + "#menu" not in raw(den, LIST)
        answer = raw(den, RUN % (TV, NS, BUTTONS, "playpause"))
        assert "forbidden" in answer and den.mpv.get("pause") is False, answer
        assert "playing" in raw(den, RUN % (TV, NS, BUTTONS, "now"))
        listener = den.phone.follow("stanza", "--listen", name="listen")

        def said(text, what):
            den.phone.cli("send", TV, text)
            return re.search(what, listener.output())
        wait_until(lambda: said("pause", "earshot pair " + TV), 20, "who may press", step=0.3)
        assert den.mpv.get("pause") is False
        code, out = den.pair()
        assert code == 0, out
        den.assert_works()
        assert BUTTONS + "#menu" in raw(den, LIST)
        answer = raw(den, RUN % (TV, NS, BUTTONS, "playpause"))
        assert "completed" in answer and "paused" in answer, answer
        assert den.mpv.get("pause") is True
        stage = raw(den, RUN % (TV, NS, BUTTONS, "menu"))
        session = re.search(r"sessionid=['\"]([^'\"]+)", stage).group(1)
        answer = raw(den, "<iq to='%s' type='set'><command xmlns='%s' node='%s#menu' sessionid='%s' "
                     "action='complete'><x xmlns='jabber:x:data' type='submit'><field var='button'>"
                     "<value>play</value></field></x></command></iq>" % (TV, NS, BUTTONS, session))
        assert "completed" in answer and den.mpv.get("pause") is False, answer
        wait_until(lambda: said("pause", "<body>paused"), 20, "the box's answer", step=0.3)
        assert den.mpv.get("pause") is True
        listener.stop()
        den.phone.stop()
        den.tv.stop()


PLAIN = """
[engine]
name = pronto
[lan]
user = tv
mdns = embedded
[player]
kind = mpv
socket = /run/mpv.sock
%s
"""


@pytest.mark.parametrize("policy", ["", "[policy]\nstate = anyone\nbuttons = anyone\n"])
def test_words_of_a_libpurple(lan, policy):
    """It has no key: where everybody may press, it may, and otherwise it is told."""
    mpv = Mpv(lan["pronto"])
    lan["forza"].start_avahi()
    tv = Daemon(lan["pronto"], PLAIN % policy)
    alice = Purple(lan["forza"], "alice")
    alice.until_it_sees("tv@pronto")
    tv.wait_peer("alice@forza.local", 30)
    alice.send("tv@pronto", "pause")
    if policy:
        alice.wait_for("^message tv@pronto paused", 20)
        assert mpv.get("pause") is True
        alice.send("tv@pronto", "Vol 40")
        alice.wait_for("^message tv@pronto .*40 %", 20)
        assert mpv.get("volume") == 40
    else:
        alice.wait_for("^message tv@pronto .*earshot pair tv@pronto.local", 20)
        assert mpv.get("pause") is False
    alice.send("tv@pronto", "help")
    alice.wait_for("^message tv@pronto .*vol 40", 20)
    tv.stop()


BOX_OF = """
[engine]
name = %s
[lan]
user = %s
mdns = embedded
[player]
kind = demo
[policy]
state = anyone
buttons = anyone
"""


def test_two_boxes_do_not_talk(lan):
    """Each answers words. An answer is none, whatever stands in it: nobody presses twice."""
    tv = Daemon(lan["pronto"], BOX_OF % ("pronto", "tv"))
    radio = Daemon(lan["forza"], BOX_OF % ("forza", "radio"))
    radio.wait_peer(TV)
    tv.wait_peer("radio@forza.local")
    for text in ("pause", "help", "what's on"):
        assert radio.cli("send", TV, text).code == 0
    # The answers come to a box where nobody reads them, and end there.
    left = "message not delivered"
    wait_until(lambda: radio.proc.output().count(left) == 3, 20, radio.proc.output)
    assert radio.cli("ping", "-c", "1", TV).code == 0 and tv.cli("ping", "-c", "1",
                                                                 "radio@forza.local").code == 0
    assert radio.proc.output().count(left) == 3 and left not in tv.proc.output()
    assert "paused" in tv.cli("status", TV).out
    assert "playing" in radio.cli("status", "radio@forza.local").out
    radio.stop()
    tv.stop()
