# The two commands a newcomer needs are `make run` and `make test`. `make` alone lists all.

.DEFAULT_GOAL := help
.PHONY: help run manage test coverage fast lint sdk bench format css css-check lock clean

VENV := .venv
BIN := $(VENV)/bin
# The first of these that is Python 3.11 or newer.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-input --require-hashes
# Any key will do for looking at the code under production settings; it opens nothing.
PRODUCTION := ENVIRONMENT=production BASE_URL=https://switchboard.example.com EMAIL_URL=smtp+tls://mail.example.com:587 \
	DEFAULT_FROM_EMAIL=switchboard@example.com DATABASE_URL=postgres://switchboard@127.0.0.1/switchboard

# The tests that `make coverage` runs: they alone reach all of what pyproject.toml lists for coverage.
COVERING := tests/orgs tests/integrations/test_access.py tests/integrations/test_changes.py tests/integrations/jobs/test_deletion.py \
	$(addprefix tests/integrations/,mcp/test_oauth.py mcp/test_registration.py views/test_end_users.py) \
	tests/integrations/views/test_application_deletion.py \
	$(addprefix tests/permissions/test_,about.py applications.py conditions.py decide.py policies.py rules.py standing.py words.py)

# One line for each package. All that pip says is in .venv/install.log; its end is shown when it fails.
define install
	@rm -f $(VENV)/.done; { $(INSTALL) -r $(1) 2>&1 && touch $(VENV)/.done; } | tee $(VENV)/install.log \
		| awk '/^Collecting/ { print "  " $$2; fflush() } /^Installing collected/ { print "  Unpacking …"; fflush() }'
	@test -f $(VENV)/.done || { tail -n 15 $(VENV)/install.log; \
		echo "The installation failed; the whole story is in $(VENV)/install.log"; exit 1; }
endef

# An environment of its own for one package, in .sdk/.
define beside
	@rm -rf .sdk/$(1) && $(BIN)/python -m venv .sdk/$(1)
	@.sdk/$(1)/bin/pip install --quiet --disable-pip-version-check --no-input $(2) && touch .sdk/$(1)/.installed
endef

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PORT=8001 make run           another port"
	@echo "  DATA_DIR=/path make run      other data"
	@echo "  LOG=1 make run               with every log line"
	@echo "  make test DATABASE_URL=postgres://… REDIS_URL=redis://…    on servers of yours"

run: $(VENV)/.installed ## Start Switchboard with demo data; Ctrl-C stops it
	@exec $(BIN)/python -m config.run

manage: $(VENV)/.installed ## Run a management command on that installation: make manage ARGS="…"
	@exec $(BIN)/python -m config.run manage $(ARGS)

test: $(VENV)/.installed-dev tests/emulate/node_modules/.installed tests/mcp/node_modules/.installed ## Run all tests
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: $(VENV)/.installed-dev ## Check that the tests reach every line and branch of who may do what
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q -n auto $(COVERING)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

fast: $(VENV)/.installed-dev ## Run the tests that need no database, browser or server
	@$(BIN)/python -m pytest -n0 -q -m "not (browser or faults or emulate)" --no-database $(ARGS)

lint: $(VENV)/.installed-dev ## Style, types, layers, templates, migrations, deployment checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy accounts orgs integrations config manage.py
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	DJANGO_SETTINGS_MODULE=config.settings_test DATABASE_URL=sqlite://:memory: \
		$(BIN)/python manage.py makemigrations --check --dry-run
	env $(PRODUCTION) $$($(BIN)/python -m config.keys) \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

sdk: $(VENV)/.installed-dev .sdk/0.29.0/.installed .sdk/0.22.0/.installed .sdk/schemathesis/.installed tests/sdk/node_modules/.installed ## Install the official SDKs and a fuzzer beside the product

.sdk/0.29.0/.installed .sdk/0.22.0/.installed: .sdk/%/.installed:
	$(call beside,$*,composio==$*)

.sdk/schemathesis/.installed:
	$(call beside,schemathesis,schemathesis==4.32.5)

bench: $(VENV)/.installed-dev ## Measure what the queue adds to a call
	@$(BIN)/python -m benchmarks.executions $(ARGS)

format: $(VENV)/.installed-dev ## Put the code into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

css: node_modules/.installed ## Compile styles/app.css
	npm run --silent build

css-check: node_modules/.installed ## Check that the committed CSS is what the sources give
	npm exec -- tailwindcss --input styles/app.css --output .css-check.css --minify
	@cmp .css-check.css static/css/app.css && rm .css-check.css \
		|| { rm -f .css-check.css; echo "static/css/app.css is old: run make css and commit it."; exit 1; }

lock: $(VENV)/.installed-dev ## Pin and hash the requirements anew
	$(BIN)/uv pip compile --quiet --universal --no-header --generate-hashes --python-version 3.11 requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --no-header --generate-hashes --python-version 3.11 requirements-dev.in -o requirements-dev.txt

clean: ## Remove what was installed and built; data stay
	rm -rf $(VENV) .css-check.css .coverage .coverage.* node_modules tests/emulate/node_modules tests/mcp/node_modules tests/sdk/node_modules .sdk staticfiles .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Switchboard needs Python 3.11 or newer; none was found."; exit 1; }
	@echo "Making a virtual environment in $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo "Installing what Switchboard needs; the first time takes about a minute …"
	$(call install,requirements.txt)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt | $(BIN)/python
	@echo "Installing what the tests need; the first time takes some minutes …"
	$(call install,requirements-dev.txt)
	@touch $@ $(VENV)/.installed

# The test providers run on Node. Without npm those tests are skipped, and say so.
tests/emulate/node_modules/.installed: tests/emulate/package-lock.json
	@if command -v npm >/dev/null; then cd tests/emulate && npm ci --no-audit --no-fund && touch node_modules/.installed; \
	else echo "npm was not found: the tests with outside OAuth servers will be skipped."; fi

tests/sdk/node_modules/.installed: tests/sdk/package-lock.json
	@cd tests/sdk && npm ci --silent --no-audit --no-fund && touch node_modules/.installed

tests/mcp/node_modules/.installed: tests/mcp/package-lock.json
	@if command -v npm >/dev/null; then cd tests/mcp && npm ci --no-audit --no-fund && touch node_modules/.installed; \
	else echo "npm was not found: the test with the TypeScript client of MCP will be skipped."; fi

# Not `npm ci`: it refuses a lock without the optional builds for other platforms, and some are not published.
node_modules/.installed: package-lock.json
	npm install --no-save --no-audit --no-fund
	@touch $@
