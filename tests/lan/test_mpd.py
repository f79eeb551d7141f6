# SPDX-License-Identifier: ISC
"""test_mpd.py: MPD driven by `earshot press` from another machine, with mpc as the referee."""

import os

import pytest

from box import Lan
from daemon import Daemon
from ns import wait_until

TV = "tv@pronto.local"
TV_CONF = """
[engine]
name = pronto
[lan]
user = tv
mdns = embedded
[player]
kind = mpd
secret-file = /run/secret
[policy]
buttons = anyone
"""
SOFA_CONF = "[engine]\nname = forza\n[lan]\nuser = sofa\nmdns = embedded\n[player]\nkind = none\n"
MPD_CONF = """
music_directory "%s"
bind_to_address "/run/mpd/socket"
db_file "/run/mpd/db"
auto_update "no"
zeroconf_enabled "no"
password "sesame@read,add,control,admin"
default_permissions ""
audio_output {
    type "null"
    name "nobody"
    mixer_type "software"
}
"""


class Mpd:
    """A real MPD where Debian has it, that plays to nobody."""

    def __init__(self, host):
        self.host, self.music = host, os.path.join(host.dir, "music")
        os.mkdir(self.music)
        for i in (1, 2):
            host.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                      "sine=frequency=%d:duration=60" % (300 * i), "-ac", "1", "-ar", "8000",
                      "-metadata", "title=Song %d" % i, "-metadata", "artist=Artist",
                      os.path.join(self.music, "song%d.ogg" % i)])
        os.makedirs(host.path("/run/mpd"))
        self.conf = os.path.join(host.dir, "mpd.conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(MPD_CONF % self.music)
        with open(os.open(host.path("/run/secret"), os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="utf-8") as f:
            f.write("sesame\n")
        self.start()

    def start(self):
        self.proc = self.host.popen(["mpd", "--no-daemon", "--stderr", self.conf])
        wait_until(lambda: self.mpc("status", check=False) != "", 20, "mpd")
        self.mpc("update", "--wait")
        self.mpc("add", "song1.ogg", "song2.ogg")

    def mpc(self, *args, check=True):
        return self.host.run(["mpc", "--host", "sesame@/run/mpd/socket", *args],
                             check=check).stdout.strip()


@pytest.fixture(scope="module", name="box")
def fixture_box():
    with Lan("pronto", "forza") as lan:
        lan.mpd = Mpd(lan["pronto"])
        lan.tv = Daemon(lan["pronto"], TV_CONF)
        lan.sofa = Daemon(lan["forza"], SOFA_CONF)
        lan.sofa.wait_peer(TV)
        yield lan
        lan.sofa.stop()
        lan.tv.stop()


def press(box, *args):
    answer = box.sofa.cli("--json", "press", TV, *args)
    assert answer.code == 0, answer
    return answer.rows[0]


def test_presses_have_their_effect(box):
    mpc = box.mpd.mpc
    row = press(box, "play")
    assert (row["player"], row["name"], row["playback"], row["title"], row["artist"]) == \
        ("mpd", "MPD", "playing", "Song 1", "Artist")
    assert mpc("current", "-f", "%title%") == "Song 1"
    assert press(box, "pause")["playback"] == "paused"
    assert mpc("status", "%state%") == "paused"
    assert press(box, "seek", "20")["position"] == 20
    assert mpc("status", "%currenttime%") == "0:20"
    assert press(box, "volume", "40")["volume"] == 40
    assert press(box, "mute")["muted"]
    assert mpc("status", "%volume%") == "0%"
    assert press(box, "mute", "off")["volume"] == 40
    assert mpc("status", "%volume%") == "40%"
    assert press(box, "next")["title"] == "Song 2"
    assert press(box, "shuffle", "on")["shuffle"]
    assert mpc("status", "%random%") == "on"
    press(box, "shuffle", "off")
    assert press(box, "key", "volumeup")["volume"] == 45
    assert press(box, "open", "file://%s/song1.ogg" % box.mpd.music)["title"] == "Song 1"
    assert mpc("current", "-f", "%position%") == "3"


def test_opens_from_the_network(box):
    port = 8000     # of the host's own network
    server = box["pronto"].popen(["/usr/bin/python3", "-u", "-m", "http.server", "--bind",
                                  "127.0.0.1", str(port)], cwd=box.mpd.music)
    server.wait_for("Serving HTTP")
    assert press(box, "open", "http://127.0.0.1:%d/song2.ogg" % port)["playback"] == "playing"
    # The name of the file, until MPD has read the tags.
    wait_until(lambda: box.sofa.cli("--json", "status", TV).rows[0]["title"] == "Song 2", 10, "title")
    server.stop()


def test_what_others_do_is_told(box):
    press(box, "volume", "40")
    wait_until(lambda: box.sofa.cli("--json", "status", TV).rows[0]["volume"] == 40, 10, "40")
    box.mpd.mpc("volume", "33")
    wait_until(lambda: box.sofa.cli("--json", "status", TV).rows[0]["volume"] == 33, 10, "33")


def test_dies_and_comes_back(box):
    box.mpd.proc.kill()
    box.mpd.proc.wait()
    answer = box.sofa.cli("press", TV, "play")
    assert answer.code != 0, answer
    box.mpd.start()
    assert press(box, "play")["playback"] == "playing"
    assert "sesame" not in box.tv.proc.output()
