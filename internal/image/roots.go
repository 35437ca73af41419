package image

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// maxBundle bounds the file of additional roots, in bytes.
const maxBundle = 16 << 20

// rootsFile gives ca-certificates.crt: the public roots, and those of the PEM
// file at extra if there is one.
func rootsFile(public bool, extra string) ([]byte, error) {
	var out bytes.Buffer
	seen := map[[sha256.Size]byte]bool{}
	if public {
		b, fingerprints := publicRoots()
		out.Write(b)
		for _, f := range fingerprints {
			seen[f] = true
		}
	}
	if extra == "" {
		return out.Bytes(), nil
	}
	raw, err := readBounded(extra, maxBundle)
	if err != nil {
		e := &fault.Error{Msg: i18n.M("image.roots.read"), Hint: i18n.M("image.roots.read.hint"), Code: fault.Usage, Cause: err}
		e.Pos.File = extra
		return nil, e
	}
	certs, err := parseBundle(raw, extra)
	if err != nil {
		return nil, err
	}
	for _, c := range certs {
		if f := sha256.Sum256(c.Raw); !seen[f] {
			seen[f] = true
			writeRoot(&out, c, "")
		}
	}
	return out.Bytes(), nil
}

// publicRoots gives the roots of Mozilla's store in the order of the bundle,
// and their fingerprints.
var publicRoots = sync.OnceValues(func() ([]byte, [][sha256.Size]byte) {
	var out bytes.Buffer
	var fingerprints [][sha256.Size]byte
	for r := range bundle.Roots() {
		c, err := x509.ParseCertificate(r.Certificate)
		if err != nil {
			continue // one this Go release does not read is of no use to a Go program
		}
		note := ""
		if r.Constraint != nil {
			note = " (Mozilla trusts it only for certificates issued before a certain date, which this file cannot express)"
		}
		writeRoot(&out, c, note)
		fingerprints = append(fingerprints, sha256.Sum256(r.Certificate))
	}
	return out.Bytes(), fingerprints
})

// writeRoot writes a comment line with the subject, and the certificate.
func writeRoot(out *bytes.Buffer, c *x509.Certificate, note string) {
	subject := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, c.Subject.String())
	out.WriteString("# " + subject + note + "\n")
	_ = pem.Encode(out, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a bytes.Buffer takes everything
}

// parseBundle reads every certificate of a PEM file. Text between the blocks
// is a comment; a block that is anything but a good certificate is an error
// with its line, and so is a file without one.
func parseBundle(raw []byte, file string) ([]*x509.Certificate, error) {
	bad := func(line int, cause error, msg, hint i18n.Message) error {
		return &fault.Error{Pos: fault.Pos{File: file, Line: line}, Msg: msg, Hint: hint, Code: fault.Usage, Cause: cause}
	}
	var certs []*x509.Certificate
	begin, offset := 0, 0 // line and offset of the open block; line 0: none
	line, at := 0, 0
	for text := range bytes.Lines(raw) {
		line++
		start := at
		at += len(text)
		mark := strings.TrimSpace(string(text))
		switch {
		case strings.HasPrefix(mark, "-----BEGIN "):
			if begin != 0 {
				return nil, bad(begin, nil, i18n.M("image.roots.garbage"), i18n.M("image.roots.garbage.hint"))
			}
			if kind := strings.TrimSuffix(strings.TrimPrefix(mark, "-----BEGIN "), "-----"); kind != "CERTIFICATE" {
				return nil, bad(line, nil, i18n.M("image.roots.block", kind), i18n.M("image.roots.block.hint"))
			}
			begin, offset = line, start
		case strings.HasPrefix(mark, "-----END "):
			if begin == 0 {
				return nil, bad(line, nil, i18n.M("image.roots.garbage"), i18n.M("image.roots.garbage.hint"))
			}
			block, _ := pem.Decode(raw[offset:at])
			if block == nil {
				return nil, bad(begin, nil, i18n.M("image.roots.garbage"), i18n.M("image.roots.garbage.hint"))
			}
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, bad(begin, err, i18n.M("image.roots.bad"), i18n.M("image.roots.bad.hint"))
			}
			certs = append(certs, c)
			begin = 0
		}
	}
	if begin != 0 {
		return nil, bad(begin, nil, i18n.M("image.roots.garbage"), i18n.M("image.roots.garbage.hint"))
	}
	if len(certs) == 0 {
		return nil, bad(0, nil, i18n.M("image.roots.none"), i18n.M("image.roots.none.hint"))
	}
	return certs, nil
}
