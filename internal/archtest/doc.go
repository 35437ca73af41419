// Package archtest holds the rules of the house as tests: who may import
// whom, what the pure stages must not touch, what each dependency is for. The
// tables are those of ARCHITECTURE.md and docs/dependencies.md, read from the
// documents themselves, so that what a newcomer reads is what is enforced.
package archtest
