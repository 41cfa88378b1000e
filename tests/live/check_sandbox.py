#!/usr/bin/env python3
"""The program's own filter of system calls, tried from inside the process that parses.

usage: check_sandbox.py KRBSCOPE SOURCE_FOLDER INTRUDER

tests/live/intruder.c traces the program and makes it do, behind its filter, what only somebody
would who had taken it over: open a file for writing, start a program, make a socket. Each must end
the run with a message and exit status 2, and do nothing; a harmless call in the same place changes
nothing; with --no-sandbox the same calls go through, so the test is able to fail.

Exit status 77 (skipped) where processes cannot be traced.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import net

KRBSCOPE, TOP, INTRUDER = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:])
CASE = f"{TOP}/pcaps/spn-missing/capture.pcap"
NUMBERS = {"write": 257, "both": 257, "exec": 59, "socket": 41}  # of x86-64
REFUSED = 2
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # which cannot trace what is traced
COMMANDS = [["analyze", CASE], ["messages", CASE], ["live", "--read", CASE]]
REDACTED = ["analyze", "--redact", CASE]  # pseudonyms differ from run to run


def intrude(call, command, folder):
    done = subprocess.run([INTRUDER, call, KRBSCOPE, *command], cwd=folder, env=ENVIRONMENT,
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == net.SKIPPED:
        net.skip("processes cannot be traced here")
    return done, done.stdout.splitlines()[-3:], (folder / "intruder.out").exists()


def check_refused(command, folder):
    for call, number in NUMBERS.items():
        done, said, made = intrude(call, command, folder)
        what = f"{command[0]}: {call} behind the filter"
        net.expect(said == ["confined", "tried", "refused"], f"{what} is refused: {said}")
        net.expect(done.returncode == REFUSED, f"{what} ends with 2, not {done.returncode}")
        net.expect(f"the sandbox refused system call {number};" in done.stderr, f"{what} is told")
        net.expect(not made, f"{what} makes no file")


def check_harmless(command, folder):
    alone = subprocess.run([KRBSCOPE, *command], capture_output=True, text=True, check=False)
    done, said, _ = intrude("none", command, folder)
    net.expect(said[:2] == ["confined", "tried"] and said[2].startswith("returned"),
               f"harmless: {said}")
    what = f"{command[0]}: a harmless call"
    net.expect(done.returncode == alone.returncode, f"{what} changes no status")
    net.expect(done.stdout.startswith(alone.stdout), f"{what} changes nothing that is said")


def check_without(command, folder):
    """The way out is there when the filter is not."""
    for call in NUMBERS:
        _, said, made = intrude(f"late-{call}", [*command, "--no-sandbox"], folder)
        net.expect(not {"confined", "refused"} & set(said), f"--no-sandbox: {call}: {said}")
        net.expect(made == (call in ("write", "both")), f"--no-sandbox: {call} goes through")
        (folder / "intruder.out").unlink(missing_ok=True)


def live_on_an_interface():
    """Only root may capture; lo carries nothing that matters here, the wait for it is enough."""
    return [["live", "-i", "lo", "--duration", "5"]] if os.geteuid() == 0 else []


with tempfile.TemporaryDirectory() as name:
    scratch = pathlib.Path(name)
    scratch.chmod(0o777)
    for each in [*COMMANDS, REDACTED] + live_on_an_interface():
        check_refused(each, scratch)
    for each in COMMANDS:
        check_harmless(each, scratch)
        check_without(each, scratch)
sys.exit(1 if net.failures else 0)
