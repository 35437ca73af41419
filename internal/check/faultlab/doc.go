// Package faultlab shows, with the real toolchain, that what the rules find
// does fail. It holds tests only.
package faultlab
