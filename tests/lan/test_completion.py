# SPDX-License-Identifier: ISC
"""The completion scripts in the shells that they are for, as `make install` puts them there, with
the key Tab and what stands on the screen after it."""

import os
import re
import subprocess

import pytest

import box
from terminal import Terminal

PEERS = ['{"address":"tv@pronto.local","jid":null}', '{"address":"tv@kitchen.local","jid":null}',
         '{"address":"$(touch ran)@h.local","jid":null}']


@pytest.fixture(scope="module")
def host():
    with box.Lan("forza") as lan:
        yield lan["forza"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Installed below a folder; a program in front of it that knows whom there is to complete to."""
    path = tmp_path_factory.mktemp("installed")
    subprocess.run(["make", "-s", "install", "DESTDIR=%s" % path, "PREFIX=/usr", "B=" + box.BUILD],
                   cwd=box.ROOT, check=True, capture_output=True)
    stub = path / "stub"
    stub.mkdir()
    (stub / "earshot").write_text("#!/bin/sh\n[ \"$1\" = peers ] && printf '%%s\\n' %s\n" %
                                  " ".join("'%s'" % row for row in PEERS))
    (stub / "earshot").chmod(0o755)
    return path


SHARE = {"bash": "usr/share/bash-completion/completions",
         "zsh": "usr/share/zsh/vendor-completions", "fish": "usr/share/fish/vendor_completions.d"}


def bash(place):
    return ["bash", "--norc", "-i"], ("for f in %s/*; do source $f; done; "
                                      "bind 'set bell-style none'" % (place / SHARE["bash"]))


def zsh(place):
    return ["zsh", "-f", "-i"], ("fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D" %
                                 (place / SHARE["zsh"]))


def fish(place):
    return ["fish", "--no-config", "-i"], "for f in %s/*; source $f; end" % (place / SHARE["fish"])


@pytest.mark.parametrize("shell", [bash, zsh, fish], ids=lambda shell: shell.__name__)
def test_shell(host, place, shell):
    argv, setup = shell(place)
    env = {"PATH": "%s:%s" % (place / "stub", os.environ["PATH"]), "HOME": str(place)}
    with Terminal(host, argv, 100, 30, env) as screen:
        def line(text, want, *keys):
            screen.type(text)
            screen.keys("Tab", *keys)
            screen.wait(want)
            screen.keys("C-u")
            screen.keys("C-l")
            screen.wait("", unless="earshot ")

        screen.type("cd %s; PS1='> '; PROMPT='> '\r" % place if shell is not fish else
                    "cd %s\r" % place)
        screen.type(setup + "; echo re''ady\r")
        screen.wait("^ready")
        line("earshot remo", r"earshot remote *$")
        line("earshot xe", r"earshot xeps *$")
        line("earshot ping --no-d", r"earshot ping --no-daemon *$")
        line("earshot press tv@pr", r"earshot press tv@pronto\.local *$")
        line("earshot press tv@pronto.local playp", r"local playpause *$")
        line("earshot press tv@pronto.local key context", r"local key context_menu *$")
        line("earshot press tv@pronto.local key up he", r"local key up held *$")
        line("earshot press tv@pronto.local shuffle tog", r"local shuffle toggle *$")
        line("earshot press tv@pronto.local repeat o", r"one", "Tab")
        line("earshot publish x stu", r"earshot publish x stub/? *$")
        line("earshot node aff", r"earshot node affiliations *$")
        line("earshot publish x --to tv@pr", r"--to tv@pronto\.local *$")
        line("earshot ping --path ser", r"earshot ping --path server *$")
        # The value of an option is neither a command nor an argument.
        line("earshot --timeout 5 xe", r"earshot --timeout 5 xeps *$")
        line("earshot -v -t 5 press tv@pr", r"-t 5 press tv@pronto\.local *$")
        line("earshot press --expires 5 tv@pronto.local playp", r"local playpause *$")
        line("earshot press -t 5 tv@pronto.local --exp", r"local --expires=? *$")
        line("earshotd --che", r"earshotd --check-config *$")
        line("earshotd -v --config stu", r"--config stub/")
        screen.type("earshot remote ")
        screen.keys("Tab", "Tab")
        screen.wait(r"tv@kitchen\.local")
    assert not (place / "ran").exists()


@pytest.mark.parametrize("shell", SHARE)
def test_daemon_has_no_other_options(place, shell):
    helped = subprocess.run([os.path.join(box.BUILD, "earshotd"), "--help"], check=True,
                            capture_output=True, text=True).stdout
    name = {"bash": "earshotd", "zsh": "_earshotd", "fish": "earshotd.fish"}[shell]
    script = (place / SHARE[shell] / name).read_text()
    words = re.findall(r"(?:(?<=-l )|--)[a-z]+(?:-[a-z]+)*", script)
    assert {word.lstrip("-") for word in words} == set(re.findall(r"--([a-z-]+)", helped))
