module github.com/slipway-build/slipway/examples/orders

go 1.26.0
