module github.com/slipway-build/slipway/examples/hello

go 1.20
