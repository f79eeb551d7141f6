# SPDX-License-Identifier: ISC
"""daemon.py: our own programs in a host of the box: earshotd with a configuration, earshot beside it.

    box = Daemon(net["box"], "[player]\\nkind = demo\\n")
    answer = box.cli("--json", "press", "tv@pronto.local", "pause")
    answer.code, answer.rows, answer.out, answer.err
"""

import json
import os
import socket
import tempfile
import time

from box import BUILD
from ns import wait_until


class Answer:
    """What the command line printed: rows are its lines of JSON."""

    def __init__(self, done, seconds=0.0):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.seconds = seconds

    @property
    def rows(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def __repr__(self):
        return "exit %d\nout: %s\nerr: %s" % (self.code, self.out, self.err)


class Daemon:
    """One earshotd. Its socket, state and configuration live in the host's own /run."""

    def __init__(self, host, conf="", name="earshotd", wrap=(), start=True, log=("-v",)):
        self.host, self.name, self.wrap, self.log = host, name, list(wrap), list(log)
        self.dir = "/run/" + name
        os.makedirs(host.path(self.dir), mode=0o755, exist_ok=True)
        self.socket, self.conf = self.dir + "/sock", self.dir + "/conf"
        self.write("conf", conf + "\n[local]\nsocket = %s\n" % self.socket)
        self.proc = None
        if start:
            self.start()

    def write(self, name, text, mode=0o600):
        path = self.host.path(self.dir + "/" + name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return self.dir + "/" + name

    def start(self):
        # One that was killed leaves its socket behind: that is not the new one's.
        if os.path.exists(self.host.path(self.socket)):
            os.unlink(self.host.path(self.socket))
        self.proc = self.host.popen(self.wrap + [os.path.join(BUILD, "earshotd"), "-f", *self.log,
                                                 "-c", self.conf], name=self.name)
        wait_until(lambda: os.path.exists(self.host.path(self.socket)) or
                   self.proc.poll() is not None, 20, "socket of " + self.name)
        assert self.proc.poll() is None, self.proc.output()
        return self.proc

    def stop(self):
        code = self.proc.stop(60)   # longer than others are given: it says goodbye
        assert code == 0, "earshotd ended with %s\n%s" % (code, self.proc.output())

    def argv(self, *args):
        return [os.path.join(BUILD, "earshot"), "--config", self.conf, *args]

    def cli(self, *args, stdin=None, timeout=30):
        return Answer(self.host.run(self.argv(*args), check=False, stdin=stdin,
                                    timeout=timeout))

    def follow(self, *args, **more):
        """A command that goes on; returns the process, see Host.popen."""
        return self.host.popen(self.argv(*args), **more)

    def paths(self, address=None):
        """{link: row} of one destination, as `earshot paths` tells them."""
        answer = self.cli("--json", "paths", *([address] if address else []))
        return {row["link"]: row for row in answer.rows}

    def chosen(self, address):
        return next((k for k, v in self.paths(address).items() if v["chosen"]), None)

    def wait_chosen(self, address, link, timeout=30):
        """Ways that nobody uses are not measured again: where the first measures were a busy machine's,
        somebody asks for life after a while."""
        since = time.monotonic()

        def is_chosen():
            if self.chosen(address) == link:
                return True
            if link is not None and time.monotonic() - since > timeout / 2:
                self.cli("ping", address, "-c", "1", "--timeout", "2")
            return False
        wait_until(is_chosen, timeout,
                   "path %s to %s; they are %s" % (link, address, self.paths(address)), step=0.1)

    def wait_peer(self, address, timeout=20):
        wait_until(lambda: any(row["address"] == address and row["in_earshot"]
                               for row in self.cli("--json", "peers").rows), timeout,
                   "%s in earshot of %s" % (address, self.host.name), step=0.1)


class Mpv:
    """A real mpv without picture and sound, playing a generated clip, in a host of the box."""

    def __init__(self, host, seconds=600, more=(), env=None):
        """more: options for mpv; env: variables."""
        self.host, self.socket = host, "/run/mpv.sock"
        clip = os.path.join(host.dir, "clip.wav")
        host.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i",
                  "sine=frequency=440:sample_rate=8000:duration=%d" % seconds, "-y", clip])
        self.proc = host.popen(["mpv", "--no-config", "--vo=null", "--ao=null", "--idle",
                                "--input-ipc-server=" + self.socket, "--loop-file=inf", *more,
                                clip], env=env)
        wait_until(lambda: self.get("time-pos") is not None, 20, "mpv")

    def get(self, name):
        """A property, asked over mpv's own interface."""
        return self.ask(["get_property", name])

    def set(self, name, value):
        """Sets one likewise."""
        self.ask(["set_property", name, value])

    def ask(self, command):
        # A path below /proc/PID/root may be too long for a socket address: through a short link.
        with tempfile.TemporaryDirectory() as short:
            os.symlink(self.host.path("/run"), short + "/r")
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(20)
                try:
                    sock.connect(short + "/r/mpv.sock")
                except OSError:
                    return None
                sock.sendall(json.dumps({"command": command,
                                         "request_id": 7}).encode() + b"\n")
                for line in sock.makefile():
                    answer = json.loads(line)
                    if answer.get("request_id") == 7:
                        return answer.get("data")
        return None
