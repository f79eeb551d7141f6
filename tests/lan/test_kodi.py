# SPDX-License-Identifier: ISC
"""Kodi 20 as the player: each verb and key by `earshot press`, as Kodi's own interface confirms."""

import signal
import subprocess
import time

import pytest

from box import Lan
from daemon import Daemon
from kodi import Kodi, picture, song, video
from ns import wait_until

TV = "tv@pronto.local"
PRONTO = """
[engine]
name = pronto
[lan]
user = tv
mdns = embedded
[player]
kind = kodi
[policy]
buttons = anyone
state = anyone
"""
FORZA = """
[engine]
name = forza
[lan]
user = sofa
mdns = embedded
[player]
kind = none
"""
SUBSCRIBE = """<iq type='set' to='tv@pronto.local' id='s'>
<pubsub xmlns='http://jabber.org/protocol/pubsub'>
<subscribe node='urn:earshot:buttons:0' jid='sofa@forza.local'/></pubsub></iq>"""


def is_absolute(_verb, button=None, value=None, *more):
    """Whether it means the same when it comes twice."""
    if value is None:
        return button in (None, "play", "pause", "stop")
    return not more and button not in ("key", "queue") and value[0] not in "+-t"


class Room:
    """Kodi and a daemon on pronto; on forza, the thumb."""

    def __init__(self, lan):
        host = lan["pronto"]
        for name in ("one.mkv", "two.mkv", "three.mkv"):
            video(host, name, subtitles=2)
        for name in "abc":
            picture(host, "pictures/%s.png" % name)
        song(host, "song.mp3", title="A song", artist="Ann", album="Disc")
        self.kodi = Kodi(host)
        self.tv = Daemon(host, PRONTO)
        self.sofa = Daemon(lan["forza"], FORZA)
        self.sofa.wait_peer(TV)

    def cli(self, *words, code=0):
        """Words that may be said twice are said again to a Kodi that is too busy to answer in time."""
        answers = []

        def is_answered():
            self.kodi.wait_prompt()
            answers.append(self.sofa.cli("--json", *words[:1], TV, *words[1:]))
            return not ("the player does not answer" in answers[-1].err and is_absolute(*words))
        wait_until(is_answered, 10, lambda: "an answer: %s" % answers)
        answer = answers[-1]
        assert answer.code == code, answer
        return answer.rows[0] if code == 0 else answer.err

    def press(self, *words):
        """The state that the press is answered with."""
        return self.cli("press", *words)

    def lands(self, *words, title):
        """A press that another item comes of, which on a busy machine takes longer than a press."""
        state = self.press(*words)
        if state["title"] != title or state["playback"] != "playing":
            wait_until(lambda: (s := self.status())["title"] == title and
                       s["playback"] == "playing", 10, lambda: "%s instead of %s: %s" % (
                           title, state, self.status()))
        assert self.kodi.label() == title
        return self.status()

    def refused(self, *words):
        self.cli("press", *words, code=1)

    def status(self):
        return self.cli("status")


@pytest.fixture(scope="module")
def room():
    with Lan("pronto", "forza") as lan:
        made = Room(lan)
        yield made
        made.tv.stop()
        made.sofa.stop()


@pytest.fixture
def kodi(room):
    """Kodi at its home window, nothing played, as loud as it can."""
    kodi = room.kodi
    kodi.stop()
    for playlist in (0, 1):
        kodi.call("Playlist.Clear", playlistid=playlist)
    kodi.call("Application.SetMute", mute=False)
    kodi.call("Application.SetVolume", volume=100)
    kodi.call("GUI.ActivateWindow", window="home")
    wait_until(lambda: kodi.window() == "Home", 10, "the home window")
    return kodi


def test_idle(room, kodi):
    state = room.status()
    assert state["player"] == "kodi" and state["name"] == "Kodi"
    assert state["playback"] == "stopped" and state["title"] is None
    assert state["position"] is None and state["volume"] == 100 and state["muted"] is False
    assert sorted(state["can"]) == ["key", "mute", "open", "queue", "volume"]
    for words in (["play"], ["next"], ["seek", "3"], ["rate", "2"], ["shuffle"], ["audio"]):
        room.refused(*words)
    assert room.press("pause")["playback"] == "stopped"
    assert room.press("stop")["playback"] == "stopped"


def test_play_and_pause(room, kodi):
    kodi.play("one.mkv")
    state = room.press("pause")
    assert state["playback"] == "paused" and kodi.get("speed") == 0
    assert state["title"] == "one.mkv" and 59 < state["duration"] < 61
    assert abs(state["position"] - kodi.position()) < 1
    assert room.press("pause")["playback"] == "paused"
    assert room.press("play")["playback"] == "playing" and kodi.get("speed") == 1
    assert room.press("play")["playback"] == "playing"
    assert room.press("playpause")["playback"] == "paused" and kodi.get("speed") == 0
    assert room.press("playpause")["playback"] == "playing" and kodi.get("speed") == 1


def test_stop_and_resume(room, kodi):
    kodi.play("one.mkv", "two.mkv")
    room.lands("next", title="two.mkv")
    state = room.press("stop")
    assert state["playback"] == "stopped" and kodi.player() is None
    assert state["title"] is None and "play" in state["can"] and "seek" not in state["can"]
    room.lands("play", title="two.mkv")


def test_next_and_previous(room, kodi):
    kodi.play("one.mkv", "two.mkv", "three.mkv")
    assert "previous" not in room.status()["can"]
    room.refused("previous")
    room.lands("next", title="two.mkv")
    room.press("seek", "30")    # Kodi's own `previous` would only go back to the start
    room.lands("previous", title="one.mkv")
    room.press("next")
    assert "next" not in room.lands("next", title="three.mkv")["can"]
    room.refused("next")
    assert kodi.label() == "three.mkv"
    room.press("repeat", "all")
    room.lands("next", title="one.mkv")
    room.lands("previous", title="three.mkv")
    room.press("repeat", "off")


def test_seek(room, kodi):
    kodi.play("one.mkv")
    room.press("pause")
    for value, where in (("30", 30), ("+10", 40), ("-25.5", 14.5), ("-100", 0), ("45.25", 45.25)):
        state = room.press("seek", value)
        assert abs(state["position"] - where) < 1.5, (value, state)
        assert abs(kodi.position() - where) < 1.5, value
        assert state["playback"] == "paused"
    room.refused("seek", "61")
    assert abs(kodi.position() - 45.25) < 1.5
    room.press("play")
    state = room.press("seek", "+100")      # past the end is the end
    wait_until(lambda: kodi.player() is None, 10, "the end")


def test_seek_while_it_starts(room, kodi):
    """Kodi takes a seek when a film has hardly begun, says that it was done, and loses it: it is done
    again. A Kodi that is busier than a press may take makes nobody seek in vain once it plays."""
    def told(what):
        return room.tv.proc.output().count(what)

    def seek():
        answer = room.sofa.cli("--json", "press", TV, "seek", "30")
        if answer.code:
            silent.append("the player does not answer" in answer.err)
        return answer.rows[0]["position"] if answer.code == 0 else 0

    for delay in (0, 0.1, 0.3):
        kodi.stop()
        kodi.call("Player.Open", item={"file": kodi.path("one.mkv")})
        wait_until(lambda: kodi.player() is not None, 10, "a player", step=0.001)
        time.sleep(delay)       # not a wait: where in the start the press meets it
        acts, starts, looks = told("-> act"), told("rest -> start"), told("settle -> confirm")
        before, silent = time.monotonic(), []
        position = seek()
        if position <= 28:
            assert told("-> act") > acts + 1 or told("rest -> start") > starts or any(silent) or \
                told("settle -> confirm") < looks + 4, (delay, position)
            wait_until(lambda: seek() > 28, 10, "a seek that is not lost")
        assert 28 < kodi.position() < 32 + time.monotonic() - before, (delay, position)


def test_volume(room, kodi):
    assert room.press("volume", "40")["volume"] == 40 and kodi.app("volume") == 40
    assert room.press("volume", "+15")["volume"] == 55 and kodi.app("volume") == 55
    assert room.press("volume", "-60")["volume"] == 0 and kodi.app("volume") == 0
    assert room.press("volume", "100")["volume"] == 100
    assert room.press("volume", "+5")["volume"] == 100 and kodi.app("volume") == 100
    assert room.press("mute", "on")["muted"] is True and kodi.app("muted") is True
    assert room.press("mute", "on")["muted"] is True and kodi.app("muted") is True
    assert room.press("mute")["muted"] is False and kodi.app("muted") is False
    assert room.press("mute", "toggle")["muted"] is True
    assert room.press("mute", "off")["muted"] is False and kodi.app("muted") is False


def test_rate(room, kodi):
    kodi.play("one.mkv")
    assert room.press("rate", "2")["rate"] == 2 and kodi.get("speed") == 2
    assert room.press("rate", "4")["rate"] == 4 and kodi.get("speed") == 4
    assert room.press("play")["rate"] == 1 and kodi.get("speed") == 1
    assert room.press("rate", "2")["playback"] == "playing"
    assert room.press("rate", "1")["rate"] == 1 and kodi.get("speed") == 1
    for value in ("0.5", "1.5", "3"):
        room.refused("rate", value)
    assert kodi.get("speed") == 1
    state = room.press("pause")
    assert "rate" not in state["can"]
    room.refused("rate", "2")
    assert kodi.get("speed") == 0


def test_shuffle_and_repeat(room, kodi):
    kodi.play("one.mkv", "two.mkv")
    assert room.press("shuffle", "on")["shuffle"] is True and kodi.get("shuffled") is True
    assert room.press("shuffle")["shuffle"] is False and kodi.get("shuffled") is False
    for value in ("all", "one", "off"):
        assert room.press("repeat")["repeat"] == value and kodi.get("repeat") == value
    for value in ("one", "all", "off", "off"):
        assert room.press("repeat", value)["repeat"] == value and kodi.get("repeat") == value


def test_open_and_queue(room, kodi):
    state = room.press("queue", "file://" + kodi.path("two.mkv"))
    assert state["playback"] == "stopped" and "play" in state["can"]
    room.lands("play", title="two.mkv")
    room.lands("open", "file://" + kodi.path("one%2emkv"), title="one.mkv")
    room.press("queue", "file://" + kodi.path("three.mkv"))
    items = kodi.call("Playlist.GetItems", playlistid=kodi.get("playlistid"))["items"]
    assert [item["label"] for item in items] == ["one.mkv", "three.mkv"]
    room.lands("next", title="three.mkv")
    room.refused("open", "file:///nowhere/x.mkv")
    for url in ("plugin://plugin.video.x/", "special://home/x.mkv", "script://x", "/etc/passwd"):
        answer = room.sofa.cli("press", TV, "open", url)
        assert answer.code != 0, answer
    assert kodi.label() == "three.mkv"


def test_open_over_http(room, kodi):
    """Played over the network; and what nobody serves is no player that hangs."""
    server = kodi.host.popen(["/usr/bin/python3", "-um", "http.server", "8000", "--bind",
                              "127.0.0.1", "--directory", kodi.host.dir])
    server.wait_for("Serving")
    assert room.press("open", "http://127.0.0.1:8000/one.mkv")["playback"] == "playing"
    wait_until(lambda: kodi.label() == "one.mkv", 10, "the film")
    before = time.monotonic()
    room.press("open", "http://127.0.0.1:1/x.mkv")
    assert time.monotonic() - before < 8
    wait_until(lambda: room.status()["playback"] == "stopped", 10, "that nothing plays")
    room.press("key", "back")   # Kodi says what failed in a dialogue
    server.stop()


def test_tracks(room, kodi):
    kodi.play("one.mkv")
    state = wait_until(lambda: (s := room.status())["subtitles"] == 2 and s, 10, "the tracks")
    assert state["audio"] == 1 and state["audios"] == 2
    assert room.press("audio")["audio"] == 2 and kodi.get("currentaudiostream")["index"] == 1
    assert room.press("audio")["audio"] == 1 and kodi.get("currentaudiostream")["index"] == 0
    assert room.press("audio", "2")["audio"] == 2 and kodi.get("currentaudiostream")["index"] == 1
    room.refused("audio", "3")
    assert room.press("subtitle", "2")["subtitle"] == 2
    assert kodi.get("currentsubtitle")["index"] == 1 and kodi.get("subtitleenabled") is True
    assert room.press("subtitle")["subtitle"] == 0 and kodi.get("subtitleenabled") is False
    assert room.press("subtitle")["subtitle"] == 1 and kodi.get("currentsubtitle")["index"] == 0
    assert room.press("subtitle", "off")["subtitle"] == 0 and kodi.get("subtitleenabled") is False
    room.refused("subtitle", "3")


def test_music(room, kodi):
    kodi.play("song.mp3")
    state = room.press("pause")
    assert (state["title"], state["artist"], state["album"]) == ("A song", "Ann", "Disc")
    assert state["playback"] == "paused" and kodi.get("speed") == 0
    assert state["subtitles"] == 0 and "subtitle" not in state["can"]
    assert abs(room.press("seek", "20")["position"] - 20) < 1.5


def test_slide_show(room, kodi):
    """Pictures have neither time nor sound, nor a list that could be asked; they begin at once."""
    kodi.call("Player.Open", item={"path": kodi.path("pictures")})
    wait_until(lambda: room.status()["playback"] == "playing", 10, "the show")
    waited = room.tv.proc.output().count("kodi rest -> start")
    state = room.press("pause")
    assert state["playback"] == "paused" and kodi.get("speed") == 0
    first = state["title"]
    assert first in ("a.png", "b.png", "c.png") and state["duration"] is None
    assert "seek" not in state["can"] and "audio" not in state["can"] and "next" in state["can"]
    second = room.press("next")["title"]
    assert second != first
    assert room.press("previous")["title"] == first
    assert room.tv.proc.output().count("kodi rest -> start") == waited, "a picture was waited for"
    assert room.press("stop")["playback"] == "stopped" and kodi.player() is None


def test_keys_move_the_focus(room, kodi):
    first = kodi.focus()
    for key, back in (("down", "up"), ("right", "left")):
        room.press("key", key)
        wait_until(lambda: kodi.focus() != first, 20, key + " to move the focus")
        room.press("key", back)
        wait_until(lambda: kodi.focus() == first, 20, back + " to move it back")
    room.press("key", "down", "down")
    second = wait_until(lambda: (f := kodi.focus()) != first and f, 20, "a key that goes down")
    room.press("key", "down", "held")
    wait_until(lambda: kodi.focus() not in (first, second), 20, "a key that is held")
    third = kodi.focus()
    room.press("key", "down", "up")
    room.press("key", "up")     # were the release no nothing, the focus would not be there now
    wait_until(lambda: kodi.focus() == second, 20, "back from %s to %s" % (third, second))


def test_keys_lead_through_windows(room, kodi):
    room.press("key", "green")
    wait_until(lambda: kodi.window() != "Home", 20, "the window behind green")
    room.press("key", "home")
    wait_until(lambda: kodi.window() == "Home", 20, "home")
    kodi.play("one.mkv")
    kodi.call("GUI.SetFullscreen", fullscreen=True)
    wait_until(lambda: kodi.window() == "Fullscreen video", 20, "the film")
    for key, window in (("info", "Fullscreen info"), ("info", "Fullscreen video"),
                        ("ok", "Fullscreen OSD"), ("back", "Fullscreen video"),
                        ("menu", "Fullscreen OSD"), ("back", "Fullscreen video"), ("back", "Home"),
                        ("full_screen", "Fullscreen video"), ("home", "Home")):
        room.press("key", key)
        wait_until(lambda: kodi.window() == window, 20, "%s to lead to %s from %s" % (
            key, window, kodi.window()))


def test_keys_in_a_film(room, kodi):
    """A key is what the window makes of it: in a film, left is ten seconds back."""
    kodi.play("one.mkv")
    kodi.call("GUI.SetFullscreen", fullscreen=True)
    wait_until(lambda: kodi.window() == "Fullscreen video", 20, "the film")
    room.press("seek", "30")
    room.press("pause")
    room.press("key", "left")
    wait_until(lambda: 18 < kodi.position() < 23, 20, "ten seconds back")
    room.press("key", "fastforward")
    wait_until(lambda: 28 < kodi.position() < 33, 20, "ten seconds on")
    assert room.press("key", "playpause")["playback"] == "playing"
    assert room.press("key", "pause")["playback"] == "paused"
    assert room.press("key", "volumedown")["volume"] == 95
    assert room.press("key", "volumedown", "held")["volume"] == 90
    assert room.press("key", "volumedown", "up")["volume"] == 90
    assert room.press("key", "mute")["muted"] is True
    assert room.press("key", "mute", "held")["muted"] is True
    assert room.press("key", "mute")["muted"] is False
    assert room.press("key", "stop")["playback"] == "stopped" and kodi.player() is None


def test_every_key_is_taken(room, kodi):
    for key in ("up down left right ok back home menu context_menu info epg channelup channeldown "
                "pageup pagedown full_screen red green yellow blue").split():
        room.press("key", key)
    for digit in range(10):
        room.press("key", "numeric_%d" % digit)
    kodi.call("Input.Back")


def test_screen(room, kodi):
    """The digits of a pairing are on Kodi's screen, and no longer than it takes."""
    before = wait_until(lambda: (n := kodi.notification()) == kodi.notification() and n, 10,
                        "a screen at rest")
    pairing = room.sofa.follow("pair", TV, stdin=subprocess.PIPE)
    wait_until(lambda: kodi.notification() != before, 10, "the digits")
    pairing.stop()
    wait_until(lambda: kodi.notification() == before, 20, "a screen without them")


def test_changes_are_told(room, kodi):
    """What somebody does at the box is told, without a question: Kodi says it, and we pass it on."""
    listener = room.sofa.follow("stanza", "--listen")
    # Who does not listen yet when the first one arrives is told no more.
    room.sofa.proc.wait_for("in  local presence")
    answer = room.sofa.cli("stanza", stdin=SUBSCRIBE)
    assert answer.code == 0 and "error" not in answer.out, answer
    kodi.play("one.mkv")
    listener.wait_for("title=.one.mkv")
    for method, params, told in (
            ("Player.PlayPause", {"playerid": 1, "play": False}, "playback=.paused"),
            ("Application.SetVolume", {"volume": 33}, "volume=.33"),
            ("Application.SetMute", {"mute": True}, "muted=.true"),
            ("Player.SetRepeat", {"playerid": 1, "repeat": "one"}, "repeat=.one"),
            ("Player.SetSpeed", {"playerid": 1, "speed": 2}, "rate=.2"),
            ("Player.SetAudioStream", {"playerid": 1, "stream": 1}, "audio=.2"),
            ("Player.Stop", {"playerid": 1}, "playback=.stopped")):
        kodi.call(method, **params)
        listener.wait_for(told)
    listener.stop()


def test_found_by_itself(room, kodi):
    """With kind = auto, and nothing else that plays, it is Kodi which is driven."""
    kodi.play("one.mkv")
    for kind in ("auto", "kodi"):
        room.tv.write("conf", "%s\n[local]\nsocket = %s\n" % (
            PRONTO.replace("kind = kodi", "kind = " + kind), room.tv.socket))
        before = room.tv.proc.output().count("player: Kodi at")
        room.tv.proc.send_signal(signal.SIGHUP)
        room.tv.proc.wait_for("player: Kodi at", count=before + 1)
        wait_until(lambda: room.status()["player"] == "kodi", 10, "Kodi as the player")
        assert room.press("pause")["title"] == "one.mkv" and kodi.get("speed") == 0
        assert room.press("play")["playback"] == "playing" and kodi.get("speed") == 1


def test_frozen(room, kodi):
    kodi.play("one.mkv")
    room.press("pause")
    kodi.freeze()
    try:
        before = time.monotonic()
        answer = room.sofa.cli("press", TV, "play")
        assert answer.code == 1 and time.monotonic() - before < 8, answer
        # The engine goes on meanwhile.
        assert room.sofa.cli("ping", "-c", "1", TV).code == 0
    finally:
        kodi.thaw()
    # Who was told that it failed has not played it: what is late is not done.
    wait_until(lambda: room.sofa.cli("press", TV, "volume", "50").code == 0, 10, "Kodi again")
    assert kodi.get("speed") == 0 and kodi.app("volume") == 50


def test_killed_and_started_again(room, kodi):
    kodi.play("one.mkv")
    assert room.status()["playback"] == "playing"
    kodi.kill()
    answer = wait_until(lambda: (a := room.sofa.cli("press", TV, "pause")).code == 1 and a, 10,
                        "a press that fails")
    assert "player" in answer.err, answer
    kodi.start()
    # A press connects at once, whenever the next try would be. A Kodi that has hardly begun goes back
    # to the volume that its sound server remembers of it: then somebody presses again.
    assert room.press("volume", "60")["volume"] == 60
    wait_until(lambda: kodi.app("volume") == 60 or room.press("volume", "60") and False, 10,
               "the volume that was pressed", step=0.2)
    kodi.play("two.mkv")
    assert room.press("pause")["title"] == "two.mkv"
    kodi.kill()
    wait_until(lambda: room.sofa.cli("press", TV, "pause").code == 1, 10, "a press that fails")
    seen = room.tv.proc.output().count("player: Kodi at")
    kodi.start()
    # Without a press too, within the 30 seconds of its slowest pace.
    room.tv.proc.wait_for("player: Kodi at", 35, count=seen + 1)
