"""Batch files for SLURM that run a study: on one node as it is, on several as a Ray cluster of the job's own.

The study is interrupted, which saves it, before its time is up; the job is then queued again and resumes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import StudyError

SECONDS_TO_STOP = 120
"""How long before the end of its time a job is told to stop, in s."""

_TIME = re.compile(r"\d{1,6}(?::\d{2}){0,2}|\d{1,3}-\d{1,2}(?::\d{2}){0,2}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,+-]{0,99}")
_MEMORY = re.compile(r"[1-9]\d{0,8}[KMGT]?")
_FORMS = {
    "time": (_TIME, "minutes, hours:minutes:seconds, days-hours or days-hours:minutes:seconds"),
    "mem": (_MEMORY, "a number of megabytes, or one with K, M, G or T"),
    **dict.fromkeys(("partition", "account", "qos"), (_NAME, "a name of letters, digits and _ . , + -")),
}


@dataclass(frozen=True)
class Job:
    """What a study asks SLURM for.

    Attributes
    ----------
    name
        Name of the study.
    nodes, gpus_per_node
        How many nodes, and GPUs of each.
    time
        Longest time before the job is queued again, as SLURM reads it: ``90``, ``4:00:00``, ``1-12``.
    options
        Further options of sbatch by name: ``partition``, ``account``, ``qos``, ``mem``, ``cpus-per-task``.
    """

    name: str
    nodes: int
    gpus_per_node: int
    time: str
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in {"time": self.time, **self.options}.items():
            form, described = _FORMS.get(name, (None, ""))
            if form is not None and not form.fullmatch(value):
                raise StudyError(f"--{name} {value!r}: expected {described}")


def batch_file(job: Job, run: Sequence[str], ray: str = "ray") -> str:
    """Return the batch file of a job.

    Parameters
    ----------
    job
        What it asks for.
    run
        The command that runs the study, word by word.
    ray
        The program ``ray``, for a job of several nodes.

    Raises
    ------
    StudyError
        When a word of the command contains a line feed or NUL, which a line of the file cannot hold.
    """
    for word in (*run, ray):
        if "\n" in word or "\0" in word:
            raise StudyError(f"{word!r} contains a line feed or NUL and cannot be written into a batch file")
    wanted = {
        "job-name": re.sub(r"[^A-Za-z0-9_.-]+", "-", f"harness-{job.name}")[:100],
        "nodes": str(job.nodes),
        "ntasks-per-node": "1",
        **({"gpus-per-node": str(job.gpus_per_node)} if job.gpus_per_node else {}),
        "time": job.time,
        **job.options,
        "output": "%x-%j.log",
        "open-mode": "append",
        "signal": f"B:USR1@{SECONDS_TO_STOP}",
    }
    head = ["#!/bin/bash", *(f"#SBATCH --{name}={value}" for name, value in wanted.items()), "#SBATCH --requeue"]
    several = job.nodes > 1
    on_cluster = ' --executor ray --address "$address:$port"' if several else ""
    parts = [
        "\n".join(head),
        _STOPPING,
        *([_cluster(job, shlex.quote(ray))] if several else []),
        f"{shlex.join(run)}{on_cluster} &",
        _WAITING,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


_STOPPING = """
# Shortly before the time is up, SLURM sends SIGUSR1 to this script alone: the study is interrupted, which saves it, and
# the job is queued again. It resumes where it stopped. When the job is pre-empted or cancelled, SLURM sends SIGTERM to
# the study as well; SLURM itself queues a pre-empted job again.
study=
stop() {
  trap '' USR1 TERM
  if [ "$1" = USR1 ] && [ -n "$study" ]; then kill -TERM "$study"; fi
  if [ -n "$study" ]; then wait "$study"; fi
  if [ "$1" = USR1 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
  exit 0
}
trap 'stop USR1' USR1
trap 'stop TERM' TERM
"""

_WAITING = """
study=$!
wait "$study"
code=$?
kill $(jobs -p) 2>/dev/null
exit "$code"
"""


def _cluster(job: Job, ray: str) -> str:
    return f"""
# A Ray cluster of this job's own: ports by the number of the job, since others may run on the same nodes; a short
# folder, since names of sockets may have 107 bytes; a token that no other account of the nodes knows.
port=$((11000 + SLURM_JOB_ID % 20 * 1000))
own=(
  --num-gpus={job.gpus_per_node} --disable-usage-stats
  --node-manager-port=$((port + 1)) --object-manager-port=$((port + 2)) --metrics-export-port=$((port + 3))
  --dashboard-agent-listen-port=$((port + 4)) --dashboard-agent-grpc-port=$((port + 5))
  --runtime-env-agent-port=$((port + 6)) --min-worker-port=$((port + 20)) --max-worker-port=$((port + 999))
)
export RAY_AUTH_MODE=token RAY_ENABLE_UV_RUN_RUNTIME_ENV=0
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \\n')
export RAY_AUTH_TOKEN
first=${{SLURMD_NODENAME:-$(hostname -s)}}
address=$(hostname -I | awk '{{print $1}}')
others=$((SLURM_JOB_NUM_NODES - 1))

srun --overlap --nodes=1 --ntasks=1 --nodelist="$first" \\
  {ray} start --head --block --node-ip-address="$address" --port="$port" \\
  --temp-dir="/tmp/ray-$SLURM_JOB_ID" --include-dashboard=false "${{own[@]}}" &
for _ in $(seq 60); do
  {ray} status --address="$address:$port" >/dev/null 2>&1 && break
  sleep 2
done
srun --overlap --nodes="$others" --ntasks="$others" --exclude="$first" \\
  {ray} start --block --address="$address:$port" "${{own[@]}}" &
"""
