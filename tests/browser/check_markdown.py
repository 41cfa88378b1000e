#!/usr/bin/env python3
"""The Markdown report of every case is clean to markdownlint.

    tests/browser/check_markdown.py KRBSCOPE WRITE_PAGES SOURCE_DIR WORK_DIR

Exit status 77 (skipped) without npm. Of the rules only the length of lines is off: a ticket system
that keeps line breaks would show wrapped prose in pieces.
"""
import glob
import os
import subprocess
import sys

from npm import npm_folder

krbscope, write_pages, source_dir, work_dir = sys.argv[1:]
LINT_S = 120


def main():
    os.makedirs(work_dir, exist_ok=True)
    folder = npm_folder(source_dir, work_dir)
    if folder is None:
        print("skipped: npm is missing or cannot install markdownlint")
        return 77
    pages = os.path.join(work_dir, "markdown")
    os.makedirs(pages, exist_ok=True)
    for old in glob.glob(os.path.join(pages, "*.md")):
        os.unlink(old)
    num = 0
    for case in sorted(glob.glob(os.path.join(source_dir, "pcaps/*/"))):
        captures = sorted(glob.glob(os.path.join(case, "capture.*")))
        if captures:
            path = os.path.join(pages, os.path.basename(case.rstrip("/")) + ".md")
            subprocess.run([krbscope, "-v", "--json", os.devnull, "--format", "markdown",
                            *captures], stdout=open(path, "wb"), timeout=120)
            num += os.path.getsize(path) > 0
    subprocess.run([write_pages, pages], check=True, timeout=60)
    with open(os.path.join(pages, ".markdownlint-cli2.jsonc"), "w", encoding="ascii") as file:
        file.write('{"config": {"MD013": false}}\n')
    tool = os.path.join(folder, "node_modules/.bin/markdownlint-cli2")
    run = subprocess.run([tool, "*.md"], cwd=pages, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=LINT_S)
    if run.returncode != 0:
        print(run.stdout.decode("utf-8", "replace")[-4000:])
    print("%d reports, exit status %d" % (num, run.returncode))
    return 1 if run.returncode != 0 or num == 0 else 0


sys.exit(main())
