# SPDX-License-Identifier: ISC
"""purple.py: handle of the headless libpurple client (purple.c), for tests against it."""

import os
import subprocess

import box
from ns import Timeout


class Purple:
    """A libpurple client on a host where avahi-daemon runs. Its lines are described in purple.c;
    wait for them with wait_for("^message juliet@pronto …$")."""

    def __init__(self, host, user, port=5298):
        self.started = host, user, port
        self.log_in()

    def log_in(self):
        self.proc = self.start(*self.started)
        self.wait_for("^ready$", 20)

    def until_it_sees(self, buddy):
        """Returns this client when it has that peer in its list. libpurple gives a resolver up for
        good that fails once, as avahi's does 5 s after a machine that was too busy: who logged in
        then has to log in again."""
        for _ in range(3):
            try:
                self.wait_for("^online %s$" % buddy, 30, patience=1)
                return self
            except Timeout:
                self.stop()
                self.log_in()
        self.wait_for("^online %s$" % buddy, 60)
        return self

    @staticmethod
    def start(host, user, port=5298):
        folder = os.path.join(host.dir, "purple-" + user)
        return host.popen([os.path.join(box.BUILD, "tests/lan/purple"), "-u", user,
                           "-p", port, "-d", folder], name="purple-" + user,
                          # What libpurple and its plugins leak is theirs.
                          env={"ASAN_OPTIONS": "detect_leaks=0"}, stdin=subprocess.PIPE)

    def __getattr__(self, name):
        return getattr(self.proc, name)

    def send(self, buddy, text):
        """To user@machine, without .local."""
        self.proc.send_line("send %s %s" % (buddy, text))

    def close_chat(self, buddy):
        self.proc.send_line("close " + buddy)

    def messages(self, buddy):
        """Texts of what came from this peer, in order."""
        start = "message %s " % buddy
        return [line[len(start):] for line in self.proc.lines() if line.startswith(start)]
