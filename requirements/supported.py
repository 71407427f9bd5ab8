"""Stop with one sentence where the pins have no wheels. Written for any Python 3, so that an old one can read it."""

import platform
import sys

NEWEST = (3, 14)

if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
    sys.exit("Reportback runs on Linux on x86-64 or arm64; this is %s on %s." % (platform.system(), platform.machine()))
if not (3, 11) <= sys.version_info[:2] <= NEWEST:
    sys.exit(
        "Reportback needs Python 3.11 to %d.%d; this is %s. Name another one: make PYTHON=python3.12 ..."
        % (NEWEST + (platform.python_version(),))
    )
