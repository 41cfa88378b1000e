#!/usr/bin/env python3
"""The HTML report in a real browser: headless Chromium opens the page of every case.

    tests/browser/check_html.py KRBSCOPE WRITE_PAGES SOURCE_DIR WORK_DIR

Of each page: no error on the console, the verdict's text to be seen, an arrow for each event of the
JSON report, nothing to scroll sideways at 1280 and at 390 pixels; rows open, copying copies, and
where there are several attempts sorting, filtering and links work. axe-core finds no violation on
any page that has a kind of element that no page before it had, and on every 12th of the others
(KRBSCOPE_AXE_EVERY=1: on all). Of some pages, one of each kind of end among them, axe-core also
looks at contrasts, in light and in dark, and mouse and keyboard are used: both take long.
WRITE_PAGES writes more pages by hand: hostile names, thousands of attempts. With Java and npm some
pages are held against a second validator; check_pages.py validates them all.

Exit status 77 (skipped) without Chromium or Selenium. Without npm axe-core and the validation are
left out, and that is said. KRBSCOPE_SCREENSHOTS=FOLDER keeps a picture of some pages;
KRBSCOPE_CASE=NAME looks at one case only.
"""
import concurrent.futures
import glob
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
except ImportError:
    # Debian's Selenium belongs to Debian's Python, which need not be the first in PATH.
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print("skipped: python3-selenium is not installed")
    sys.exit(77)

from npm import npm_folder

krbscope, write_pages, source_dir, work_dir = sys.argv[1:]
BROWSER = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
WIDE, NARROW, PAPER, HEIGHT = 1280, 390, 800, 900
VALIDATOR_S = 120
AXE_ATTEMPTS = 3
BROWSERS = 2  # side by side
failures = 0
failing = threading.Lock()


def fail(page, text):
    global failures
    with failing:
        failures += 1
        print("FAILED: %s: %s" % (page, text), flush=True)


def start_browser(folder, axe):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
                     "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--disable-extensions",
                     "--disable-dev-shm-usage", "--user-data-dir=" + folder):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(service=Service(DRIVER), options=options)
    browser.set_page_load_timeout(120)
    browser.set_script_timeout(300)
    browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    browser.execute_cdp_cmd("Browser.grantPermissions",
                            {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    if axe is not None:  # in every page, without being sent for each
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": axe})
    return browser


def resize(browser, width):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": HEIGHT, "deviceScaleFactor": 1,
                             "mobile": False})


def media(browser, scheme, kind="screen"):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": kind, "features": [{"name": "prefers-color-scheme", "value": scheme}]})


# What one look at the page tells: seen is the text that a reader sees without a click.
LOOK = """
const all = (s) => document.querySelectorAll(s);
return {
  arrows: all('svg.ar').length,
  seen: document.body.innerText,
  styled: getComputedStyle(document.querySelector('main')).maxWidth,
  scripted: document.documentElement.classList.contains('js'),
  details: all('details.one').length,
  copies: Array.from(all('.cmd code'), (c) => c.textContent),
  rows: all('details.ev').length,
};
"""

# The names of steps that do not fit into their box, or need two lines there.
BROKEN_WORDS = """
return Array.from(document.querySelectorAll('.strip b')).filter((b) => {
  const range = document.createRange();
  range.selectNodeContents(b);
  return range.getClientRects().length > 1 || b.scrollWidth > b.clientWidth;
}).map((b) => b.textContent);
"""

# axe-core takes its time for each element. What differs from what stands above only in its texts
# and numbers is more of the same: rows of a ladder or of a table, attempts but the first few.
LESS = """
document.querySelectorAll('details.one').forEach((d, i) => {
  if (i >= AXE_ATTEMPTS) { d.remove(); }
});
const seen = new Set();
document.querySelectorAll('details.ev, table tbody tr, li, .bar').forEach((e) => {
  const form = e.parentElement.className + e.outerHTML.replace(/>[^<]+/g, '>x').replace(
    /="[^"]*\\d[^"]*"/g, '');
  if (seen.has(form)) { e.remove(); }
  seen.add(form);
});
"""

# What kinds of elements there are, each with its parent, and the outline: what axe-core judges by.
FORMS = """
const form = (e) => e.tagName + Array.from(e.attributes, (a) => /\\d/.test(a.value) ? a.name :
  a.name + '=' + a.value).join(' ');
const forms = new Set();
document.querySelectorAll('body *').forEach((e) => {
  forms.add(form(e.parentElement) + '>' + form(e));
});
forms.add(Array.from(document.querySelectorAll('h1, h2, h3, h4'), (e) => e.tagName).join());
return Array.from(forms);
"""

AXE = """
const done = arguments[arguments.length - 1];
const rules = arguments[0] ? {} : {'color-contrast': {enabled: false}};
axe.run(document, {resultTypes: ['violations'], rules: rules, preload: false}).then(
  (r) => done(r.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map(
    (n) => n.target.join(' ') + ' ' + n.failureSummary).join(' | '))),
  (e) => done(['axe: ' + e]));
"""


def check_axe(browser, page, axe, scheme, contrast=True):
    global num_axe
    if axe is None:
        return
    with failing:
        num_axe += 1
    for violation in browser.execute_async_script(AXE, contrast):
        fail(page, "%s: %s" % (scheme, violation[:600]))


def check_console(browser, page):
    for entry in browser.get_log("browser"):
        fail(page, "console: %s" % entry["message"][:300])


def check_look(page, look, report):
    events = sum(len(attempt["events"]) for attempt in report["attempts"])
    if look["arrows"] != events or look["rows"] != events:
        fail(page, "%d arrows and %d rows for %d events" % (look["arrows"], look["rows"], events))
    if look["styled"] != "1120px" or not look["scripted"]:
        fail(page, "the style sheet or the script does not apply")
    seen = " ".join(look["seen"].split())
    attempts = report["attempts"]
    if len(attempts) == 1 and attempts[0]["verdict"]:
        wanted = [attempts[0]["verdict"]["summary"], attempts[0]["verdict"]["cause"]]
    else:
        wanted = [a["verdict"]["cause"] for a in attempts if a["verdict"]]
    for text in wanted or (["attempt"] if len(attempts) != 1 else ["client", "capture"]):
        if " ".join(text.split()) not in seen:
            fail(page, "%r cannot be seen" % text)


# The same for every page, without mouse and keyboard: a row opens into facts and closes, all rows
# open at once, a command is copied.
USE = """
const done = arguments[0];
const trouble = [];
const row = document.querySelector('details.ev');
if (row) {
  const facts = row.querySelector('dl');
  if (row.open) { trouble.push('a row is open before it was opened'); }
  row.querySelector('summary').click();
  if (!row.open || !facts.textContent.includes('from')) { trouble.push('a row does not open'); }
  row.querySelector('summary').click();
  if (row.open) { trouble.push('a row does not close'); }
  const button = document.querySelector('.ladder .bar button');
  const rows = Array.from(row.closest('.lad').querySelectorAll('details.ev'));
  button.click();
  if (!rows.every((r) => r.open)) { trouble.push('not every row opens at once'); }
  button.click();
  if (rows.some((r) => r.open)) { trouble.push('not every row closes at once'); }
}
const copy = document.querySelector('button.copy');
if (!copy) {
  done(trouble);
} else {
  copy.click();
  const code = copy.parentElement.querySelector('code').textContent;
  const look = (tries) => navigator.clipboard.readText().then((text) => {
    if (text.split('\\r').join('') === code) {
      done(trouble);
    } else if (tries > 0) {
      setTimeout(() => look(tries - 1), 50);
    } else {
      done(trouble.concat(['copying ' + code + ' gave ' + text]));
    }
  }, (error) => done(trouble.concat(['' + error])));
  look(100);
}
"""


def check_by_hand(browser, page):
    """A row opens by the mouse and closes by the keyboard; its facts can be seen between."""
    row = browser.find_element(By.CSS_SELECTOR, "details.ev")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
    summary = row.find_element(By.TAG_NAME, "summary")
    facts = row.find_element(By.TAG_NAME, "dl")
    if facts.is_displayed():
        fail(page, "facts can be seen before their row was opened")
    summary.click()
    if not facts.is_displayed():
        fail(page, "a row does not open by the mouse")
    summary.send_keys("\n")
    if facts.is_displayed():
        fail(page, "a row does not close by the keyboard")


def shown_rows(browser):
    return [row.text for row in browser.find_elements(
        By.CSS_SELECTOR, "table.attempts tbody tr:not([hidden])")]


def check_table(browser, page, report):
    """Sorting by cause, filtering by words and by outcome, and a link that opens its attempt."""
    attempts = report["attempts"]
    header = browser.find_element(By.CSS_SELECTOR, "table.attempts th:nth-child(6)")
    header.find_element(By.TAG_NAME, "button").click()
    script = ("return Array.from(document.querySelectorAll('table.attempts tbody tr'),"
              "(r) => r.cells[5].textContent)")
    causes = browser.execute_script(script)
    if causes != sorted(causes) or header.get_attribute("aria-sort") != "ascending":
        fail(page, "sorting by cause gave %r" % causes[:5])
    header.find_element(By.TAG_NAME, "button").click()
    if browser.execute_script(script) != sorted(causes, reverse=True):
        fail(page, "sorting the other way round")
    field = browser.find_element(By.CSS_SELECTOR, ".bar input")
    outcome = attempts[0]["outcome"]
    field.send_keys(outcome)
    wanted = sum(1 for a in attempts if a["outcome"] == outcome)
    got = len(shown_rows(browser))
    if got < wanted or any(outcome not in text for text in shown_rows(browser)):
        fail(page, "filtering by %s left %d of %d" % (outcome, got, wanted))
    hidden = browser.execute_script(
        "return document.querySelectorAll('details.one[hidden]').length")
    if hidden != len(attempts) - got:
        fail(page, "filtering hid %d attempts below the table" % hidden)
    field.send_keys("\b" * len(outcome))
    if len(shown_rows(browser)) != len(attempts):
        fail(page, "an empty filter does not show all")
    link = browser.find_element(By.CSS_SELECTOR, "table.attempts tbody a")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", link)
    target = link.get_attribute("href").split("#")[1]
    link.click()
    if not browser.execute_async_script(
            "const done = arguments[1];"
            "const look = (tries) => {"
            "  const open = document.getElementById(arguments[0]).closest('details').open;"
            "  if (open || tries === 0) { done(open); } else { setTimeout(look, 50, tries - 1); }"
            "};"
            "look(100);", target):
        fail(page, "a link does not open its attempt")


def keep_picture(browser, name):
    folder = os.environ.get("KRBSCOPE_SCREENSHOTS")
    if folder:
        browser.save_screenshot(os.path.join(folder, name + ".png"))


def check_width(browser, page, width):
    """The window has that width now."""
    got = browser.execute_script("return document.documentElement.scrollWidth")
    if got > width:
        fail(page, "%d pixels wide at %d" % (got, width))
    keep_picture(browser, page + (".light" if width == WIDE else ".narrow"))


forms_known = set()
num_axe = 0


def adds_forms(browser):
    """Is there a kind of element on this page that was on none before?"""
    forms = set(browser.execute_script(FORMS))
    with failing:
        is_new = not forms <= forms_known
        forms_known.update(forms)
    return is_new


def check_page(browser, page, path, report, axe, is_due, in_full, widths):
    """is_due: axe-core looks at it in any case. widths: that of the window now, and the other one,
    which it has afterwards."""
    browser.get("file://" + path)
    look = browser.execute_script(LOOK)
    check_look(page, look, report)
    check_width(browser, page, widths[0])
    if look["details"] > 0:
        browser.execute_script("document.querySelector('details.one').open = true")
    for trouble in browser.execute_async_script(USE):
        fail(page, trouble)
    if in_full and look["rows"] > 0:
        check_by_hand(browser, page)
    if len(report["attempts"]) > 1:
        check_table(browser, page, report)
    resize(browser, widths[1])
    check_width(browser, page, widths[1])
    if axe is not None:
        browser.execute_script(LESS.replace("AXE_ATTEMPTS", str(AXE_ATTEMPTS)))
        if in_full or is_due or adds_forms(browser):
            check_axe(browser, page, axe, "light", in_full)
    check_console(browser, page)


def check_dark(browser, page, path, axe, width):
    """width: of the window, now and afterwards."""
    media(browser, "dark")
    browser.get("file://" + path)
    browser.execute_script("document.querySelectorAll('details').forEach((d, i) => {"
                           "if (i < 10) { d.open = true; } else if (d.matches('.one')) {"
                           "d.remove(); } });")
    check_axe(browser, page, axe, "dark")
    keep_picture(browser, page + ".dark")
    media(browser, "light", "print")
    resize(browser, PAPER)
    for word in browser.execute_script(BROKEN_WORDS):
        fail(page, "the step %s takes two lines on paper" % word)
    keep_picture(browser, page + ".print")
    resize(browser, width)
    media(browser, "light")
    check_console(browser, page)


def write_case(name, captures):
    path = os.path.join(work_dir, name + ".html")
    run = subprocess.run([krbscope, "--all", "--json", "-", "--html", path, *captures],
                         stdout=subprocess.PIPE, timeout=120)
    report = json.loads(run.stdout.decode("ascii"))
    size = os.path.getsize(path)
    if size > (1000000 if len(report["attempts"]) == 1 else 5000000):
        fail(name, "%d bytes" % size)
    return name, path, report


def cases():
    for folder in sorted(glob.glob(os.path.join(source_dir, "pcaps/*/"))):
        captures = sorted(glob.glob(os.path.join(folder, "capture.*")))
        name = os.path.basename(folder.rstrip("/"))
        if captures and os.environ.get("KRBSCOPE_CASE", name) == name:
            yield name, captures


def check_written(browser, name, path, axe, widths):
    """A page written by hand, without a JSON report beside it."""
    began = time.monotonic()
    browser.get("file://" + path)
    took = time.monotonic() - began
    look = browser.execute_script(LOOK)
    print("%s: %d bytes, open after %.1f s" % (name, os.path.getsize(path), took))
    if os.path.getsize(path) > 5000000:
        fail(name, "%d bytes" % os.path.getsize(path))
    for width in widths:
        resize(browser, width)
        check_width(browser, name, width)
    if look["details"] < 100:
        check_axe(browser, name, axe, "light", False)
    if browser.execute_script("return window.stolen !== undefined || !!document.querySelector("
                              "'img, iframe, object, b b')"):
        fail(name, "a name became markup")
    check_console(browser, name)


def validate(folder, pages):
    java = shutil.which("java")
    jar = folder and os.path.join(folder, "node_modules/vnu-jar/build/dist/vnu.jar")
    if java is None or jar is None:
        print("not validated: that takes Java and npm")
        return
    # The validator's CSS is older than vector-effect; it does not compute hashes for the CSP.
    run = subprocess.run([java, "-Xss4m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                          "-jar", jar, "--stdout", "--format", "gnu",
                          "--filterpattern", ".*(vector-effect|Content Security Policy).*",
                          *pages], stdout=subprocess.PIPE, timeout=VALIDATOR_S)
    lines = run.stdout.decode("utf-8", "replace").splitlines()
    for line in lines[:20]:
        fail("validator", os.path.basename(line[:400]))
    if run.returncode != 0 and not lines:
        fail("validator", "exit status %d" % run.returncode)
    print("%d pages validated" % len(pages))


def planned(pages):
    """What is done with each page: (name, path, report, axe-core in any case?, in full?)."""
    seen = set()
    every = int(os.environ.get("KRBSCOPE_AXE_EVERY", "12"))
    for number, (name, path, report) in enumerate(pages):
        ends = {attempt["outcome"] for attempt in report["attempts"]}
        yield name, path, report, number % every == 0, not ends <= seen
        seen |= ends


def look_at(jobs, axe):
    """One browser takes jobs until there are none; several of them share the queue."""
    profile = tempfile.mkdtemp(prefix="krbscope-browser-")
    browser = start_browser(profile, axe)
    try:
        media(browser, "light")
        widths = [WIDE, NARROW]  # as it is, as it is not
        resize(browser, WIDE)
        while True:
            try:
                name, path, report, is_due, in_full = jobs.get_nowait()
            except queue.Empty:
                return
            if report is None:
                check_written(browser, name, path, axe, [*widths[1:], *widths[:1]])
                continue
            check_page(browser, name, path, report, axe, is_due, in_full, widths)
            widths.reverse()
            if in_full:
                check_dark(browser, name, path, axe, widths[0])
    finally:
        browser.quit()
        shutil.rmtree(profile, ignore_errors=True)


def main():
    if BROWSER is None or DRIVER is None:
        print("skipped: Chromium or its driver is not installed")
        return 77
    os.makedirs(work_dir, exist_ok=True)
    folder = npm_folder(source_dir, work_dir)
    axe = None
    if folder:
        with open(os.path.join(folder, "node_modules/axe-core/axe.min.js"), encoding="utf-8") as f:
            axe = f.read() + ";\n"
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(BROWSERS) as pool:
        pages = list(pool.map(lambda case: write_case(*case), cases()))
        subprocess.run([write_pages, work_dir], check=True, timeout=60)
        written = [(name, os.path.join(work_dir, name + ".html"))
                   for name in ("ten-thousand", "thousand", "hostile", "hostile-many")]
        jobs = queue.Queue()
        for name, path in written:
            jobs.put((name, path, None, True, False))
        for job in planned(pages):
            jobs.put(job)
        for browser in [pool.submit(look_at, jobs, axe) for _ in range(BROWSERS)]:
            browser.result()
    print("%d pages in %.0f s, axe-core %d times" % (len(pages), time.monotonic() - began, num_axe))
    validate(folder, [path for _, path, _ in pages[::24]] + [path for _, path in written[2:]])
    if axe is None:
        print("axe-core was left out: it takes npm")
    print("%d failed checks" % failures)
    return 1 if failures else 0


sys.exit(main())
