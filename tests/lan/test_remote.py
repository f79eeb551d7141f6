# SPDX-License-Identifier: ISC
"""earshot remote in a terminal: what stands on its screen, what its keys do to a real player, and
that it outlives whatever happens to the path, the box and the daemon."""

import os
import re
import signal

import pytest

import box
import test_two_homes
from daemon import Daemon, Mpv
from ns import wait_until
from terminal import Terminal

home = test_two_homes.home      # a fixture

CINEMA = "tv@cinema.local"
DEMO = "tv@pronto.local"
BEHIND = "box.example.test"

BOX = """
[engine]
name = %(host)s
[lan]
user = tv
mdns = embedded
nick = %(nick)s
publish = nick
[player]
kind = %(kind)s
socket = /run/mpv.sock
[policy]
buttons = %(buttons)s
state = anyone
"""

SOFA = """
[engine]
name = sofa
[lan]
user = sofa
mdns = embedded
[player]
kind = none
"""


def box_conf(host, kind, nick, buttons="anyone"):
    return BOX % {"host": host, "kind": kind, "nick": nick, "buttons": buttons}


class Room:
    """A remote control, a box with a real mpv, one with the demo."""

    def __init__(self, lan):
        self.lan = lan
        self.mpv = Mpv(lan["cinema"])
        self.mpv.set("force-media-title", "Der gro\N{LATIN SMALL LETTER SHARP S}e Film")
        self.cinema = Daemon(lan["cinema"], box_conf("cinema", "mpv", "Cinema"))
        self.demo = Daemon(lan["pronto"], box_conf("pronto", "demo", "Kitchen"))
        self.sofa = Daemon(lan["sofa"], SOFA)
        for address in (CINEMA, DEMO):
            self.sofa.wait_peer(address)

    def remote(self, *args, columns=80, rows=24, **more):
        return Terminal(self.lan["sofa"], self.sofa.argv("remote", *args), columns, rows, **more)

    def wait_mpv(self, name, value):
        wait_until(lambda: self.mpv.get(name) == value, 20,
                   lambda: "%s is %r, not %r" % (name, self.mpv.get(name), value))


@pytest.fixture(scope="module")
def place():
    with box.Lan("sofa", "cinema", "pronto") as lan:
        yield Room(lan)


@pytest.fixture
def room(place):
    """Everything as it was."""
    for name, value in (("pause", False), ("volume", 50), ("mute", False), ("speed", 1)):
        place.mpv.set(name, value)
    return place


def seconds(match):
    minutes, rest = match.group(1).split(":")
    return 60 * int(minutes) + int(rest)


# --- the screen and the player --------------------------------------------------------------------

@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 12)])
def test_screen_and_keys(room, columns, rows):
    with room.remote(CINEMA, columns=columns, rows=rows) as screen:
        screen.wait("Der gro\N{LATIN SMALL LETTER SHARP S}e Film")
        screen.wait(r"^ Cinema +.*mpv")
        screen.wait(r"^ lan [0-9.]+ ms  keyed  tv@")
        # By itself, between two states that the box tells.
        first = seconds(screen.wait(r"playing +([\d:]+)"))
        wait_until(lambda: seconds(screen.wait(r"playing +([\d:]+)")) >= first + 2, 20,
                   "the clock on the screen")
        screen.keys("Space")
        room.wait_mpv("pause", True)
        screen.wait(r"paused ")
        screen.keys("+")
        room.wait_mpv("volume", 55.0)
        screen.wait(r"volume +55 %")
        screen.keys("M")
        room.wait_mpv("mute", True)
        screen.wait("muted")
        assert len(screen.screen()) <= rows + 1
        assert all(len(line) <= columns for line in screen.screen())
        screen.keys("q")
        screen.wait("^ended with 0")


def test_pressed_at_the_box(room):
    with room.remote(CINEMA) as screen:
        screen.wait("playing ")
        room.mpv.set("pause", True)
        screen.wait("paused ")
        room.mpv.set("volume", 31)
        screen.wait(r"volume +31 %")
        room.mpv.ask(["seek", 300, "absolute"])
        screen.wait(r"paused +(4:59|5:00) ")
        assert room.sofa.cli("press", CINEMA, "play").code == 0
        screen.wait("playing ")


def test_arrows_without_keys(room):
    """A player that knows media keys, but no arrows, which shows at the first: left and right seek,
    up and down are the volume."""
    with room.remote(DEMO) as screen:
        assert room.sofa.cli("press", DEMO, "pause").code == 0
        assert room.sofa.cli("press", DEMO, "seek", "100").code == 0
        assert room.sofa.cli("press", DEMO, "volume", "50").code == 0
        screen.wait(r"paused +1:40 ")
        screen.wait(r"volume +50 %")
        screen.keys("Right")
        screen.wait(r"paused +1:50 ")
        screen.keys("Left", "Left")
        screen.wait(r"paused +1:30 ")
        screen.keys("Up")
        screen.wait(r"volume +55 %")
        screen.keys("Down", "Down")
        screen.wait(r"volume +45 %")
        screen.wait("^  space", unless="arrows,")
        screen.keys("Enter")
        screen.wait("key ok: refused .*no such button")


def test_arrows_are_keys(room):
    """mpv gets them as keys, and does what its own bindings say: there up is a minute."""
    room.mpv.set("pause", True)
    room.mpv.ask(["seek", 100, "absolute+exact"])
    with room.remote(CINEMA) as screen:
        screen.wait(r"paused +1:(39|40) ")
        screen.wait("arrows, Enter, Esc, h, m, i: keys")
        screen.keys("Up")
        screen.wait(r"paused +2:(39|40) ")
        assert room.mpv.get("volume") == 50


def test_at_the_box_itself(room):
    """There is no path to there, and none is missed."""
    with Terminal(room.lan["pronto"], room.demo.argv("remote", DEMO), 80, 24) as screen:
        screen.wait("playing |paused |stopped ")
        screen.wait(r"^ this machine  tv@pronto\.local")
        screen.keys("M")
        screen.wait("muted")
        assert room.demo.cli("press", DEMO, "mute", "off").code == 0
        screen.wait("volume", unless="muted")


def test_open_url(room):
    with room.remote(CINEMA) as screen:
        screen.wait("playing ")
        screen.keys("o")
        screen.type("no url")
        screen.wait("open: no url")
        screen.keys("Enter")
        screen.wait("that is no URL")
        screen.keys("o")
        screen.type("http://192.0.2.1/\N{LATIN SMALL LETTER A WITH DIAERESIS}")
        screen.keys("BSpace")
        screen.wait(r"open: http://192\.0\.2\.1/$")
        screen.keys("Escape")
        screen.wait("playing ", unless="open:")


def test_list_of_boxes(room):
    with room.remote() as screen:
        screen.wait("^ Boxes in earshot")
        screen.wait(r"> Cinema +tv@cinema\.local +lan .*keyed")
        screen.wait(r"  Kitchen +tv@pronto\.local +lan .*keyed")
        screen.keys("Down")
        screen.wait(r"> Kitchen")
        screen.keys("Enter")
        screen.wait("^ Kitchen +demo")
        screen.wait("Big Buck Bunny|Sintel|Tears of Steel")
        screen.keys("l")
        screen.wait("^ Boxes in earshot")
        screen.keys("Up", "Enter")
        screen.wait("^ Cinema .*mpv")
        screen.wait("Der gro")


def test_box_that_does_not_answer_is_said_so(room):
    with room.remote() as screen:
        screen.wait(r"Kitchen +tv@pronto\.local +lan .*keyed")
        os.kill(room.demo.proc.pid, signal.SIGSTOP)
        try:
            with room.remote() as other:
                other.wait(r"Kitchen +tv@pronto\.local +(does not answer|not in earshot|.*no answer)")
        finally:
            os.kill(room.demo.proc.pid, signal.SIGCONT)
        screen.wait(r"Kitchen +tv@pronto\.local +lan .*keyed", timeout=40)


def test_held_key(room):
    """No more than three of the same are under way: a key that repeats is not saved up."""
    assert room.sofa.cli("press", DEMO, "volume", "10").code == 0
    with room.remote(DEMO) as screen:
        screen.wait(r"volume +10 %")
        os.kill(room.demo.proc.pid, signal.SIGSTOP)
        try:
            screen.keys(*["+"] * 20)
            screen.wait("3 under way")
            screen.keys("?")
            screen.wait("any key goes back")     # the screen goes on
            screen.keys("x")
        finally:
            os.kill(room.demo.proc.pid, signal.SIGCONT)
        screen.wait(r"volume +(15|20|25) %", unless="under way")
        assert room.sofa.cli("status", DEMO, "--json").rows[0]["volume"] <= 25


def test_resized(room):
    with room.remote(CINEMA) as screen:
        screen.wait("playing ")
        screen.resize(39, 12)
        screen.wait("^too small: 39 x 12; needs 40 x 10")
        screen.resize(40, 10)
        screen.wait("playing ")
        screen.wait(r"^ lan .*\? help")
        screen.resize(120, 40)
        screen.wait(r"playing .{80,}")
        assert screen.shows(r"^ lan ").end() and screen.screen()[39].startswith(" lan ")


def test_help_and_boxes_on_the_smallest_screen(room):
    """Page by page, none of it cut."""
    with room.remote(CINEMA, columns=40, rows=10) as screen:
        screen.wait("playing ")
        screen.keys("?")
        screen.wait("^ Keys +any key: more")
        seen = screen.screen()
        for first, last in (("^  Enter ok", r"^  \+ +louder"), ("^  - +softer", "^  t +next subtitles"),
                            ("^  o +open a URL", "^  q +quit")):
            screen.keys("Down")
            screen.wait(first)
            assert screen.shows(last), screen.screen()
            seen += screen.screen()
        assert not any("\N{HORIZONTAL ELLIPSIS}" in line for line in seen if "lan" not in line), seen
        screen.wait("any key goes back")
        screen.keys("Down")
        screen.wait("playing ")
        screen.keys("l")
        screen.wait(r"^  > Cinema +lan [0-9.]+ ms keyed")
        screen.keys("q")
        screen.wait("^ended with 0")


def test_terminal_without_a_second_screen(room):
    """Over an old line: what comes after it begins on an empty line."""
    with room.remote(CINEMA, env={"TERM": "vt100", "LC_ALL": "C"}) as screen:
        screen.wait(r"playing +[\d:]+ +[=-]+")
        screen.keys("q")
        screen.wait("^ended with 0$")


def test_not_a_terminal(room):
    answer = room.sofa.cli("remote", CINEMA)
    assert answer.code == 2 and "needs a terminal" in answer.err and answer.out == "", answer
    for name in ("no-such-thing", "dumb"):
        with room.remote(CINEMA, env={"TERM": name}) as screen:
            screen.wait('terminal of the type "%s"' % name)
            screen.wait("^ended with 2")


# --- the terminal is given back -------------------------------------------------------------------

def pid_of(screen):
    found = []

    def look():
        try:
            found[:] = [screen.pid("earshot")]
        except StopIteration:
            return False
        return True
    wait_until(look, 20, "the process")
    return found[0]


@pytest.mark.parametrize("number, says", [(signal.SIGTERM, "ended with 0"),
                                          (signal.SIGINT, "ended with 0"),
                                          (signal.SIGABRT, "ended with 134"),
                                          (signal.SIGSEGV, "ended with 139")])
def test_terminal_is_restored(room, number, says):
    with room.remote(CINEMA) as screen:
        screen.wait("playing ")
        os.kill(pid_of(screen), number)
        screen.wait(says, unless="playing")
        screen.type("echo")
        screen.wait("echo")     # what is typed is seen again
        mode = screen.host.run([*screen.tmux, "display", "-p",
                                "#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}"]).stdout
        assert mode.split() == ["0", "1", "0"], mode


def test_stopped_and_continued(room):
    with Terminal(room.lan["sofa"], ["bash", "--norc", "-i"], 80, 24) as screen:
        screen.type(" ".join(room.sofa.argv("remote", CINEMA)) + "\r")
        screen.wait("playing ")
        screen.keys("C-z")
        screen.wait("Stopped", unless="playing")
        screen.type("echo $((6 * 7))\r")
        screen.wait("^42$")
        room.mpv.set("pause", True)
        screen.type("fg\r")
        screen.wait("paused ", unless="Stopped")
        screen.keys("Space")
        screen.wait("playing ")
        screen.keys("q")
        screen.wait("Stopped", unless="playing")


@pytest.mark.parametrize("env, coloured", [({"NO_COLOR": "1"}, False), ({}, True)])
def test_colour(room, env, coloured):
    with room.remote(CINEMA, env=env) as screen:
        screen.wait("playing ")
        screen.wait("volume")
        found = re.search("\033\\[[0-9;]*3[0-7]m", "\n".join(screen.screen(colours=True)))
        assert bool(found) == coloured, screen.screen(colours=True)


def test_without_utf8(room):
    with room.remote(CINEMA, env={"LC_ALL": "C"}) as screen:
        screen.wait(r"Der gro\?e Film")
        screen.wait(r"playing +[\d:]+ +[=-]+")


# --- what happens to the others -------------------------------------------------------------------

def test_without_a_daemon(room):
    with Terminal(room.lan["sofa"], room.sofa.argv("--no-daemon", "remote", CINEMA), 80, 24) as screen:
        screen.wait("playing ", timeout=40)
        screen.keys("Space")
        room.wait_mpv("pause", True)
        screen.wait("paused ")


def test_list_without_a_daemon(room):
    with Terminal(room.lan["sofa"], room.sofa.argv("--no-daemon", "remote"), 80, 24) as screen:
        screen.wait(r"Kitchen +tv@pronto\.local +lan .*keyed", timeout=40)
        screen.wait(r"Cinema +tv@cinema\.local +lan .*keyed", timeout=40)
        screen.keys("q")
        screen.wait("^ended with 0")


def test_two_at_once(room):
    """What one presses the other sees."""
    with room.remote(CINEMA) as one, room.remote(CINEMA, columns=40, rows=12) as other:
        one.wait("playing ")
        other.wait("playing ")
        one.keys("Space")
        other.wait("paused ")
        other.keys("+")
        one.wait(r"volume +55 %")


def test_own_daemon_is_restarted(room):
    with room.remote(CINEMA) as screen:
        screen.wait("playing ")
        room.sofa.stop()
        screen.wait("the daemon of this machine left")
        screen.keys("Space")
        screen.wait("playpause: not sent")
        room.sofa.start()
        screen.wait("playing ", timeout=40)
        screen.keys("Space")
        room.wait_mpv("pause", True)
        screen.wait("paused ")


def test_box_is_restarted(room):
    with room.remote(CINEMA) as screen:
        screen.wait("playing ")
        room.cinema.stop()
        screen.wait(r"nobody there|no path|not in earshot|no answer")
        room.cinema.start()
        screen.wait("playing ", timeout=40)
        room.mpv.set("pause", True)
        screen.wait("paused ")


def test_player_is_restarted(room):
    with room.remote(CINEMA) as screen:
        screen.wait("playing ")
        room.mpv.proc.stop()
        screen.wait("no player")
        room.mpv = Mpv(room.lan["cinema"])
        screen.wait("playing ", timeout=40)


def test_refused():
    with box.Lan("sofa", "pronto") as lan:
        Daemon(lan["pronto"], box_conf("pronto", "demo", "Kitchen", "trusted"))
        sofa = Daemon(lan["sofa"], SOFA)
        sofa.wait_peer(DEMO)
        with Terminal(lan["sofa"], sofa.argv("remote", DEMO), 80, 24) as screen:
            screen.wait("playing|paused|stopped")
            screen.keys("Space")
            screen.wait(r"playpause: refused \(not-authorized\): .*")
            screen.wait(r"earshot pair")


@pytest.mark.timeout(240)
def test_other_path(home):
    with Terminal(home.remote.host, home.remote.argv("remote", BEHIND), 80, 24) as screen:
        screen.wait(r"^ lan [0-9.]+ ms ")
        screen.wait("playing ")
        home.net.cut_lan(silent=True)
        screen.wait(r"now by server.*: lan failed: ", timeout=40)
        screen.wait(r"^ server \d{3}\.\d+ ms .*lan: ", timeout=40)
        screen.keys("Space")
        screen.wait("paused ")
        assert home.mpv.get("pause") is True
        home.net.restore_lan()
        screen.wait(r"^ lan [0-9.]+ ms ", timeout=60)
        screen.keys("Space")
        screen.wait("playing ")
        assert home.mpv.get("pause") is False
