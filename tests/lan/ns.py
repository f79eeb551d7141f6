# SPDX-License-Identifier: ISC
"""ns.py: namespaces that end with the test: anchors, the guard, processes inside.

A namespace here has no name and no file: it lives as long as its anchor process. The guard, a
process of its own session, holds the list of them and reads a pipe from us. When the pipe closes,
because we close it or because we died of whatever signal, it kills everything that still runs in
those namespaces and removes the scratch directory. So there is one clean-up, and every run uses it.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

MARK = "EARSHOT_BOX"    # in the environment of everything that a box starts

# A limit of a test is what a quiet machine needs at the very most, since what never comes costs that
# much. A slower machine, or one with others beside the tests, is given so many times as long.
PATIENCE = 3


class CommandFailed(AssertionError):
    """A command inside a box ended otherwise than the test wanted; carries its output."""


class Timeout(AssertionError):
    """A condition did not come true in time."""


def wait_until(cond, timeout=20.0, what="condition", step=0.02, patience=PATIENCE):
    """Calls cond() until its result is true, and returns that result."""
    timeout *= patience
    end = time.monotonic() + timeout
    while True:
        got = cond()
        if got:
            return got
        if time.monotonic() >= end:
            raise Timeout("%s: not within %g s" % (what() if callable(what) else what, timeout))
        time.sleep(step)


def is_stopped(pid):
    """Whether every thread of it has come to the stop that SIGSTOP asks for."""
    states = []
    for task in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(OSError), open("/proc/%d/task/%s/stat" % (pid, task),
                                                encoding="utf-8", errors="replace") as f:
            states.append(f.read().rpartition(")")[2].split()[0])
    return all(state in "TtZX" for state in states)


def wait_stopped(pid):
    """On a busy machine others of its threads may go on for a while after the signal."""
    wait_until(lambda: is_stopped(pid), 20, "process %d to stop" % pid, step=0.005)


class Proc(subprocess.Popen):
    """A process in a namespace. Its output goes to the file .log unless the caller took it."""

    log = None

    def output(self):
        """Everything it has written so far."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def lines(self):
        return self.output().splitlines()

    def wait_for(self, pattern, timeout=20.0, count=1, patience=PATIENCE):
        """Waits until pattern was written `count` times; returns the match of that number. One that
        goes up to the end of a line is not looked for in a line that is half written."""
        def found():
            ended = self.poll() is not None     # before its output is read: that may be its last
            text = self.output()
            if pattern.endswith(("$", ".*", ".*)")) and not ended:
                text = text[:text.rfind("\n") + 1]
            hits = list(re.finditer(pattern, text, re.MULTILINE))
            if len(hits) >= count:
                return hits[count - 1]
            if ended:
                raise CommandFailed("%s ended with %s before writing %r:\n%s" % (
                    self.args[-1], self.returncode, pattern, self.output()))
            return None
        return wait_until(found, timeout, lambda: "%s: /%s/ x%d in\n%s" % (
            os.path.basename(self.log), pattern, count, self.output()), patience=patience)

    def send_line(self, text):
        """One line to its standard input, which must be a pipe."""
        self.stdin.write(text + "\n")
        self.stdin.flush()

    def stop(self, timeout=5.0 * PATIENCE):
        """SIGTERM, then SIGKILL; returns the exit status."""
        if self.poll() is None:
            self.terminate()
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe:
                pipe.close()
        return self.returncode


class Guard:
    """Ends what we started when we end. See the top of this file."""

    def __init__(self, scratch):
        self.proc = subprocess.Popen(
            [sys.executable, "-I", os.path.abspath(__file__), scratch], stdin=subprocess.PIPE,
            start_new_session=True, text=True, cwd="/")

    def watch(self, pid):
        self.proc.stdin.write("%d\n" % pid)
        self.proc.stdin.flush()

    def close(self):
        self.proc.stdin.close()
        if self.proc.wait(30 * PATIENCE):
            raise RuntimeError("a process in a box could not be killed, or a file not removed")


class Namespace:
    """Network, mount and UTS namespaces, held by an anchor. /run and /dev/shm are empty tmpfs (what
    a killed program leaves there goes with them), lo is up."""

    SETUP = """set -e
        mount -t tmpfs -o mode=755 tmpfs /run
        [ ! -d /dev/shm ] || mount -t tmpfs -o mode=1777 tmpfs /dev/shm
        mkdir -p /run/lock /run/dbus; mkdir -p -m 700 /run/user/0
        hostname "$1"
        cd /proc/sys/net/ipv6/conf
        echo 0 >all/accept_dad; echo 0 >default/accept_dad
        echo 0 >all/accept_ra; echo 0 >default/accept_ra
        echo "$3" >all/disable_ipv6; echo "$3" >default/disable_ipv6
        cd /
        ip link set lo up
        if [ ! -f /etc/hosts ] || [ ! -f /etc/resolv.conf ]; then
            # A very bare system: nothing to mount over. A folder of links has room for both.
            mkdir /run/etc; mount --bind /etc /run/etc; mount -t tmpfs tmpfs /etc
            ln -s /run/etc/* /etc/; rm -f /etc/hosts /etc/resolv.conf
            : >/etc/hosts; : >/etc/resolv.conf
        fi
        mount --bind "$2/hosts" /etc/hosts
        mount --bind "$2/resolv.conf" /etc/resolv.conf
        echo ready
        exec cat"""

    def __init__(self, guard, name, scratch, ipv6=True):
        self.anchor = subprocess.Popen(
            ["unshare", "-n", "-m", "-u", "--propagation", "private", "sh", "-c", self.SETUP,
             "anchor", name, scratch, "0" if ipv6 else "1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self.anchor.stdout.readline() != "ready\n":
            raise CommandFailed("cannot make a namespace: is this root, and allowed to?")
        guard.watch(self.anchor.pid)

    @property
    def pid(self):
        return self.anchor.pid

    def enter(self, argv, cwd=None):
        """The command line that runs argv in here; nsenter execs, so the process id is argv's."""
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-u",
                "--wdns=" + (cwd or os.getcwd()), "--"] + [str(a) for a in argv]

    def ip(self, *lines):
        """Runs ip(8) commands in one batch."""
        done = subprocess.run(self.enter(["ip", "-batch", "-"]), input="\n".join(lines) + "\n",
                              text=True, capture_output=True, timeout=30 * PATIENCE, check=False)
        if done.returncode:
            raise CommandFailed("ip: %s\n%s" % ("; ".join(lines), done.stderr))

    def close(self):
        self.anchor.stdin.close()
        self.anchor.wait()
        self.anchor.stdout.close()


def inhabitants(spaces):
    """Ids of the processes whose network namespace is one of spaces, a set of (dev, ino)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            st = os.stat("/proc/%s/ns/net" % pid)
        except OSError:
            continue
        if (st.st_dev, st.st_ino) in spaces and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def guard_main(scratch):
    """The guard's own program. The descriptors keep each namespace's number from being reused."""
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    held = []
    for line in sys.stdin:
        try:
            held.append(os.open("/proc/%d/ns/net" % int(line), os.O_RDONLY))
        except OSError:
            pass
    spaces = {(st.st_dev, st.st_ino) for st in map(os.fstat, held)}
    end = time.monotonic() + 20 * PATIENCE
    while (left := inhabitants(spaces)) and time.monotonic() < end:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
    shutil.rmtree(scratch, ignore_errors=True)
    return 1 if left or os.path.exists(scratch) else 0


if __name__ == "__main__":
    sys.exit(guard_main(sys.argv[1]))
