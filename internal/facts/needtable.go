package facts

// call is a function, type or variable of a package whose use shows a need.
type call struct {
	pkg  string // import path
	name string
	kind NeedKind
	// symbols are the linker's names of which at least one is in the binary
	// when the call is reached.
	symbols []string
}

// calls is what shows that a program needs something of the system it runs
// on. Only entry points stand here: what std calls inside itself is covered
// by the symbols.
var calls = []call{
	{"time", "LoadLocation", NeedZones, []string{"time.LoadLocation"}},

	{"os", "CreateTemp", NeedTemp, []string{"os.CreateTemp"}},
	{"os", "MkdirTemp", NeedTemp, []string{"os.MkdirTemp"}},
	{"os", "TempDir", NeedTemp, []string{"os.TempDir", "os.tempDir"}},
	{"io/ioutil", "TempFile", NeedTemp, []string{"os.CreateTemp"}},
	{"io/ioutil", "TempDir", NeedTemp, []string{"os.MkdirTemp"}},

	{"os/user", "Current", NeedUser, []string{"os/user.Current"}},
	{"os/user", "Lookup", NeedUser, []string{"os/user.Lookup", "os/user.lookupUser"}},
	{"os/user", "LookupId", NeedUser, []string{"os/user.LookupId", "os/user.lookupUserId"}},
	{"os/user", "LookupGroup", NeedUser, []string{"os/user.LookupGroup", "os/user.lookupGroup"}},
	{"os/user", "LookupGroupId", NeedUser, []string{"os/user.LookupGroupId", "os/user.lookupGroupId"}},

	{"os", "UserHomeDir", NeedHome, []string{"os.UserHomeDir"}},
	{"os", "UserConfigDir", NeedHome, []string{"os.UserConfigDir"}},
	{"os", "UserCacheDir", NeedHome, []string{"os.UserCacheDir"}},

	{"os/exec", "Command", NeedExec, []string{"os/exec.Command", "os/exec.(*Cmd).Start"}},
	{"os/exec", "CommandContext", NeedExec, []string{"os/exec.CommandContext", "os/exec.(*Cmd).Start"}},
	{"os", "StartProcess", NeedExec, []string{"os.StartProcess"}},
	{"syscall", "Exec", NeedExec, []string{"syscall.Exec"}},
	{"syscall", "ForkExec", NeedExec, []string{"syscall.forkExec"}},

	{"plugin", "Open", NeedPlugin, []string{"plugin.Open", "plugin.open"}},

	{"net/http", "Get", NeedRoots, rootSymbols},
	{"net/http", "Head", NeedRoots, rootSymbols},
	{"net/http", "Post", NeedRoots, rootSymbols},
	{"net/http", "PostForm", NeedRoots, rootSymbols},
	{"net/http", "Client", NeedRoots, rootSymbols},
	{"net/http", "DefaultClient", NeedRoots, rootSymbols},
	{"net/http", "Transport", NeedRoots, rootSymbols},
	{"net/http", "DefaultTransport", NeedRoots, rootSymbols},
	{"net/http/httputil", "ReverseProxy", NeedRoots, rootSymbols},
	{"net/http/httputil", "NewSingleHostReverseProxy", NeedRoots, rootSymbols},
	{"net/smtp", "SendMail", NeedRoots, rootSymbols},
	{"crypto/tls", "Dial", NeedRoots, rootSymbols},
	{"crypto/tls", "DialWithDialer", NeedRoots, rootSymbols},
	{"crypto/tls", "Dialer", NeedRoots, rootSymbols},
	{"crypto/tls", "Client", NeedRoots, rootSymbols},
	{"crypto/x509", "SystemCertPool", NeedRoots, rootSymbols},

	{"mime", "TypeByExtension", NeedMIME, []string{"mime.TypeByExtension"}},
}

var rootSymbols = []string{"crypto/x509.loadSystemRoots", "crypto/x509.SystemCertPool"}

// methods are methods that show a need, with the package that declares them;
// a file that does not import it cannot mean them.
var methods = []call{
	{"net/http", "ParseMultipartForm", NeedTemp, []string{"os.CreateTemp"}},
	{"net/http", "FormFile", NeedTemp, []string{"os.CreateTemp"}},
}

// shells are the programs whose start shows that a shell is needed.
var shells = []string{"sh", "bash", "/bin/sh", "/bin/bash", "/usr/bin/env"}

var (
	callsByPkg  = groupCalls(calls)
	methodsByID = groupMethods(methods)
	needles     = needleBytes()
)

func groupCalls(cs []call) map[string]map[string]*call {
	m := map[string]map[string]*call{}
	for i := range cs {
		c := &cs[i]
		if m[c.pkg] == nil {
			m[c.pkg] = map[string]*call{}
		}
		m[c.pkg][c.name] = c
	}
	return m
}

func groupMethods(cs []call) map[string]*call {
	m := map[string]*call{}
	for i := range cs {
		m[cs[i].name] = &cs[i]
	}
	return m
}

// needleBytes are texts of which a file must contain at least one to be worth
// parsing: .LoadLocation, .FormFile, … A hit decides nothing.
func needleBytes() [][]byte {
	seen := map[string]bool{}
	var out [][]byte
	for _, cs := range [][]call{calls, methods} {
		for _, c := range cs {
			if n := "." + c.name; !seen[n] {
				seen[n] = true
				out = append(out, []byte(n))
			}
		}
	}
	return append(out, []byte("LISTEN_FDS"))
}
