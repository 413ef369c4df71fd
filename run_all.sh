#!/usr/bin/env bash
# Sets up .venv from requirements.lock when needed, then runs a study or the tests.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="$root/.venv"
stamp="$venv/set-up-done"
needed_gb=8

usage() {
    cat <<'TEXT'
usage: ./run_all.sh [PARAMS.yaml ...] [options]

Runs a study end to end and prints where its report is. Without PARAMS.yaml: params/default.yaml.
The first call sets up an isolated environment in .venv; later calls find it ready.
Finished runs are kept: the same command again does only what is missing or has changed, and what another study in
the same output folder has finished with the same parameters, code and versions is taken over.

  PARAMS.yaml ...    the study, a file of params/ or your own; several run one after the other, params/ablations/*.yaml
  --seeds 0,1,2      run these seeds instead of the study's own
  --methods a,b      adapt only by these methods, as the study names them
  --output DIR       keep the study in DIR/<study> instead of results/<study>
  --dry-run          say what would run and why, and stop
  --jobs N           run N notebooks at once (default: by the number of cores; one with a GPU)
  --fresh            also rerun what was made by other code than the code that is here now
  --clean            remove the runs of parameters that the file no longer has (with --dry-run: list them)
  --tables           instead of a study: the paper's Tables 1-6 and Figures 3-5 from all studies in the output folder
  --reference        instead of running it: add the study's finished runs to reference/<study>_runs.csv and write the
                     tables that follow from all runs there
  --verify           instead of running it: compare the study's finished runs with those kept in reference/, digit by digit
  --test             run the tests instead of a study (what follows goes to pytest: -m 'not slow', -m long, --gpu)
  --help             show this text

Environment: PYTHON names the interpreter to set up with (3.11 or newer; otherwise the newest one is found).
Exit codes: 0 done, 1 a run failed (--verify: or has other digits), 2 wrong input, 130 stopped by Ctrl-C (the same command goes on from there).
TEXT
}

fail() {
    echo "error: $*" >&2
    exit 2
}

find_python() {
    local candidate candidates=(python3.13 python3.12 python3.11 python3)
    [[ -z "${PYTHON:-}" ]] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and ${PYTHON:-python3} is not; install it or name one: PYTHON=/path/to/python ./run_all.sh"
}

wanted_stamp() {
    cat "$root/requirements.lock" "$root/pyproject.toml" <(echo "$root") | sha256sum
}

is_ready() {
    [[ -f "$stamp" && -x "$venv/bin/python" && "$(cat "$stamp")" == "$(wanted_stamp)" ]]
}

check_space() {
    local free_gb
    free_gb=$(df -Pk "$root" | awk 'NR == 2 {print int($4 / 1048576)}')
    ((free_gb >= needed_gb)) || fail "setting up needs $needed_gb GB in $root and $free_gb GB are free; free some space"
}

pip_install() {
    local log="$venv/pip.log"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 2 --timeout 20 "$@" \
        >>"$log" 2>&1 && return
    if grep -q 'No space left' "$log"; then
        fail "no space left while setting up; free some space and run this again (details: $log)"
    elif grep -qE 'Could not find a version|ConnectionError|connection|Retrying' "$log"; then
        fail "no package index could be reached, or it lacks a package of requirements.lock; check the network and run this again (details: $log)"
    fi
    fail "pip could not install requirements.lock; run this again, and if it persists read $log"
}

set_up() {
    local python started=$SECONDS
    trap 'echo "stopped while setting up; the same command starts again" >&2; exit 130' INT TERM
    python="$(find_python)"
    # Without its stamp it was interrupted half-way, under another path it was moved: start anew.
    if ! { [[ -f "$stamp" ]] && grep -qF " $venv" "$venv/pyvenv.cfg" && "$venv/bin/python" -c ''; } 2>/dev/null; then
        rm -rf "$venv"
        check_space
        "$python" -m venv "$venv" >/dev/null 2>&1 && [[ -x "$venv/bin/python" ]] ||
            fail "$python cannot make a virtual environment; install its venv module (Debian, Ubuntu: python3-venv) or free some space"
    fi
    echo "setting up .venv with $("$venv/bin/python" --version): $(grep -c == "$root/requirements.lock") packages, 6 GB; a few minutes, only this once" >&2
    rm -f "$stamp" "$venv/pip.log"
    pip_install -r "$root/requirements.lock"
    pip_install --no-deps --no-build-isolation -e "$root"
    wanted_stamp >"$stamp"
    trap - INT TERM
    echo "set up in $((SECONDS - started)) s" >&2
}

# One at a time; pip inherits the lock, so that nobody starts anew under a pip whose script was killed.
set_up_unless_ready() {
    local turn
    exec {turn}<"$root/requirements.lock"
    flock -n "$turn" || { echo "another run_all.sh is setting up .venv; waiting for it" >&2; flock "$turn"; }
    is_ready || set_up
    exec {turn}<&-
}

case " $* " in *" --help "* | *" -h "*)
    [[ "${1:-}" == --test ]] || { usage; exit 0; } ;;
esac
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
is_ready || set_up_unless_ready
if [[ "${1:-}" == --test ]]; then
    cd "$root"
    exec "$venv/bin/python" -m pytest -q -n 2 --dist loadfile "${@:2}"
fi
exec "$venv/bin/python" -m fada_lib.study.cli "$@"
