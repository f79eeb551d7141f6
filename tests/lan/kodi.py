# SPDX-License-Identifier: ISC
"""kodi.py: a real Kodi without a screen or sound card in a host of the box, and clips for it.

    video(host, "one.mkv")
    kodi = Kodi(host)
    kodi.call("Player.Open", item={"file": kodi.path("one.mkv")})

Kodi remembers what a directory held: make the clips before it is started.
"""

import json
import os
import signal
import socket
import time

from evil import network_of
from ns import CommandFailed, wait_stopped, wait_until

PORT = 9090
SOURCES = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10"]
SOURCES += ["-f", "lavfi", "-i", "sine=frequency=440", "-f", "lavfi", "-i", "sine=frequency=880"]
ADVANCED = "<advancedsettings><splash>false</splash></advancedsettings>\n"


def video(host, name, seconds=60, subtitles=0):
    """A film with a key frame every second, two sound tracks, and so many of subtitles."""
    path = os.path.join(host.dir, name)
    words = os.path.join(host.dir, "words.srt")
    with open(words, "w", encoding="ascii") as f:
        f.write("1\n00:00:01,000 --> 00:00:50,000\nhello\n")
    maps = [m for i in range(3 + subtitles) for m in ("-map", str(i))]
    host.run(["ffmpeg", "-loglevel", "error", *SOURCES, *["-i", words] * subtitles, *maps,
              "-t", seconds, "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac",
              "-y", path])
    return path


def song(host, name, seconds=60, **tags):
    path = os.path.join(host.dir, name)
    host.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=frequency=440",
              "-t", seconds, *[a for k, v in tags.items() for a in ("-metadata", k + "=" + v)],
              "-y", path])
    return path


def picture(host, name):
    path = os.path.join(host.dir, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    host.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=160x120",
              "-frames:v", "1", "-y", path])
    return path


class Kodi:
    """Kodi, its X server and its sound server."""

    def __init__(self, host):
        self.host = host
        userdata = os.path.join(host.dir, ".kodi/userdata")
        os.makedirs(userdata)
        with open(os.path.join(userdata, "advancedsettings.xml"), "w", encoding="ascii") as f:
            f.write(ADVANCED)
        # Abstract sockets end with the box, as a file in /tmp would not.
        screen = host.popen(["Xvfb", ":7", "-screen", "0", "320x240x24", "-nolock", "-nolisten",
                             "unix", "-nolisten", "tcp", "-listen", "local"])
        sound = host.popen(["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1",
                            "--disable-shm=yes", "--log-target=stderr",
                            "-L", "module-null-sink", "-L", "module-native-protocol-unix"])
        wait_until(lambda: os.path.exists(host.path("/run/user/0/pulse/native")) or
                   sound.poll() is not None, 10, "pulseaudio")
        wait_until(lambda: "@/tmp/.X11-unix/X7" in host.run(["cat", "/proc/net/unix"]).stdout or
                   screen.poll() is not None, 10, "Xvfb")
        self.proc, self.socket, self.count = None, None, 0
        self.start()

    def path(self, name):
        return os.path.join(self.host.dir, name)

    def start(self):
        self.proc = self.host.popen(["/usr/lib/x86_64-linux-gnu/kodi/kodi.bin"],
                                    env={"DISPLAY": ":7", "LIBGL_ALWAYS_SOFTWARE": "1"})
        wait_until(self.connect, 30, lambda: "Kodi\n" + self.proc.output(), step=0.1)
        # Its first window, from where keys lead anywhere.
        wait_until(lambda: self.window() == "Home", 30, "Kodi's home window")

    def connect(self):
        assert self.proc.poll() is None, "Kodi ended:\n" + self.proc.output()
        try:
            with network_of(self.host):
                self.socket = socket.create_connection(("127.0.0.1", PORT), 30)
        except OSError:
            return False
        self.text = ""
        return self.call("JSONRPC.Ping") == "pong"

    def read(self):
        """The next object that it sends."""
        while True:
            try:
                found, end = json.JSONDecoder().raw_decode(self.text)
            except ValueError:
                data = self.socket.recv(65536)
                if not data:
                    raise CommandFailed("Kodi has hung up") from None
                self.text += data.decode()
                continue
            self.text = self.text[end:]
            return found

    def call(self, method, **params):
        """Calls a method over a connection of the test's own; returns its result."""
        self.count += 1
        self.socket.sendall(json.dumps({"jsonrpc": "2.0", "id": self.count, "method": method,
                                        "params": params}).encode())
        while (answer := self.read()).get("id") != self.count:
            pass
        if "error" in answer:
            raise CommandFailed("%s %s: %s" % (method, params, answer["error"]))
        return answer["result"]

    def is_prompt(self):
        begun = time.monotonic()
        return self.call("JSONRPC.Ping") == "pong" and time.monotonic() - begun < 0.2

    def wait_prompt(self):
        """On a busy machine Kodi may be away for seconds: whoever presses then is told so."""
        wait_until(self.is_prompt, 20, "a Kodi that answers at once")

    def window(self):
        return self.call("GUI.GetProperties", properties=["currentwindow"])["currentwindow"]["label"]

    def focus(self):
        return self.call("GUI.GetProperties",
                         properties=["currentcontrol"])["currentcontrol"]["label"]

    def notification(self):
        """The pixels of the place where Kodi shows a line of text."""
        return self.host.run(["ffmpeg", "-loglevel", "error", "-f", "x11grab", "-video_size",
                              "320x240", "-i", ":7", "-frames:v", "1", "-vf", "crop=100:20:218:18",
                              "-f", "framemd5", "-"]).stdout

    def app(self, name):
        return self.call("Application.GetProperties", properties=[name])[name]

    def player(self):
        """The id of what plays, None: nothing."""
        players = self.call("Player.GetActivePlayers")
        return players[0]["playerid"] if players else None

    def get(self, name):
        """A property of what plays, None: nothing does."""
        player = self.player()
        if player is None:
            return None
        try:
            return self.call("Player.GetProperties", playerid=player, properties=[name])[name]
        except CommandFailed:
            return None     # it has ended meanwhile

    def position(self):
        at = self.get("time") or dict.fromkeys(("hours", "minutes", "seconds", "milliseconds"), 0)
        # While a film starts it is a little below zero.
        return max(0, at["hours"] * 3600 + at["minutes"] * 60 + at["seconds"] +
                   at["milliseconds"] / 1000)

    def label(self):
        """The file name of what plays."""
        player = self.player()
        if player is None:
            return None
        return os.path.basename(self.call("Player.GetItem", playerid=player,
                                          properties=["file"])["item"]["file"])

    def play(self, *names):
        """Plays the first, with the others after it, from its start."""
        self.stop()
        for playlist in (0, 1):
            self.call("Playlist.Clear", playlistid=playlist)
        self.call("Player.Open", item={"file": self.path(names[0])})
        while self.read().get("method") != "Player.OnAVStart":
            pass
        for name in names[1:]:
            self.call("Playlist.Add", playlistid=self.get("playlistid"),
                      item={"file": self.path(name)})

    def stop(self):
        player = self.player()
        if player is not None:
            self.call("Player.Stop", playerid=player)
            wait_until(lambda: self.player() is None, 10, "nothing that plays")

    def freeze(self):
        self.proc.send_signal(signal.SIGSTOP)
        wait_stopped(self.proc.pid)

    def thaw(self):
        self.proc.send_signal(signal.SIGCONT)

    def kill(self):
        self.proc.kill()
        self.proc.wait()
        self.socket.close()
