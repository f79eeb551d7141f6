# SPDX-License-Identifier: ISC
"""The command line with an engine of its own: what it waits for, and what it leaves alone."""

import os
import socket
import subprocess
import threading
import time

import pytest

import box
from daemon import Daemon
from ns import wait_until

EARSHOT = os.path.join(box.BUILD, "earshot")
EARSHOTD = os.path.join(box.BUILD, "earshotd")
TV = "[engine]\nname = pronto\n[lan]\nuser = tv\nmdns = embedded\n[player]\nkind = demo\n" \
     "[policy]\nbuttons = anyone\nstate = anyone\n"
SOFA = "[engine]\nname = forza\n[lan]\nuser = sofa\nmdns = embedded\n"


def test_a_peer_may_come_late():
    """It appears two seconds after it was asked for."""
    with box.Lan("pronto", "forza") as lan:
        tv, sofa = Daemon(lan["pronto"], TV, start=False), Daemon(lan["forza"], SOFA, start=False)
        press = sofa.follow("--no-daemon", "press", "tv@pronto.local", "pause")
        time.sleep(2)
        assert press.poll() is None, press.output()
        tv.start()
        assert press.wait(60) == 0, press.output()
        assert "paused" in press.output()


def test_nobody_comes():
    """It ends when the time is over, not much later."""
    with box.Lan("forza") as lan:
        sofa = Daemon(lan["forza"], SOFA, start=False)
        began = time.monotonic()
        answer = sofa.cli("--no-daemon", "--timeout", "2.5", "press", "tv@pronto.local", "pause")
        assert answer.code == 4 and "nobody there" in answer.err, answer
        assert 2 < time.monotonic() - began < 9     # which is less than without --timeout


@pytest.fixture
def server():
    """Takes connections and says nothing; .connections is how many there were."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept = []

    def serve():
        while True:
            try:
                kept.append(listener.accept()[0])
            except OSError:
                return
    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], kept
    listener.close()
    for conn in kept:
        conn.close()


def test_the_component_stays_with_the_daemon(server, tmp_path):
    """A second connection for the domain would take, or share, what is for the first."""
    port, connections = server
    conf, secret = tmp_path / "conf", tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    conf.write_text("[lan]\nenabled = no\n[player]\nkind = none\n[local]\nsocket = %s\n[server]\n"
                    "kind = component\njid = tv.example.test\nport = %d\nsecret-file = %s\n" %
                    (tmp_path / "sock", port, secret))
    argv = [EARSHOT, "--config", conf, "--no-daemon", "--timeout", "1", "ping", "-c", "1",
            "romeo@example.test"]
    with subprocess.Popen([EARSHOTD, "-c", conf]) as daemon:
        try:
            wait_until(lambda: connections, 10, "the daemon's connection")
            done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 4, done
            assert "the daemon is connected as tv.example.test" in done.stderr
            assert len(connections) == 1
        finally:
            daemon.terminate()
        assert daemon.wait(60) == 0
    subprocess.run(argv, capture_output=True, timeout=20, check=False)
    assert len(connections) == 2
