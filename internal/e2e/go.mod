module github.com/darkstart-dev/darkstart/internal/e2e

go 1.27.0

toolchain go1.27.3
