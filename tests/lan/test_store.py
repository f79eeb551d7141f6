# SPDX-License-Identifier: ISC
"""test_store.py: where a daemon stores nodes, as its configuration says, and when."""

import os
import shutil
import signal
import sqlite3

import pytest

from box import BUILD
from daemon import Daemon
from ns import wait_until

CONF = """
[engine]
name = pronto
state = /run/s
[lan]
user = tv
mdns = embedded
[player]
kind = none
"""
POSTGRES = "[store]\nkind = postgres\nurl = host=/run dbname=earshot\n"
OPEN_KIB = 500  # what an open database costs is more


def resident(daemon):
    with open("/proc/%d/status" % daemon.proc.pid, encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def test_at_rest(lan):
    """Nothing is made, and no database is opened, before somebody needs it."""
    without = Daemon(lan["pronto"], CONF + "[store]\nkind = none\n")
    daemon = Daemon(lan["forza"], CONF.replace("pronto", "forza"))
    for one in without, daemon:
        one.proc.wait_for("on the LAN as tv@")
        assert one.cli("paths").code == 0
    assert resident(daemon) < resident(without) + OPEN_KIB
    state = os.listdir(lan["forza"].path("/run/s"))
    assert not [name for name in state if name.startswith(("pubsub", "spool"))], state
    without.stop()
    daemon.stop()


@pytest.mark.parametrize("store, wrong", [
    ("kind = none\npath = /run/x.db\n", "store.path: is the file of kind = sqlite"),
    ("url = host=/run\n", "store.url: is for kind = postgres"),
    ("kind = postgres\n", "store.url: missing"),
    ("kind = postgres\nurl = postgresql://a:b@192.0.2.5/x\n", "store.url: holds a password"),
    ("kind = postgres\nurl = host=/run\nsecret-file = /run/none\n",
     "store.secret-file: /run/none: No such file"),
    ("kind = mysql\n", ":11: kind = \"mysql\" is not one of sqlite, postgres, none"),
])
def test_what_does_not_fit(lan, store, wrong):
    daemon = Daemon(lan["pronto"], CONF + "[store]\n" + store, start=False)
    done = lan["pronto"].run([os.path.join(BUILD, "earshotd"), "--check-config", "-c",
                              daemon.conf], check=False)
    assert done.returncode == 3 and wrong in done.stderr, done.stderr
    assert "a:b" not in done.stderr


def test_what_is_not_ours(lan, tmp_path):
    """A later version's, and what another program has in that place: left as it is."""
    host, made = lan["pronto"], tmp_path / "x.db"
    daemon = Daemon(host, CONF + "[store]\npath = /run/x.db\n", start=False)
    argv = [os.path.join(BUILD, "earshotd"), "-c", daemon.conf]
    for sql, wrong in (("CREATE TABLE other (x)", "a database of something else"),
                       ("PRAGMA user_version = 1000",
                        "a later earshotd has written it (version 1000")):
        with sqlite3.connect(made) as db:
            db.execute(sql)
        shutil.copy(made, host.path("/run/x.db"))
        done = host.run(argv, check=False)
        assert done.returncode == 3
        assert "/run/x.db: " + wrong in done.stderr
        with open(host.path("/run/x.db"), "rb") as f:
            assert f.read() == made.read_bytes()


def test_no_database_yet(lan):
    """One that is not there is no reason not to start; another password for it needs another
    engine, the same one does not."""
    daemon = Daemon(lan["pronto"], start=False)
    secret = daemon.write("secret", "first\n")
    conf = CONF + POSTGRES + "secret-file = %s\n" % secret
    daemon.write("conf", conf + "[local]\nsocket = %s\n" % daemon.socket)
    daemon.start()
    daemon.proc.wait_for("warning: store: ")
    assert daemon.cli("paths").code == 0
    daemon.proc.send_signal(signal.SIGHUP)
    daemon.proc.wait_for("configuration read again")
    assert "starts anew" not in daemon.proc.output()
    daemon.write("secret", "second\n")
    daemon.proc.send_signal(signal.SIGHUP)
    daemon.proc.wait_for("store.secret-file: another secret")
    daemon.proc.wait_for("the engine starts anew")
    wait_until(lambda: daemon.cli("paths").code == 0, 20, "the other engine")
    assert "first" not in daemon.proc.output() and "second" not in daemon.proc.output()
    daemon.stop()
