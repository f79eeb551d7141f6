# SPDX-License-Identifier: ISC
"""terminal.py: a program in a terminal of a host, by tmux: what stands on its screen, and keys.

    with Terminal(lan["forza"], sofa.argv("remote"), columns=80, rows=24) as screen:
        screen.keys("Space")
        screen.wait("paused")
"""

import re
import shlex

from ns import wait_until


class Terminal:
    """One terminal; env are variables for the program. Without argv, a shell."""

    count = 0

    def __init__(self, host, argv=(), columns=120, rows=40, env=None):
        Terminal.count += 1
        self.host = host
        self.tmux = ["tmux", "-S", "/run/tmux-%d" % Terminal.count, "-f", "/dev/null"]
        argv = ["env", *("%s=%s" % kv for kv in (env or {}).items()), *(argv or ["sh"])]
        # What the program leaves behind stays to be read.
        host.run([*self.tmux, "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  shlex.join(map(str, argv)) + "; echo ended with $?; cat", ";",
                  "set", "status", "off", ";", "set", "-s", "escape-time", "0"])
        self.resize(columns, rows)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.host.run([*self.tmux, "kill-server"], check=False)

    def resize(self, columns, rows):
        self.host.run([*self.tmux, "resize-window", "-x", str(columns), "-y", str(rows)])

    def keys(self, *keys):
        self.host.run([*self.tmux, "send-keys", *keys])

    def type(self, text):
        self.host.run([*self.tmux, "send-keys", "-l", text])

    def paste(self, text):
        self.host.run([*self.tmux, "set-buffer", text])
        self.host.run([*self.tmux, "paste-buffer", "-p", "-r"])

    def screen(self, colours=False):
        """The rows of the screen, empty ones as well."""
        return self.host.run([*self.tmux, "capture-pane", "-p", *(["-e"] if colours else [])]
                             ).stdout.split("\n")

    def lines(self):
        return [line for line in self.screen() if line.strip()]

    def shows(self, pattern):
        return re.search(pattern, "\n".join(self.screen()), re.MULTILINE)

    def wait(self, pattern, timeout=20, unless=None):
        """Until the pattern is on the screen, and `unless` is not; returns the match."""
        found = []

        def look():
            text = "\n".join(self.screen())
            found[:] = [re.search(pattern, text, re.MULTILINE)]
            return found[0] and not (unless and re.search(unless, text, re.MULTILINE))
        wait_until(look, timeout,
                   lambda: "%s on the screen:\n%s" % (pattern, "\n".join(self.screen())), step=0.1)
        return found[0]

    def pid(self, name):
        """Of the program of that name in this terminal."""
        tty = self.host.run([*self.tmux, "display", "-p", "#{pane_tty}"]).stdout.strip()
        found = self.host.run(["ps", "-t", tty, "-o", "pid=,comm="]).stdout.split("\n")
        return next(int(line.split()[0]) for line in found if line.split()[1:] == [name])
