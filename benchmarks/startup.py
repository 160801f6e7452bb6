"""Seconds until ``bench --help`` has answered and until ``perfmodel`` is imported, as new processes."""

import json
import subprocess
import sys
import time
from statistics import median

ROUNDS = 7
COMMANDS = {
    "help": [sys.executable, "-m", "reports.cli.main", "--help"],
    "import": [sys.executable, "-c", "import perfmodel"],
    "python": [sys.executable, "-c", "pass"],
}


def main() -> None:
    """Prints one JSON line."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    medians = {name: round(median(values), 3) for name, values in seconds.items()}
    print(json.dumps({"benchmark": "startup", "rounds": ROUNDS, "median_s": medians}))


if __name__ == "__main__":
    main()
