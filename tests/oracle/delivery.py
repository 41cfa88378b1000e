#!/usr/bin/env python3
"""What `krbscope messages` prints does not depend on how the bytes came.

    delivery.py COMPARE_DELIVERY EXCEPTIONS FOLDER...

Carries the captures below the folders (of one with an INDEX.tsv those with Kerberos, NTLM or HTTP)
in one-byte segments, reversed and twice, and compares. What may differ and why stands in the
exceptions: path, tab, delivery, tab, reason. Says "skipped" when there is no folder.
"""
import concurrent.futures
import os
import subprocess
import sys

from messages import JOBS, has_tokens, sample_of


def is_wanted(row):
    return has_tokens(row) or row["http_status"]


def read_exceptions(path):
    with open(path, encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines
                if line.strip() and not line.startswith("#")]
    assert all(len(row) == 3 and row[2] for row in rows), path
    return {(capture, delivery): False for capture, delivery, _ in rows}


def compare(program, path):
    run = subprocess.run([program, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = run.stdout.decode("utf-8", "replace").splitlines()
    if run.returncode not in (0, 1, 2):
        lines.append(f"{path}\tcrash\texit status {run.returncode}")
    return [line.split("\t", 2)[1:] for line in lines]


def main():
    program, exceptions_path, *folders = sys.argv[1:]
    folders = [folder for folder in folders if os.path.isdir(folder)]
    if not folders:
        print("skipped: no folder of captures")
        return 0
    exceptions = read_exceptions(exceptions_path)
    jobs = [(folder, path) for folder in folders for path in sample_of(folder, is_wanted)]
    num_different = 0
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        results = pool.map(compare, [program] * len(jobs),
                           [os.path.join(folder, path) for folder, path in jobs])
        for (_, path), different in zip(jobs, results):
            for delivery, text in different:
                if (path, delivery) in exceptions:
                    exceptions[(path, delivery)] = True
                else:
                    num_different += 1
                    print(f"{path}: {delivery}: {text}")
    examined = {path for _, path in jobs}
    for (path, delivery), is_used in exceptions.items():
        if path in examined and not is_used:
            num_different += 1
            print(f"{path}: {delivery}: excepted, and the same")
    print(f"{len(jobs)} captures, {num_different} differences")
    return 1 if num_different > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
