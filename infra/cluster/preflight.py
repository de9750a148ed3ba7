"""What must be so before `up` may change anything: every problem at once, one line each, with its remedy.

`python -m infra.cluster.preflight --env local` prints them and ends with status 2; without problems, 0.
"""

import argparse
import os
import sys

from infra.cluster.facts import Facts, gather
from infra.cluster.settings import Settings, load
from infra.shared.settings import SettingsError

DISK_GIB = 15
"""Tools, images of the node and of the platform, and room to work."""
DISK_WHEN_UP_GIB = 3
MEMORY_GIB = 8
MEMORY_FREE_GIB = 5
"""What cluster, Airflow and one run take at their highest."""


def problems(settings: Settings, stack_file: str, facts: Facts) -> list[str]:
    """Everything that stands in the way, one line each. Pure."""
    found = [facts.engine_problem] if facts.engine_problem else []
    if facts.engine == "podman" and not facts.is_root:
        found.append("not root: kind's nodes need it with podman; run `sudo make up`")
    if facts.missing_tools:
        found.append(f"programs are missing: {', '.join(facts.missing_tools)}; run `make tools`")
    for name, port in settings.host_ports.items():
        if holder := facts.port_holders.get(port):
            remedy = f"stop it, or set another {name} in {stack_file}"
            found.append(f"port {port} ({name}) is in use by {holder}; {remedy}")
    if facts.overlapping_route:
        found.append(
            f"network {settings.network_cidr} (network_cidr) overlaps {facts.overlapping_route} "
            f"of this machine; set another one in {stack_file}"
        )
    return found + _size_problems(facts)


def _size_problems(facts: Facts) -> list[str]:
    found = []
    disk = DISK_WHEN_UP_GIB if facts.is_up else DISK_GIB
    if facts.disk_free_gib < disk:
        found.append(
            f"too little disk: {facts.disk_free_gib:.1f} GiB are free in {facts.disk_path}, "
            f"{disk} are needed; free some, or set SWITCHBOARD_HOME and SWITCHBOARD_CACHE to a larger disk"
        )
    # Machines of 8 GiB show a little less.
    if facts.memory_gib < MEMORY_GIB * 0.93:
        found.append(
            f"too little memory: the machine has {facts.memory_gib:.1f} GiB, {MEMORY_GIB} are needed; "
            "use a larger machine"
        )
    elif not facts.is_up and facts.memory_free_gib < MEMORY_FREE_GIB:
        found.append(
            f"too little free memory: {facts.memory_free_gib:.1f} GiB, {MEMORY_FREE_GIB} are needed; "
            "end other programs"
        )
    return found


def check(env: str = "local") -> list[str]:
    """Look at the machine and give all problems; an empty list where `up` may go on."""
    try:
        settings = load(env)
    except SettingsError as error:
        return str(error).splitlines()
    return problems(settings, f"infra/cluster/Pulumi.{env}.yaml", gather(settings, env))


def main() -> int:
    """Print the problems, if any."""
    parser = argparse.ArgumentParser(prog="python -m infra.cluster.preflight", description=__doc__)
    parser.add_argument("--env", default=os.environ.get("ENV", "local"))
    found = check(parser.parse_args().env)
    for problem in found:
        print(problem, file=sys.stderr)
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main())
