# Developer commands. Everything they need is fetched by themselves, see docs/development.md.
PYTHON ?= python3
DEV := $(PYTHON) -m scripts
export ARGS TAGS

.DEFAULT_GOAL := help
.PHONY: help run test unit test-plain test-odoo test-live test-browser test-core screenshots faults bench lint format lock terms clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

run: ## Odoo with the addon and the sandbox, until Ctrl-C (PORT=...)
	@$(DEV) run

test: ## everything: plain, Odoo's runner, several processes, Chromium, Odoo's own mail tests
	@$(DEV) test

unit: ## the tests that need no Odoo, in seconds (ARGS=... for pytest)
	@$(DEV) unit

test-plain: unit

test-odoo: ## the addon's tests in Odoo (TAGS=/mail_server_oauth2:TestClass)
	@$(DEV) test odoo

test-live: ## the addon in several processes at once (ARGS=... for pytest)
	@$(DEV) test live

test-browser: ## the tests in Chromium (ARGS=... for pytest)
	@$(DEV) test browser

test-core: ## Odoo's own mail tests with the addon installed (TAGS=...)
	@$(DEV) test core

screenshots: ## the pictures of the documentation, from the running system
	@ARGS=tests_browser/take_pictures.py $(DEV) test browser

faults: ## 1,000 mails through every fault: none lost, none doubled (ARGS='--mails 100 --only kill')
	@$(PYTHON) -m bench.faults $(ARGS)

bench: ## speed and memory, compared with core's plain SMTP (ARGS='--repeat 1')
	@$(PYTHON) -m bench.throughput $(ARGS)

lint: ## ruff, pylint-odoo, OCA's checks, XML, names, contents of the wheel
	@$(DEV) lint

format: ## bring Python into the form that lint asks for
	@$(DEV) format

lock: ## pin the newest Python packages that fit in requirements/*.lock
	@$(DEV) lock

terms: ## bring what can be translated into i18n/
	@$(DEV) terms

clean: ## remove .run; the shared cache stays
	@$(DEV) clean
