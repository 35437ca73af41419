package compare

import _ "embed" // the server that does nothing

// FloorSource is a Go program that listens on the port of its one argument, on
// the loopback address, and answers at once. Measured among the cells, it
// shows what of every time is the method's and the machine's own.
//
//go:embed floor/main.go.txt
var FloorSource string
