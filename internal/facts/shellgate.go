package facts

import "bytes"

// alwaysRead is how large a shell script may be and is read whatever it
// holds, in bytes: a small one may be what an image starts, all of whose
// commands count.
const alwaysRead = 4 << 10

// Words without which nothing asks for the commands of a script: those of
// the go command (GoCommands), of builders of images (dockerBuildOf) and of
// mounts. Assignments to the go command's variables are looked for apart.
var (
	goWords    = byteNeedles("go")
	imageTools = byteNeedles("docker", "podman", "nerdctl", "buildah")
	imageVerbs = byteNeedles("build", "bud")
	tempMounts = byteNeedles("--tmpfs", ":/tmp")
)

// tellingScript reports whether the commands of a shell script can tell anyone
// anything. Parsing shell is a hundred times as slow as this.
func tellingScript(src []byte) bool {
	return len(src) <= alwaysRead || hasWord(src, goWords, nil) || setsGo(src) ||
		containsAny(src, imageTools) && hasWord(src, imageVerbs, buildsImage) || containsAny(src, tempMounts)
}

// buildsImage reports whether a verb that stands behind src may be that of a
// builder of images: the word before it is one, or is not known; or the verb
// is no word but a value.
func buildsImage(src []byte) bool {
	before := bytes.TrimRight(src, " \t\r\n\\")
	if len(before) == len(src) {
		return len(src) == 0 || bytes.IndexByte([]byte("/:"), src[len(src)-1]) < 0
	}
	word := bytes.Trim(before[bytes.LastIndexAny(before, " \t\n=;&|(")+1:], `"'`)
	return bytes.IndexByte(word, '$') >= 0 || bytes.Equal(word, []byte("buildx")) || bytes.Equal(word, []byte("image")) || containsAny(word, imageTools)
}

// hasWord reports whether one of words stands in src by itself, not in a line
// that is a comment, and fits says yes to what stands before it.
func hasWord(src []byte, words [][]byte, fits func(before []byte) bool) bool {
	for _, w := range words {
		for at := 0; ; {
			i := bytes.Index(src[at:], w)
			if i < 0 {
				break
			}
			from, to := at+i, at+i+len(w)
			if (from == 0 || !shellWordByte(src[from-1])) && (to == len(src) || !shellWordByte(src[to]) && src[to] != '/') && !inComment(src, from) && (fits == nil || fits(src[:from])) {
				return true
			}
			at = to
		}
	}
	return false
}

// shellWordByte reports whether a byte beside a word makes it another one.
// A slash before it does not: /usr/local/go/bin/go.
func shellWordByte(c byte) bool {
	return wordByte(c) || c == '-' || c == '.'
}

// setsGo reports whether a variable is set whose name begins with GO.
func setsGo(src []byte) bool {
	for at := 0; ; {
		i := bytes.Index(src[at:], []byte("GO"))
		if i < 0 {
			return false
		}
		end := at + i + len("GO")
		for end < len(src) && wordByte(src[end]) {
			end++
		}
		if rest := bytes.TrimPrefix(src[end:], []byte("+")); bytes.HasPrefix(rest, []byte("=")) && (at+i == 0 || !wordByte(src[at+i-1])) {
			return true
		}
		at = end
	}
}

func inComment(src []byte, at int) bool {
	line := src[bytes.LastIndexByte(src[:at], '\n')+1 : at]
	return bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("#"))
}
