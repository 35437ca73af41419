package probe

import (
	"bufio"
	"fmt"
	"net"
	"strings"
)

// StartTLSProtocols are the protocols that begin in the clear.
var StartTLSProtocols = []string{"postgres", "smtp", "imap"}

// startTLS speaks a protocol in the clear up to where TLS begins.
func startTLS(conn net.Conn, protocol string) error {
	switch protocol {
	case "":
		return nil
	case "postgres":
		// SSLRequest: length 8, code 80877103 (PostgreSQL, Message Formats).
		if _, err := conn.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47}); err != nil {
			return err
		}
		var b [1]byte
		if _, err := conn.Read(b[:]); err != nil {
			return err
		}
		if b[0] != 'S' {
			return fmt.Errorf("the server answers %q to SSLRequest: it is set up without TLS", string(b[:]))
		}
		return nil
	case "smtp": // RFC 3207
		return dialogue(conn, []string{"", "EHLO slipway.invalid\r\n", "STARTTLS\r\n"}, func(l string) (bool, bool) {
			return len(l) >= 4 && l[3] == ' ', strings.HasPrefix(l, "2")
		})
	case "imap": // RFC 9051, section 6.2.1
		return dialogue(conn, []string{"", "a STARTTLS\r\n"}, func(l string) (bool, bool) {
			return strings.HasPrefix(l, "* OK") || strings.HasPrefix(l, "a "), !strings.HasPrefix(l, "a ") || strings.HasPrefix(l, "a OK")
		})
	}
	return fmt.Errorf("unknown protocol %q", protocol)
}

// dialogue sends each line and waits for the last line of the answer to it.
func dialogue(conn net.Conn, send []string, last func(line string) (end, ok bool)) error {
	br := bufio.NewReaderSize(&oneByOne{conn, 16 << 10}, 16)
	for _, s := range send {
		if _, err := conn.Write([]byte(s)); err != nil {
			return err
		}
		for {
			l, err := br.ReadString('\n')
			if err != nil {
				return err
			}
			end, ok := last(l)
			if !end {
				continue
			}
			if !ok {
				return fmt.Errorf("the server answers %q to %q", strings.TrimSpace(l), strings.TrimSpace(s))
			}
			break
		}
	}
	return nil
}
