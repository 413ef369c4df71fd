# The study as a graph: one rule a stage, each run is one notebook executed by papermill in its own folder.
# `python -m fada_lib.study.cli` (run_all.sh) writes plan.json, then starts this in the study's folder:
#     snakemake --snakefile Snakefile --directory results/default --rerun-triggers mtime --cores 2
# metrics.json is a notebook's last act and the only output here: what a failed or stopped run leaves beside it
# (executed notebook, history, resume checkpoint) stays, for reading and for going on.
import json
import sys
from pathlib import Path

from fada_lib.study.estimate import longest_chain
from fada_lib.study.plan import Run

PLAN = json.loads(Path("plan.json").read_text())
RUNS = {run["id"]: run for run in PLAN["runs"]}
REPORT = config.get("report", "fada_lib.study.report")
ROOT = workflow.basedir
CHAIN = longest_chain([Run(run["id"], run["stage"], run["parameters"], tuple(run["needs"])) for run in PLAN["runs"]])

shell.prefix(
    f"set -euo pipefail; export OMP_NUM_THREADS={PLAN['threads']} MKL_NUM_THREADS={PLAN['threads']}"
    f" OPENBLAS_NUM_THREADS={PLAN['threads']}; "
)

wildcard_constraints:
    run="[^/]+",


def params_and_predecessors(wildcards):
    needed = [f"runs/{need}/metrics.json" for need in RUNS[wildcards.run]["needs"]]
    return [f"runs/{wildcards.run}/params.yaml", *needed]


def notebook(wildcards):
    return RUNS[wildcards.run]["notebook"]


EXECUTE = (
    "rm -f runs/{wildcards.run:q}/progress.json runs/{wildcards.run:q}/failed; "
    "{sys.executable:q} -m papermill {params.notebook:q} {log:q} -f {input[0]:q} -k python3 --engine ipc"
    " --cwd {ROOT:q} --no-progress-bar --log-level ERROR 2> runs/{wildcards.run:q}/stderr.log && test -s {output:q}"
    " || {{ code=$?; echo $code > runs/{wildcards.run:q}/failed; exit 1; }}"
)

# The results too: of a report that is there, Snakemake would not miss them.
rule all:
    input: "report.html", expand("runs/{run}/metrics.json", run=RUNS)

rule data:
    input: params_and_predecessors
    output: "runs/{run,01_.+}/metrics.json"
    log: "runs/{run}/notebook.ipynb"
    params: notebook=notebook
    threads: PLAN["threads"]
    priority: lambda wildcards: CHAIN[wildcards.run]  # else the last teacher's student would leave a core idle
    shell: EXECUTE

use rule data as pretrain with:
    output: "runs/{run,02_.+}/metrics.json"

use rule data as adapt with:
    output: "runs/{run,03_.+}/metrics.json"

use rule data as distill with:
    output: "runs/{run,04_.+}/metrics.json"

use rule data as analyse with:
    output: "runs/{run,05_.+}/metrics.json"

rule report:
    input: "plan.json", expand("runs/{run}/metrics.json", run=RUNS)
    output: "report.html"
    log: "report.log"
    shell: "{sys.executable:q} -m {REPORT} . 2> {log:q}"
