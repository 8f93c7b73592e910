# What run and nightly share: a folder of their own, clean copies of the tree, parts that are timed, and environments
# with the lowest or the newest versions. To be sourced by bash.
set -euo pipefail
exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An environment that happens to be active here must not help.
unset VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTEST_ADDOPTS HYPOTHESIS_PROFILE NUMBA_CACHE_DIR

parts=()
failed=()
check() { # check NAME COMMAND...: run it, say what it took, go on with the next if it failed
    local name=$1 began=$SECONDS status verdict=passed
    shift
    printf '\n== %s\n' "$name"
    set +e # in a condition (cmd || …) bash would go on after an error inside the command
    (
        set -e
        "$@"
    )
    status=$?
    set -e
    if [ $status != 0 ]; then
        verdict="FAILED with exit code $status"
        failed+=("$name")
    fi
    printf '== %s: %d s, %s\n' "$name" $((SECONDS - began)) "$verdict"
    parts+=("$(printf '%6d s  %-28s %s' $((SECONDS - began)) "$name" "$verdict")")
}

summary() { # all parts with their seconds
    printf '\n== all: %d s\n' "$SECONDS"
    printf '%s\n' "${parts[@]}"
}

copy() { # copy FOLDER: the tracked files as they are here (in a tree without git: all but what is made)
    mkdir -p "$1"
    cd "$root"
    if git ls-files --error-unmatch .ci/run >/dev/null 2>&1; then
        git ls-files -z | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done
    else
        find . \( -name .git -o -name .venv -o -name __pycache__ -o -name '.*_cache' \) -prune -o -type f -print0
    fi | tar --null --no-recursion -T - -cf - | tar -xf - -C "$1"
}

pythons() { python3 "$root/.ci/versions.py" pythons; }

old_enough() { # old_enough PYTHON: whether wheels of the lowest versions were made for it
    "$1" -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || { echo "not run: no Python below 3.14 is here"; return 1; }
}

environment() { # environment FOLDER PYTHON TREE WORDS...: an environment with the tree installed, and what pip is told besides
    local folder=$1 python=$2 tree=$3
    shift 3
    "$python" -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$tree" "$@"
}

# What .ci/core needs of the test extra. Not SymPy: it holds mpmath back.
core_tools=(pytest hypothesis safetensors pandas pyarrow)

core() { # core FOLDER TREE: the short core of the tests in that environment, and the versions they ran with
    # Its first file compiles the loops, which the tests of the command line would hear of.
    cd "$2"
    printf '%s with %s\n' "$("$1/bin/python" --version)" "$("$1/bin/pip" list --format freeze | tr '\n' ' ')"
    "$1/bin/python" -m pytest -q -p no:cacheprovider @.ci/core
}
