# SPDX-License-Identifier: ISC
"""confine.py: runs a program under what a systemd unit takes away, without systemd.

    confine.py UNIT UID WRITABLE[,WRITABLE...] PROGRAM [ARG...]

Everything is read from the unit: the filter of system calls (with systemd's own lists), address
families, memory that is writable and executable, capabilities, new privileges, the umask, the
limit of descriptors, homes, devices, /proc. Runs as root in a mount namespace that nobody else
uses; what it does not know how to do it does not pretend to do.
"""

import ctypes
import os
import re
import resource
import struct
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY, SYS_MOUNT_SETATTR = -100, 0x8000, 1, 442
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 24, 22, 2
PR_SET_SECUREBITS = 28
LOAD, JUMP_EQ, JUMP_SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERRNO_EPERM, ERRNO_EAFNOSUPPORT = 0x7fff0000, 0x50001, 0x50000 | 97
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
PROT_WRITE, PROT_EXEC = 2, 4


def must(result, what):
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))


class Unit:
    """The settings of a unit: lists of values, an empty one begins anew."""

    def __init__(self, path):
        self.all = {}
        with open(path, encoding="utf-8") as f:
            for key, value in re.findall(r"^(\w+)=(.*)$", f.read(), re.MULTILINE):
                self.all.setdefault(key, []).append(value)

    def get(self, key, default=""):
        return self.all.get(key, [default])[-1]

    def is_on(self, key):
        return self.get(key) == "yes"


def members(name):
    """The system calls of a list of systemd's, with those of the lists in it."""
    out = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], check=True,
                         capture_output=True, text=True).stdout
    found = set()
    for word in re.findall(r"^    (@?[a-z0-9_-]+)$", out, re.MULTILINE):
        found |= members(word) if word.startswith("@") else {word}
    return found


def allowed(unit):
    found = set()
    for line in unit.all["SystemCallFilter"]:
        names = set()
        for word in line.lstrip("~").split():
            names |= members(word) if word.startswith("@") else {word}
        found = found - names if line.startswith("~") else found | names
    # systemd itself always allows what it needs to start the program.
    return found | members("@default") | {"execve", "exit", "exit_group", "rt_sigreturn"}


def numbers():
    """{name: number} of this machine's system calls."""
    out = subprocess.run(["cc", "-dM", "-E", "-include", "sys/syscall.h", "-x", "c", "/dev/null"],
                         check=True, capture_output=True, text=True).stdout
    return {n: int(v) for n, v in re.findall(r"#define __NR_(\w+) (\d+)$", out, re.MULTILINE)}


def op(code, value, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, value)


def check_argument(number, index, test):
    """For that call: its argument, 32 bits of it, and the operations of test on it."""
    body = [op(LOAD, 16 + 8 * index)] + test
    return [op(JUMP_EQ, number, 0, len(body))] + body


def filter_of(unit):
    """A program for the kernel (seccomp(2)), without the check of the architecture: ours only."""
    known = numbers()
    calls = sorted(known[n] for n in allowed(unit) if n in known)
    code = [op(LOAD, 0)]
    families = [FAMILIES[n] for n in unit.get("RestrictAddressFamilies").split()]
    reload_number = [op(LOAD, 0)]
    test = []
    for i, family in enumerate(families):
        test.append(op(JUMP_EQ, family, len(families) - i, 0))
    code += check_argument(known["socket"], 0, test + [op(RETURN, ERRNO_EAFNOSUPPORT)]
                           + reload_number)
    if unit.is_on("MemoryDenyWriteExecute"):
        # mprotect(2) may not make anything executable; mmap(2) not both at once.
        code += check_argument(known["mprotect"], 2, [op(JUMP_SET, PROT_EXEC, 0, 1),
                                                      op(RETURN, ERRNO_EPERM)] + reload_number)
        code += check_argument(known["mmap"], 2, [op(JUMP_SET, PROT_EXEC, 0, 2),
                                                  op(JUMP_SET, PROT_WRITE, 0, 1),
                                                  op(RETURN, ERRNO_EPERM)] + reload_number)
    for number in calls:
        code += [op(JUMP_EQ, number, 0, 1), op(RETURN, ALLOW)]
    code.append(op(RETURN, ERRNO_EPERM))
    return b"".join(code)


def set_filter(code):
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    must(LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(program), 0, 0),
         "seccomp")


def mount(source, target, kind, flags, data=None):
    must(LIBC.mount(source.encode(), target.encode(), kind and kind.encode(), flags,
                    data and data.encode()), "mount " + target)


def set_read_only(path, on, recursive):
    attr = struct.pack("QQQQ", MOUNT_ATTR_RDONLY if on else 0, 0 if on else MOUNT_ATTR_RDONLY, 0, 0)
    must(LIBC.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path.encode(),
                      AT_RECURSIVE if recursive else 0, ctypes.c_char_p(attr), len(attr)),
         "mount_setattr " + path)


def close_files(unit, writable):
    must(LIBC.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    for path in writable:
        mount(path, path, None, MS_BIND | MS_REC)
    if unit.is_on("ProtectHome"):
        for path in ("/home", "/root"):
            mount("tmpfs", path, "tmpfs", 0, "mode=000")
    if unit.is_on("PrivateDevices"):
        devices = {name: os.open("/dev/" + name, os.O_PATH)
                   for name in ("null", "zero", "full", "random", "urandom")}
        mount("tmpfs", "/dev", "tmpfs", 0, "mode=755")
        for name, fd in devices.items():
            with open("/dev/" + name, "wb"):
                pass
            mount("/proc/self/fd/%d" % fd, "/dev/" + name, None, MS_BIND)
            os.close(fd)
    if unit.get("ProcSubset") == "pid":
        mount("proc", "/proc", "proc", 0, "subset=pid,hidepid=2")
    if unit.get("ProtectSystem") == "strict":
        set_read_only("/", True, True)
        for path in writable:
            set_read_only(path, False, False)


def drop_privileges(unit, uid):
    assert unit.get("CapabilityBoundingSet", "all") == "" and unit.is_on("NoNewPrivileges")
    # A container's own bound may be lower.
    limit = min(int(unit.get("LimitNOFILE")), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    os.umask(int(unit.get("UMask"), 8))
    number = 0
    while LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0:
        number += 1
    assert number > 30, "no capability could be dropped"
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    must(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def main():
    unit, uid, writable = Unit(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",")
    code = filter_of(unit)
    close_files(unit, writable)
    drop_privileges(unit, uid)
    set_filter(code)
    os.execv(sys.argv[4], sys.argv[4:])


if __name__ == "__main__":
    main()
