# make chat   the environment, the seeds ingested, the page served
# make test   the environment, lint, types, tests and the README's commands
# make faults 100 writers killed at random instants, and what else is too slow for make test
PYTHON ?= python3
PY := .venv/bin/python
STAMP := .venv/.current

.PHONY: env chat test faults lint types browser evals
env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

chat: env
	$(PY) ingest.py
	$(PY) ui.py

lint: env
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: env
	.venv/bin/pyright

# A Chromium for the one browser test: found, or installed where that needs no question (Debian, as root).
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null 2>&1 \
	|| echo "no Chromium found: the browser tests will be skipped (in CI they fail); install the package chromium"

test: env browser lint types
	$(PY) -m pytest

faults: env
	$(PY) -m pytest -m faults --timeout 900
