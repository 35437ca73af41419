package rebuild

import (
	"regexp"
	"strings"
	"sync"
)

// Flags a foreign program may ask for. They go to programs (the compiler, the
// linker, the C compiler), some of whose other flags name a program to run or
// a file to write: -extld, -o, -fplugin, -wrapper, -B.
var (
	linkFlag = lazily(`^-(s|w|linkmode|extldflags|X|buildid|checklinkname|compressdwarf|randlayout|race|msan|asan|d|f|g|H|T|R|E|bindnow|aslr|B)$`)
	gcFlag   = lazily(`^-(N|l|B|C|m|e|spectre|smallframes|dwarf|dwarflocationlists|wb|shared|dynlink|lang|race|trimpath)$`)
	asmFlag  = lazily(`^-(D|spectre|shared|dynlink|trimpath|debug)$`)
	// cFlag follows what the go command allows in #cgo lines
	// (cmd/go/internal/work/security.go), less what names a file to be written
	// or a plug-in.
	cFlag = lazily(`^(-O[0-3sgz]?|-g[0-9a-z-]*|-D[A-Za-z_]\w*(=[^@-]?[^@]*)?|-U[A-Za-z_]\w*|-I/?[\w./+-]+|-L/?[\w./+-]+|-l[\w.+:-]+|-W[a-z][\w=+-]*|-w|-pipe|-pthread|-static|-std=[\w+:]+|-m(arch|tune|cpu|fpu|float-abi)=[\w+.-]+|-m(32|64|no-[\w-]+|sse[\w.]*|avx[\w]*|thumb|arm)|-f(no-)?(PIC|pic|PIE|pie|omit-frame-pointer|stack-protector[\w-]*|stack-clash-protection|cf-protection(=\w+)?|lto(=\w+)?|exceptions|common|asynchronous-unwind-tables|strict-aliasing|wrapv|visibility=\w+|data-sections|function-sections)|-f(debug|file|macro)-prefix-map=[\w./+@-]*=[\w./+@-]*|-ffat-lto-objects|-flto=auto|-Wl,(-z,[\w-]+|-O[0-9]|--as-needed|--build-id(=\w+)?|--gc-sections|--sort-common|-Bsymbolic-functions|--hash-style=\w+)(,-z,[\w-]+|,-O[0-9]|,--as-needed|,--build-id(=\w+)?|,--sort-common)*|-no-pie|-pie)$`)
)

// lazily compiles a large pattern when it is first needed: few commands do.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// harmless reports whether flags recorded under key may be repeated.
func harmless(key, value string) bool {
	words, ok := splitFlags(value)
	if !ok {
		return false
	}
	switch key {
	case "-ldflags":
		return linkFlagsHarmless(words)
	case "-gcflags", "-asmflags":
		allowed := gcFlag
		if key == "-asmflags" {
			allowed = asmFlag
		}
		for i, w := range words {
			// The first may follow a package pattern: all=-N.
			if pattern, flag, ok := strings.Cut(w, "=-"); i == 0 && ok && !strings.HasPrefix(pattern, "-") {
				w = "-" + flag
			}
			name, _, _ := strings.Cut(w, "=")
			if !allowed().MatchString(name) {
				return false
			}
		}
		return true
	case "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS":
		for _, w := range words {
			if !cFlag().MatchString(w) {
				return false
			}
		}
		return true
	}
	return false
}

func linkFlagsHarmless(words []string) bool {
	for i := 0; i < len(words); i++ {
		name, value, given := strings.Cut(words[i], "=")
		name = "-" + strings.TrimLeft(name, "-")
		if i == 0 && !strings.HasPrefix(words[0], "-") {
			// A package pattern: main=-X …
			_, flag, ok := strings.Cut(words[0], "=-")
			if !ok {
				return false
			}
			name, value, given = strings.Cut("-"+flag, "=")
		}
		if !linkFlag().MatchString(name) {
			return false
		}
		switch name {
		case "-X", "-linkmode", "-extldflags", "-buildid", "-H", "-T", "-R", "-E", "-B":
			if !given {
				if i++; i >= len(words) {
					return false
				}
				value = words[i]
			}
		}
		if name == "-extldflags" {
			inner, ok := splitFlags(value)
			if !ok {
				return false
			}
			for _, w := range inner {
				if !cFlag().MatchString(w) {
					return false
				}
			}
		}
	}
	return true
}

// splitFlags splits a list of flags as the go command does: at spaces, with
// single or double quotes around whole words (cmd/internal/quoted).
func splitFlags(s string) (words []string, ok bool) {
	for s = strings.TrimLeft(s, " \t\r\n"); s != ""; s = strings.TrimLeft(s, " \t\r\n") {
		if q := s[0]; q == '\'' || q == '"' {
			end := strings.IndexByte(s[1:], q)
			if end < 0 {
				return nil, false
			}
			words, s = append(words, s[1:1+end]), s[2+end:]
			continue
		}
		end := strings.IndexAny(s, " \t\r\n")
		if end < 0 {
			end = len(s)
		}
		words, s = append(words, s[:end]), s[end:]
	}
	return words, true
}
