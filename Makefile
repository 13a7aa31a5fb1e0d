# make help shows what there is to make.

GO          ?= go
# What the handler is built for: this machine, or, for Azure, GOOS=linux GOARCH=amd64.
GOOS        ?= $(shell $(GO) env GOHOSTOS)
GOARCH      ?= $(shell $(GO) env GOHOSTARCH)
FUZZTIME    ?= 10m
GOLANGCI    ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
ACTIONLINT  ?= github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
GOVULNCHECK ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Packages whose tests run goroutines against one another: a short run of them is watched by the race detector.
CONCURRENT := ledger|ledger/interleave|schedule|score|runs|store|protocol|ingest|model|simulate|blob
RACING      = $(shell $(GO) list ./... | grep -E '/handler/($(CONCURRENT))(/storetest|/blobtest)?$$')
RACE       := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

CLI  := bin/fleetscore
HERE := env -u GOOS -u GOARCH

.DEFAULT_GOAL := help
.PHONY: picture unit mutants gremlins soak help build cli run serve start core-tools storage test check check-infra check-workflows faults fuzz bench vuln licenses size clean

help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

build: cli ## stage the application in dist/: host.json, functions, the handler
	@rm -rf dist && mkdir -p dist
	@cp host.json dist/ && cd functions && for f in *; do mkdir ../dist/$$f && cp $$f/function.json ../dist/$$f/; done
	@CGO_ENABLED=0 GOOS=$(GOOS) GOARCH=$(GOARCH) $(GO) build -trimpath -ldflags='-s -w' -o dist/handler ./handler/cmd/handler

cli:
	@$(HERE) $(GO) build -o $(CLI) ./handler/cmd/fleetscore

run: build ## score a simulated fleet, or your own: DATA=file.csv MODELS=dir OUT=dir ZONE=Europe/Berlin
	@$(CLI) run $(if $(DATA),--data '$(DATA)') $(if $(MODELS),--models '$(MODELS)') $(if $(OUT),--out '$(OUT)') $(if $(ZONE),--zone '$(ZONE)')

serve: build ## keep it running: a simulated fleet sends, a window is scored each minute
	@$(CLI) serve

picture: ## the picture in the README, from make serve, which has to run for a while; needs Chromium
	@$(GO) run ./docs/picture -height 600 -width 1000 -out docs/fleet.png

start: core-tools build ## run dist/ under Azure Functions Core Tools; needs storage: make storage
	@cp local.settings.json dist/ 2>/dev/null || cp local.settings.json.example dist/local.settings.json
	@cd dist && func start

core-tools:
	@command -v func >/dev/null || { echo 'func is not installed: npm install -g azure-functions-core-tools@4, or use make serve, which needs no Core Tools' >&2; exit 1; }

storage: cli ## run the storage emulator on its usual ports, until Ctrl-C
	@$(CLI) storage

test: check ## everything, in about ten minutes on two cores; then what could not be tested, and what was left behind
	@.ci/tested $(MAKE) --no-print-directory unit

# What computes much in one goroutine would take minutes under the race detector.
UNWATCHED := TestWindowsDoNotShow|TestRulesOfWindowsMatter|TestStore/sqlite/(LateFar|LateRandom|ManyLate|DeleteReadings|BatchSizes)$$
unit:
	@$(GO) test $(RACE) -shuffle on -short -timeout 15m -skip '$(UNWATCHED)' $(RACING)
	@$(GO) test -timeout 15m ./...

check:
	@$(GO) run $(GOLANGCI) run ./...

mutants: ## plant each fault of the list, and show those that no test notices (an hour); FAULTS='L2 L3' for some
	@$(GO) run ./handler/mutants $(FAULTS)

# gremlins changes conditions, arithmetic and signs. A number after a colon takes a
# sample: what stands in every so manieth line.
GREMLINS_OF ?= ledger schedule schedule/ncrontab protocol:4 score:4 ingest:3 ingest/rules:2 ingest/mapping:20 store:10 runs:7 model model/registry model/publish:3 \
	model/predict model/archive model/joblib:2 model/skops:3 model/svm:3 model/forest:4 model/numpy:4 model/libm:4 model/lightgbm:5 model/pickle:8 model/artifact:7 model/xgboost:10 model/sklearn:60 \
	features:7 series:2 tabular:5 export fleet:4 config simulate:2 telemetry offline:2
gremlins: ## the same with faults that a tool makes (hours); GREMLINS_OF='ledger score:4' for some, the second by every fourth line
	@for p in $(GREMLINS_OF); do echo "$$p"; .ci/gremlins $$(echo "$$p" | tr : ' ') || exit 1; done

soak: faults ## campaigns of many rounds: faults, and 20,000 rounds of the ledger's interleavings, 1,000 of windows cut anywhere
	@$(GO) test ./handler/ledger/interleave -count=1 -v -timeout 3h -from 0 -rounds 20000 -windows 1000

check-infra: ## check the description of Azure: lint, snapshots, settings, roles, queries (test does it too)
	@$(GO) test ./handler/infra

check-workflows: ## check the workflows that GitHub runs, and their scripts where shellcheck is installed
	@$(GO) run $(ACTIONLINT)

faults: ## 200 rounds of failing network, disk, locks, clock and processes, some for a minute (an hour or two)
	@$(GO) test ./handler/e2e -run 'TestFaults$$' -v -timeout 6h -parallel 8 -faults 200 -long -faultseed 0

# go test fuzzes one target of one package at a time. Inputs that are new are made
# smaller in a few tries: by default that takes a minute each, of fuzzing time.
fuzz: ## fuzz each reader of outside input for FUZZTIME: 10m, or a count such as 1000x
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' handler | sed 's/func //' | while IFS=: read -r file target; do \
		echo "fuzz $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$$(dirname $$file) || exit 1; done

# OpenBLAS settings that some machines need would slow scikit-learn, which the models are compared with.
bench: ## run the benchmarks; SKLEARN_PYTHON=python3:… names Pythons with scikit-learn to compare with
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(GO) test -p 1 -run '^$$' -bench . -benchmem ./...

vuln: ## look for known vulnerabilities (asks vuln.go.dev)
	@$(GO) run $(GOVULNCHECK) ./...

licenses: ## list the modules in the handler, with the first line of their licenses
	@$(GO) list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./handler/cmd/handler | sort -u | \
		while read -r path version dir; do printf '%-58s %-12s %s\n' "$$path" "$$version" "$$(cat "$$dir"/LICENSE* "$$dir"/COPYING* 2>/dev/null | grep -m1 '[^[:space:]]')"; done

size: build ## show what is deployed, and how large it is
	@du -ab dist | sort -k2

clean: ## remove what was built
	@rm -rf dist bin
