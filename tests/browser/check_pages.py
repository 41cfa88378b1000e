#!/usr/bin/env python3
"""The HTML report of every case is valid, its Markdown clean.

    tests/browser/check_pages.py KRBSCOPE WRITE_PAGES SOURCE_DIR WORK_DIR

Each case's reports are written, and pages of hostile names and of thousands of attempts
(WRITE_PAGES); then one process of each linter reads them all: Debian's tidy and mdl, and where npm
is, markdownlint. Exit status 77 (skipped) without tidy and mdl.

Of tidy's warnings those are left out that come of its age: it knows neither groups in a dl (HTML
4.4.9) nor headings in a summary (4.11.2). Of the rules for Markdown only the length of lines is
off: a ticket system that keeps line breaks would show wrapped prose in pieces. Lists are indented
by two, which mdl has to be told.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

from npm import npm_folder

krbscope, write_pages, source_dir, work_dir = sys.argv[1:]
LINT_S = 240
OF_ITS_AGE = re.compile(
    r"Warning: (missing </?(dl|dd|div)>( before <(/div|dt)>)?|inserting implicit <dl>"
    r"|trimming empty <summary>|missing </summary> before <h2>"
    r"|discarding unexpected </summary>)$")
MDL_STYLE = """all
exclude_rule 'MD013'
rule 'MD007', :indent => 2
"""


def write_reports(case):
    """The reports of one case: whether there is one."""
    captures = sorted(glob.glob(os.path.join(case, "capture.*")))
    name = os.path.join(work_dir, os.path.basename(case.rstrip("/")))
    if captures:
        subprocess.run([krbscope, "-v", "--all", "--html", name + ".html", "--format", "markdown",
                        *captures], stdout=open(name + ".md", "wb"), timeout=120)
    return bool(captures)


def tidy(pages):
    run = subprocess.run(["tidy", "-errors", "-quiet", *pages], cwd=work_dir, timeout=LINT_S,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = run.stdout.decode("utf-8", "replace").splitlines()
    return [line for line in lines if not OF_ITS_AGE.search(line)]


def check_html(pages):
    """What tidy says of the pages, by one process; which of them it means, one by one."""
    if not tidy(pages):
        return []
    return ["%s: %s" % (page, line) for page in pages for line in tidy([page])]


def check_markdown(command):
    run = subprocess.run(command, cwd=work_dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=LINT_S)
    text = run.stdout.decode("utf-8", "replace")
    return text.splitlines() if run.returncode != 0 else []


def main():
    missing = [tool for tool in ("tidy", "mdl") if shutil.which(tool) is None]
    if missing:
        print("skipped: not installed: " + ", ".join(missing))
        return 77
    os.makedirs(work_dir, exist_ok=True)
    for old in glob.glob(os.path.join(work_dir, "*.html")) + \
            glob.glob(os.path.join(work_dir, "*.md")):
        os.unlink(old)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        cases = sorted(glob.glob(os.path.join(source_dir, "pcaps/*/")))
        num = sum(pool.map(write_reports, cases))
        subprocess.run([write_pages, work_dir], check=True, timeout=60)
        with open(os.path.join(work_dir, "style.rb"), "w", encoding="ascii") as file:
            file.write(MDL_STYLE)
        with open(os.path.join(work_dir, ".markdownlint-cli2.jsonc"), "w",
                  encoding="ascii") as file:
            file.write('{"config": {"MD013": false}}\n')
        pages = sorted(glob.glob("*.html", root_dir=work_dir))
        texts = sorted(glob.glob("*.md", root_dir=work_dir))
        jobs = [pool.submit(check_html, pages),
                pool.submit(check_markdown, ["mdl", "--style", "style.rb", *texts])]
        folder = npm_folder(source_dir, work_dir)
        if folder is not None:
            tool = os.path.join(folder, "node_modules/.bin/markdownlint-cli2")
            jobs.append(pool.submit(check_markdown, [tool, "*.md"]))
        problems = sum((job.result() for job in jobs), [])
    for problem in problems[:40]:
        print(problem)
    print("%d cases: %d pages and %d texts read, %d complaints%s" %
          (num, len(pages), len(texts), len(problems),
           "" if folder else "; markdownlint was left out: it takes npm"))
    return 1 if problems or num == 0 or len(pages) < num or len(texts) < num else 0


sys.exit(main())
