# `swift build` and `swift test` share their objects only in one configuration, and only without -enable-testing.
build_flags := -c release
test_flags := $(build_flags) --disable-testable-imports
ecar := .build/release/ecar
# Ten of the shipped model's 102 kinds.
flowers := --class "pink primrose" --class "globe thistle" --class sunflower --class "oxeye daisy" \
    --class "water lily" --class "king protea" --class "English marigold" \
    --class "blanket flower" --class "Barberton daisy" --class lotus

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/swift-ecar
venv := $(cache)/fixtures-venv
server_venv := $(cache)/server-tests-venv
server_packages := aiohttp==3.14.5 openai==3.54.0 schemathesis==4.32.5 selenium==4.51.0
packages := torch==2.11.0 numpy safetensors pillow diffusers torchvision scipy pytorch-fid==0.3.0 torch-fidelity==0.4.0

.DEFAULT_GOAL := help
.PHONY: help setup build sample test test-browser test-openai test-schema test-load lint format fixtures benchmark clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the system libraries and libtorch, where missing
	@Scripts/setup

build: setup ## build the ecar command
	swift build $(build_flags) --product ecar

sample: build ## write samples.png with the shipped model
	$(ecar) sample $(flowers) --count 6 --precision bf16 --output samples.png
	@echo "The images are in $(CURDIR)/samples.png"

test: setup ## run the tests (FILTER=Name for some of them)
	swift test $(test_flags) $(if $(FILTER),--filter '$(FILTER)')

test-browser: build $(server_venv)/ready ## drive the studio's page in Chromium (needs Debian's chromium and chromium-driver)
	'$(server_venv)/bin/python' Tests/Server/browser.py $(ecar) $(ARGS)

test-openai: build $(server_venv)/ready ## try the server with OpenAI's own client
	'$(server_venv)/bin/python' Tests/Server/openai_client.py $(ecar) $(ARGS)

test-schema: build $(server_venv)/ready ## send 100,000 requests, wrong ones too, made from the API's description (ARGS for fewer)
	'$(server_venv)/bin/python' Tests/Server/schema.py $(ecar) $(ARGS)

test-load: build $(server_venv)/ready ## let 200 clients use the server for 60 s (ARGS='--clients 20 --seconds 10' for less)
	'$(server_venv)/bin/python' Tests/Server/load.py $(ecar) $(ARGS)

$(server_venv)/ready: Makefile
	python3 -m venv --clear '$(server_venv)'
	'$(server_venv)/bin/pip' install --quiet --disable-pip-version-check $(server_packages)
	touch '$@'

lint: ## check the formatting
	swift format lint --strict --recursive --parallel Sources Tests Package.swift

format: ## correct the formatting
	swift format --in-place --recursive --parallel Sources Tests Package.swift

fixtures: $(venv)/ready ## compute the expected values of the tests with PyTorch (5 GB of disk)
	'$(venv)/bin/python' Scripts/fixtures.py
	'$(venv)/bin/python' Scripts/image_fixtures.py
	'$(venv)/bin/python' Scripts/autoencoder_fixtures.py
	'$(venv)/bin/python' Scripts/evaluation_fixtures.py
	'$(venv)/bin/python' Scripts/metric_fixtures.py
	'$(venv)/bin/python' Scripts/classifier_fixtures.py

$(venv)/ready: Makefile
	python3 -m venv --clear '$(venv)'
	'$(venv)/bin/pip' install --quiet --disable-pip-version-check $(packages)
	touch '$@'

benchmark: build $(venv)/ready ## training throughput against PyTorch (DATA=folder of Fashion-MNIST, or ARGS)
	'$(venv)/bin/python' Benchmarks/train_throughput.py $(if $(DATA),--data '$(DATA)') $(ARGS)

clean: ## remove what was built; the cache with libtorch stays
	rm -rf .build samples.png
