# SPDX-License-Identifier: ISC
"""test_units.py: the units for systemd: valid, closed up, and one like the other where they can."""

import glob
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIST = os.path.join(ROOT, "tools/dist")
EXPOSURE_MAX = 2.0


def text_of(name):
    with open(os.path.join(DIST, name), encoding="utf-8") as f:
        return f.read()


def settings(name):
    return re.findall(r"^(\w+)=(.*)$", text_of(name), re.MULTILINE)


@pytest.fixture
def installed(tmp_path):
    """The units as `make install` leaves them, with a program that exists."""
    for path in glob.glob(DIST + "/*.service"):
        name = os.path.basename(path)
        program = tmp_path / "earshotd"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        (tmp_path / name.replace(".user", "-user")).write_text(
            text_of(name).replace("@BINDIR@", str(tmp_path)))
    return tmp_path


def analyze(*args):
    return subprocess.run(["systemd-analyze", "--no-pager", *args], capture_output=True, text=True,
                          timeout=60, check=False,
                          env=dict(os.environ, XDG_RUNTIME_DIR=os.environ.get(
                              "XDG_RUNTIME_DIR", "/tmp")))


def test_exposure(installed):
    done = analyze("security", "--offline=true", str(installed / "earshotd.service"))
    figure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert figure, done.stdout + done.stderr
    assert float(figure.group(1)) <= EXPOSURE_MAX, done.stdout


@pytest.mark.parametrize("name, scope", [("earshotd.service", "--system"),
                                         ("earshotd-user.service", "--user")])
def test_verify(installed, name, scope):
    done = analyze("verify", "--man=no", scope, str(installed / name))
    said = [line for line in done.stderr.splitlines() if name in line]
    assert done.returncode == 0 and not said, done.stderr


def test_everything_is_known(installed):
    """What verify only warns about in passing: a setting that this systemd ignores."""
    for name in ("earshotd.service", "earshotd-user.service"):
        done = analyze("verify", "--man=no", str(installed / name))
        assert "Unknown" not in done.stderr and "ignoring" not in done.stderr.lower(), done.stderr


def test_filters_are_the_same():
    def filters(name):
        return [v for k, v in settings(name) if k.startswith(("SystemCall", "RestrictAddress"))]
    assert filters("earshotd.service") == filters("earshotd.user.service") != []
