# SPDX-License-Identifier: ISC
"""test_mpris.py: players on D-Bus, driven by `earshot press`; playerctl is the referee."""

import os
import signal
import time

import pytest

from box import Lan
from daemon import Daemon
from desktop import Desktop
from ns import wait_stopped, wait_until

TV = "tv@pronto.local"
TV_CONF = """
[engine]
name = pronto
[lan]
user = tv
mdns = embedded
[player]
kind = mpris
[policy]
buttons = anyone
"""
SOFA_CONF = "[engine]\nname = forza\n[lan]\nuser = sofa\nmdns = embedded\n[player]\nkind = none\n"


@pytest.fixture(scope="module", name="box")
def fixture_box():
    with Lan("pronto", "forza") as lan:
        lan.desk = Desktop(lan["pronto"])
        lan.clips = [lan.desk.clip("one.wav", 440), lan.desk.clip("two.wav", 660)]
        lan.tv = Daemon(lan["pronto"], TV_CONF,
                        wrap=["env", "DBUS_SESSION_BUS_ADDRESS="
                              + lan.desk.env["DBUS_SESSION_BUS_ADDRESS"]])
        lan.sofa = Daemon(lan["forza"], SOFA_CONF)
        lan.sofa.wait_peer(TV)
        yield lan
        lan.sofa.stop()
        lan.tv.stop()


def ask(box, *args):
    return box.sofa.cli("--json", *args)


def press(box, *args):
    answer = ask(box, "press", TV, *args)
    assert answer.code == 0, answer
    return answer.rows[0]


def status(box):
    answer = ask(box, "status", TV)
    return answer.rows[0] if answer.code == 0 else {"player": None, "name": None}


def assert_hangs(box):
    answer = ask(box, "press", TV, "pause")
    assert answer.code == 1 and "remote-server-timeout" in answer.err, answer


def wait_player(box, name):
    wait_until(lambda: (status(box)["name"] or "").startswith(name or "") if name
               else status(box)["player"] in (None, "none"), 20,
               lambda: "%s at %s; %s" % (name, TV, status(box)), step=0.1)


@pytest.fixture(name="player")
def fixture_player(box):
    """Players that end with the test, and are gone from the bus then."""
    started = []

    def start(make, *args, **more):
        started.append(make(*args, **more))
        return started[-1]
    yield start
    for proc in started:
        proc.kill()
        proc.wait()
    if box.desk.bus.poll() is None:
        wait_player(box, None)


def test_vlc(box, player):
    """Every verb that VLC has: its answer, and what playerctl says, are the same."""
    player(box.desk.vlc, box.clips)
    wait_player(box, "VLC")
    ctl = box.desk.playerctl
    row = press(box, "pause")
    assert (row["player"], row["playback"], row["title"]) == ("mpris", "paused", "one.wav")
    assert ctl("vlc", "status") == "Paused"
    row = press(box, "seek", "20")
    assert abs(row["position"] - 20) < 0.5 and abs(float(ctl("vlc", "position")) - 20) < 0.5
    row = press(box, "seek", "+10")
    assert abs(row["position"] - 30) < 0.5 and abs(float(ctl("vlc", "position")) - 30) < 0.5
    assert press(box, "play")["playback"] == "playing"
    assert ctl("vlc", "status") == "Playing"
    assert press(box, "volume", "40")["volume"] == 40
    assert abs(float(ctl("vlc", "volume")) - 0.4) < 0.01
    assert press(box, "mute")["muted"]
    assert float(ctl("vlc", "volume")) == 0
    assert press(box, "mute", "off")["volume"] == 40
    row = press(box, "next")
    assert (row["title"], row["playback"]) == ("two.wav", "playing")
    assert ctl("vlc", "metadata", "xesam:url").endswith("/two.wav")
    assert press(box, "previous")["title"] == "one.wav"
    assert press(box, "shuffle", "on")["shuffle"]
    assert ctl("vlc", "shuffle") == "On"
    assert not press(box, "shuffle")["shuffle"]
    assert ctl("vlc", "shuffle") == "Off"
    for repeat, loop in (("all", "Playlist"), ("one", "Track"), ("off", "None")):
        assert press(box, "repeat", repeat)["repeat"] == repeat
        assert ctl("vlc", "loop") == loop
    assert abs(press(box, "rate", "1.5")["rate"] - 1.5) < 0.01
    assert press(box, "rate", "1")["rate"] == 1
    row = press(box, "open", "file://" + box.clips[1])
    assert (row["title"], row["playback"]) == ("two.wav", "playing")
    assert ctl("vlc", "metadata", "xesam:url").endswith("/two.wav")
    assert press(box, "stop")["playback"] == "stopped"
    assert ctl("vlc", "status") == "Stopped"
    assert ask(box, "press", TV, "queue", "file://" + box.clips[0]).code == 1


def test_what_others_press_is_told(box, player):
    player(box.desk.vlc, box.clips)
    wait_player(box, "VLC")
    follow = box.sofa.follow("--json", "status", TV, "-w", name="follow")
    follow.wait_for('"playing"')
    box.desk.playerctl("vlc", "pause")
    follow.wait_for('"paused"')
    follow.stop()


def rests_and_plays(box):
    """Whether VLC is driven after it, and still plays. It tells what it does a moment later, as it is
    by then: a rest that is over may be told as if it had not been; and of two commands that follow
    each other closely the first may be the one that lasts."""
    box.desk.playerctl("vlc", "pause")
    wait_until(lambda: box.desk.playerctl("vlc", "status") == "Paused", 20, "VLC to rest")
    box.desk.playerctl("vlc", "play")
    wait_until(lambda: box.desk.playerctl("vlc", "status") == "Playing", 20, "VLC to play")
    return all(status(box)["name"].startswith("VLC") and
               box.desk.playerctl("vlc", "status") == "Playing" for _ in range(10))


def test_two_players(box, player):
    """The one that began to play last is driven; one that hangs lets one press down only."""
    vlc = player(box.desk.vlc, box.clips)
    wait_player(box, "VLC")
    player(box.desk.mpv, box.clips)
    wait_player(box, "mpv")
    wait_until(lambda: rests_and_plays(box), 40, "VLC to be the one that played last")
    os.kill(vlc.pid, signal.SIGSTOP)
    wait_stopped(vlc.pid)
    ask(box, "press", TV, "pause")      # is let down, unless a question was just before
    assert press(box, "pause")["name"] == "mpv"
    assert box.desk.playerctl("mpv", "status") == "Paused"
    os.kill(vlc.pid, signal.SIGCONT)
    wait_player(box, "VLC")
    assert box.desk.playerctl("vlc", "status") == "Playing"     # nothing was done late
    vlc.kill()
    vlc.wait()
    wait_player(box, "mpv")


def test_between_two_titles(box, player):
    """A player that is stopped for a moment then: the other one is not driven for that."""
    player(box.desk.mpv, box.clips)
    box.desk.playerctl("mpv", "pause")
    player(box.desk.evil, "gap")
    wait_player(box, "Evil")
    follow = box.sofa.follow("--json", "status", TV, "-w", name="follow")
    follow.wait_for('"Good"')
    box.desk.playerctl("evil", "next")
    follow.wait_for('"stopped"')
    follow.wait_for('"Next one"')
    follow.stop()
    assert '"mpv"' not in follow.output()
    assert press(box, "next")["playback"] == "playing"


def test_bus_restarts(box, player):
    player(box.desk.mpv, box.clips)
    wait_player(box, "mpv")
    box.desk.bus.kill()
    box.desk.bus.wait()
    wait_player(box, None)
    box.desk.start_bus()
    player(box.desk.mpv, box.clips)
    assert press(box, "pause")["playback"] == "paused"


LIES = ["empty", "numbers", "texts", "deep", "structs", "ends", "loud", "many", "long", "huge",
        "error"]


@pytest.mark.parametrize("way", LIES)
def test_lies(box, player, way):
    """Whatever it says, there is a state, clean and in bounds, and the presses go on."""
    evil = player(box.desk.evil, way)
    wait_player(box, "Evil")
    row = status(box)
    assert row["name"].isprintable() and len(row["name"]) < 64
    assert len(row["title"] or "") < 512 and (row["title"] or "").isprintable()
    assert row["volume"] is None or 0 <= row["volume"] <= 1000
    assert row["position"] is None or 0 <= row["position"] <= 1e9
    for words in (("playpause",), ("volume", "+5"), ("seek", "+10"), ("next",), ("repeat",),
                  ("shuffle",), ("rate", "2"), ("stop",)):
        assert ask(box, "press", TV, *words).code in (0, 1), words
    assert evil.poll() is None


def test_refuses(box, player):
    player(box.desk.evil, "refuses")
    wait_player(box, "Evil")
    answer = ask(box, "press", TV, "pause")
    assert answer.code == 1 and "unexpected-request" in answer.err, answer
    assert ask(box, "press", TV, "rate", "2").code == 1     # out of its range


def test_lets_nobody_control(box, player):
    evil = player(box.desk.evil, "stuck")
    wait_player(box, "Evil")
    assert status(box)["can"] in (None, [], "")
    assert ask(box, "press", TV, "pause").code == 1
    assert "pressed" not in evil.output()


def test_acts_but_does_not_change(box, player):
    """It says yes to all: a second later it is told as it is."""
    evil = player(box.desk.evil, "good")
    wait_player(box, "Evil")
    began = time.monotonic()
    assert press(box, "pause")["playback"] == "playing"
    assert 0.8 < time.monotonic() - began < 8
    assert evil.output().count("pressed Pause") == 1


def test_never_answers_a_press(box, player):
    player(box.desk.evil, "silent")
    wait_player(box, "Evil")
    assert_hangs(box)


@pytest.mark.parametrize("way", ["mute", "nonsense"])
def test_is_no_player_at_all(box, player, way):
    """It hides nobody else."""
    player(box.desk.evil, way)
    answer = ask(box, "status", TV)
    assert answer.code != 0, answer
    player(box.desk.mpv, box.clips)
    wait_player(box, "mpv")
    assert press(box, "pause")["playback"] == "paused"


def test_floods(box, player):
    """Everybody else is served meanwhile."""
    player(box.desk.evil, "flood")
    wait_player(box, "Evil")
    for _ in range(5):
        assert box.sofa.cli("ping", TV, "-c", "1").code == 0
    player(box.desk.mpv, box.clips)
    wait_until(lambda: ask(box, "press", TV, "pause").code in (0, 1), 20, "a press")


def test_crowd(box, player):
    """Sixty players and forty names of one: the first are known, and one that comes after them."""
    crowd = player(box.desk.evil, "names")
    wait_player(box, "Evil")
    crowd.kill()
    crowd.wait()
    player(box.desk.mpv, box.clips)
    wait_player(box, "mpv")
