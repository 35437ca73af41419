// This file lets fork_linux.go declare functions that the runtime provides.
