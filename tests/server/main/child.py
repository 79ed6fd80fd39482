"""Children that behave as JupyterLab might, at their worst; the first argument says how."""

import sys
import time

ADDRESS = '{"url": "http://127.0.0.1:9/lab?token=t", "open_file": "/nowhere.html"}'


def main(how):
    if how == "fails":
        return 3
    print(ADDRESS, flush=True)
    if how == "breaks":
        return 4
    if how == "is stubborn":
        time.sleep(3600)
    if how == "waits":
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
