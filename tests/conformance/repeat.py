"""Looking for flakes: ``python -m tests.conformance.repeat 20`` runs the kit that often on one
Valkey server, and says which tests failed and how long each run took."""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from eventbus_redis.embedded import EmbeddedServer
from tests.conformance.kit_run import run_kit


def main(times: int) -> int:
    failed: Counter[str] = Counter()
    with EmbeddedServer() as server:
        for number in range(times):
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                found = run_kit(server.url, Path(folder))
            now = [name for name, outcome in found.items() if "failed" in outcome]
            failed.update(now)
            seconds = time.monotonic() - began
            sys.stdout.write(f"{number + 1}: {len(found)} tests, {seconds:.0f} s, failed: {now}\n")
            sys.stdout.flush()
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
