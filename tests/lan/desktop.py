# SPDX-License-Identifier: ISC
"""desktop.py: a desktop without a screen in a host of the box: session bus, sound, real players.

    desk = Desktop(net["pronto"])
    vlc = desk.vlc(["one.wav", "two.wav"])
    desk.playerctl("vlc", "status") == "Playing"
"""

import os

from box import ROOT
from ns import wait_until

DIR = "/run/desktop"
BUS = "unix:path=%s/bus" % DIR
CLIPS = "/run/media/clips"      # of /run, only that may be opened
NOBODYS = DIR + "/nobody"
PULSE = NOBODYS + "/sound"
# A session bus for root and nobody; Debian's own session.conf is for one who is not root.
BUS_CONF = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
    <allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
""" % BUS
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Desktop:
    """The bus is there at once; the sound when somebody needs it."""

    env = {"DBUS_SESSION_BUS_ADDRESS": BUS, "PULSE_SERVER": "unix:" + PULSE}

    def __init__(self, host):
        self.host, self.pulse = host, None
        self.home = host.path(DIR)
        os.makedirs(self.home)
        os.mkdir(self.home + "/nobody", 0o700)
        os.chown(self.home + "/nobody", 65534, 65534)
        with open(self.home + "/bus.conf", "w", encoding="utf-8") as f:
            f.write(BUS_CONF)
        self.start_bus()

    def start_bus(self):
        path = self.home + "/bus"
        if os.path.exists(path):
            os.unlink(path)
        self.bus = self.host.popen(["dbus-daemon", "--config-file=%s/bus.conf" % DIR, "--nofork",
                                    "--nopidfile", "--print-address"])
        self.bus.wait_for("unix:path")      # it listens

    def clip(self, name, hertz=440, seconds=60):
        """A sound, whose file everybody may read. Returns its path."""
        os.makedirs(self.host.path(CLIPS), exist_ok=True)
        path = "%s/%s" % (CLIPS, name)
        self.host.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                       "sine=frequency=%d:sample_rate=8000:duration=%d" % (hertz, seconds), "-y",
                       path])
        return path

    def popen(self, argv, **more):
        """Beside the players, as root."""
        return self.host.popen(argv, env=self.env, **more)

    def start_pulse(self):
        """VLC wants a clock: a sink that plays nothing, in time."""
        self.pulse = self.host.popen(
            NOBODY + ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1",
                      "--use-pid-file=no", "-L", "module-null-sink", "-L",
                      "module-native-protocol-unix socket=%s auth-anonymous=1" % PULSE],
            name="pulseaudio", env={"HOME": NOBODYS, "XDG_RUNTIME_DIR": NOBODYS})
        wait_until(lambda: os.path.exists(self.host.path(PULSE)), 10, "pulseaudio")

    def vlc(self, files):
        """VLC refuses to be root."""
        if self.pulse is None:
            self.start_pulse()
        proc = self.host.popen(
            NOBODY + ["vlc", "--intf", "dummy", "--aout", "pulse",
                      "--vout", "dummy", "--no-metadata-network-access"] + files,
            name="vlc", env={"HOME": NOBODYS, "XDG_RUNTIME_DIR": NOBODYS, **self.env})
        self.wait("vlc", "status", "Playing")
        self.wait_time("vlc")
        return proc

    def mpv(self, files):
        proc = self.popen(["mpv", "--no-config", "--no-terminal", "--vo=null", "--ao=null",
                           "--idle", "--script=/usr/lib/mpv-mpris/mpris.so"] + files)
        self.wait("mpv", "status", "Playing")
        self.wait_time("mpv")
        return proc

    def evil(self, *args, name="evil"):
        """evil_mpris.py; returns when it is on the bus."""
        proc = self.popen(["/usr/bin/python3", os.path.join(ROOT, "tests/lan/evil_mpris.py"), name,
                           *args], name="evil")
        proc.wait_for("ready", 20)
        return proc

    def playerctl(self, name, *command):
        """What playerctl says of that player; "" when it knows nothing."""
        return self.host.run(["playerctl", "-p", name, *command], check=False,
                             env=self.env).stdout.strip()

    def wait(self, name, command, text):
        wait_until(lambda: self.playerctl(name, command) == text, 20,
                   lambda: "playerctl -p %s %s: %s instead of %s" % (
                       name, command, self.playerctl(name, command), text), step=0.1)

    def wait_time(self, name):
        """Until its time runs: a seek before that would be lost."""
        wait_until(lambda: float(self.playerctl(name, "position") or 0) > 0, 20,
                   "%s plays" % name, step=0.1)
