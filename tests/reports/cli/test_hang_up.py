"""A hang-up ends a command within two seconds, whatever it is doing; one that is ignored stays ignored."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = """
import signal, sys, time
from reports.cli.hang_up import ended_by_hang_up

if sys.argv[1] == "ignored":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
with ended_by_hang_up():
    try:
        print("ready", flush=True)
        time.sleep(5 if sys.argv[1] == "ignored" else 60)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        if sys.argv[1] == "deaf":
            time.sleep(60)
"""


def end(kind, sent):
    """Returns the exit code, what was printed, and the seconds that it took."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", COMMAND, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(sent)
        begin = time.monotonic()
        printed = process.stdout.read()
        return process.wait(), printed, time.monotonic() - begin


@pytest.mark.parametrize("sent", [signal.SIGHUP, signal.SIGTERM])
def test_a_command_is_interrupted(sent):
    code, printed, _ = end("willing", sent)
    assert (code, printed) == (0, "interrupted\n")


def test_a_command_that_does_not_end_is_ended():
    code, printed, seconds = end("deaf", signal.SIGHUP)
    assert (code, printed) == (128 + signal.SIGHUP, "interrupted\n")
    assert seconds < 10


def test_an_ignored_hang_up_stays_ignored():
    assert end("ignored", signal.SIGHUP)[:2] == (0, "")
