module github.com/slipway-build/slipway

// The toolchain floor is the oldest Go release that still gets security fixes.
go 1.26.0
