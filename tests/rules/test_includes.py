# SPDX-License-Identifier: ISC
"""test_includes.py: the include path is the architecture: src and xep never see each other."""

import glob
import os
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = ["base", "wire", "discover", "trust", "link", "player", "store", "core"]
BESIDE = {"discover", "trust", "link", "player", "store"}   # these do not see each other


@pytest.fixture
def tree(tmp_path):
    """The Makefile with the headers around it, and room for sources of our own."""
    (tmp_path / "tools/dev").mkdir(parents=True)
    for name in ("Makefile", "tools/dev/targets.mk"):
        shutil.copy(os.path.join(ROOT, name), tmp_path / name)
    for name in ("include", "src", "xep"):
        if os.path.isdir(os.path.join(ROOT, name)):
            shutil.copytree(os.path.join(ROOT, name), tmp_path / name,
                            ignore=shutil.ignore_patterns("*.c"))
    (tmp_path / "xep").mkdir(exist_ok=True)
    (tmp_path / "xep/inner.h").write_text("#define INNER 1\n")
    return tmp_path


def compiles(tree, path, include):
    """Builds one file by the Makefile's own rule; returns (it compiled, what was said)."""
    (tree / path).write_text("#include %s\nextern int x;\nint x;\n" % include)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "SAN"))}
    done = subprocess.run(["make", "B=out", "out/%s.o" % path[:-2]], cwd=tree, env=env,
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path, include, good", [
    ("xep/probe.c", '<earshot/xep.h>', True),
    ("xep/probe.c", '"inner.h"', True),
    ("xep/probe.c", '"link/link.h"', False),
    ("xep/probe.c", '"base/alloc.h"', False),
    ("src/core/probe.c", '"link/link.h"', True),
    ("src/core/probe.c", '<earshot/xep.h>', True),
    ("src/core/probe.c", '"inner.h"', False),
    ("src/core/probe.c", '"xep/inner.h"', False),
])
def test_the_makefile_keeps_src_and_xep_apart(tree, path, include, good):
    done, said = compiles(tree, path, include)
    assert done == good, said
    assert good or "No such file or directory" in said, said


def includes(path):
    with open(path, encoding="utf-8") as f:
        return [line.split('"')[1] for line in f if line.startswith('#include "')]


def may_see(layer, other):
    if layer in BESIDE and other in BESIDE:
        return layer == other
    return LAYERS.index(other) <= LAYERS.index(layer)


def test_no_layer_of_src_looks_up_or_sideways():
    wrong, seen = [], 0
    for path in sorted(glob.glob(os.path.join(ROOT, "src/*/*.[ch]"))):
        layer = os.path.relpath(path, ROOT).split("/")[1]
        assert layer in LAYERS, "%s: an unknown layer" % layer
        for header in includes(path):
            seen += 1
            other = header.split("/")[0]
            if other not in LAYERS or not may_see(layer, other):
                wrong.append("%s includes %s" % (os.path.relpath(path, ROOT), header))
    assert seen and not wrong, "\n".join(wrong)


FENCES = {      # a library's headers, and the only places that may see them
    "avahi-": ["src/discover/"],
    "openssl/ssl": ["src/link/tls", "src/trust/"],      # hashes and randomness are anybody's
    "openssl/x509": ["src/link/tls", "src/trust/"],
    "expat": ["src/wire/reader.c", "src/wire/reader_"],
    "ini.h": ["src/base/conf"],
    "jansson": ["src/player/", "tools/"],
    "mpd/": ["src/player/mpd_link"],
    "ares": ["src/link/server"],
    "event2/": ["src/", "tools/"],
    "event2/http": ["src/link/metrics_http"],
    "sqlite3": ["src/store/spool", "src/store/sqlite_file", "src/store/db_sqlite"],
    "libpq": ["src/store/pq_"],
    "qrencode": ["tools/qr"],
}


def test_each_library_is_seen_in_its_one_place():
    wrong = []
    files = [p for d in ("include", "src", "xep", "tools")
             for p in glob.glob(os.path.join(ROOT, d, "**/*.[ch]"), recursive=True)]
    for path in sorted(files):
        rel = os.path.relpath(path, ROOT)
        with open(path, encoding="utf-8") as f:
            heads = [line.split("<")[1] for line in f if line.startswith("#include <")]
        for library, places in FENCES.items():
            if any(h.startswith(library) for h in heads) and not rel.startswith(tuple(places)):
                wrong.append("%s sees %s" % (rel, library))
    assert files and not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", sorted(
    os.path.relpath(p, ROOT) for d in ("include/earshot", "src/*")
    for p in glob.glob(os.path.join(ROOT, d, "*.h"))))
def test_each_header_compiles_alone(path):
    flags = subprocess.run(["pkg-config", "--cflags", "libstrophe", "libevent", "libpq"], check=True,
                           capture_output=True, text=True).stdout.split()
    done = subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Werror",
                           "-Iinclude", "-Isrc", *flags, "-x", "c", path], cwd=ROOT,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
