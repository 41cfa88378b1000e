"""The few packages of npm that tests/browser uses, installed once a build folder."""
import fcntl
import os
import shutil
import subprocess

INSTALL_S = 240


def npm_folder(source_dir, work_dir):
    """The folder whose node_modules holds them, or None when npm is missing or cannot get them."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return None
    folder = os.path.join(work_dir, "npm")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(work_dir, "npm.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = b""
        for name in ("package.json", "package-lock.json"):
            with open(os.path.join(source_dir, "tests/browser", name), "rb") as file:
                content = file.read()
            wanted += content
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        stamp = os.path.join(folder, "installed")
        if os.path.exists(stamp):
            with open(stamp, "rb") as file:
                if file.read() == wanted:
                    return folder
        try:
            run = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            print("npm did not come to an end")
            return None
        if run.returncode != 0:
            print("npm could not install: %s" % run.stdout.decode("utf-8", "replace")[-300:])
            return None
        with open(stamp, "wb") as file:
            file.write(wanted)
    return folder
