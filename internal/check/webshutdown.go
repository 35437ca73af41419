package check

import (
	"path"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var noShutdown = Rule{
	ID: "WEB009", Slug: "no-graceful-shutdown", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.web009.title"), Why: i18n.M("rule.web009.why"), Fix: i18n.M("rule.web009.fix"),
	Bad:  "log.Fatal(srv.ListenAndServe())",
	Good: "ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)\ndefer stop()\ngo srv.ListenAndServe()\n<-ctx.Done()\nsrv.Shutdown(context.Background())",
	Run:  runNoShutdown,
}

// runNoShutdown finds programs that a repository puts into an image, that
// serve HTTP, and nowhere care for the signal which ends a container.
func runNoShutdown(r *facts.Repo) []finding.Finding {
	images := map[string]facts.Pos{} // directory of a program → the line that starts it in an image
	for _, b := range r.Builds() {
		if b.Runtime == nil || len(b.Packages) != 1 {
			continue
		}
		pos := b.Go.Pos
		if e := b.Runtime.Entrypoint; e != nil {
			pos = e.Pos
		} else if c := b.Runtime.Cmd; c != nil {
			pos = c.Pos
		}
		images[b.Packages[0]] = pos
	}
	if len(images) == 0 {
		return nil
	}
	serves := func(g *facts.GoFile) bool { return hasSite(g, serving...) && shipped(g) }
	var out []finding.Finding
	for _, p := range webPrograms(r, serves) {
		started, ok := images[p.Dir]
		if !ok || len(p.Sites(".Shutdown", "os/signal.Notify", "os/signal.NotifyContext")) > 0 || p.ImportsAny(mayEndWell) {
			continue
		}
		var open []*facts.Site
		for _, s := range p.Sites(serving...) {
			if path.Dir(s.Pos.File) != path.Clean(p.Dir) && strings.Contains(s.Func, "ListenAndServe") {
				continue // one way of a library to serve, which this program need not take
			}
			local := len(s.Args) > 0 && facts.Loopback(s.Args[0].Text)
			if s.Kind != facts.SiteRef && !local && (s.Kind == facts.SiteCall || strings.HasPrefix(s.What, ".Listen")) {
				open = append(open, s)
			}
		}
		if len(open) == 0 {
			continue
		}
		out = append(out, finding.Finding{
			Pos: open[0].Pos, Entity: entity("shutdown", p.Dir), Message: i18n.M("rule.web009.message", p.Dir),
			Evidence: []finding.Evidence{{Pos: started, Text: i18n.M("rule.web009.image")}},
		})
	}
	return out
}

var serving = []string{"net/http.ListenAndServe", "net/http.ListenAndServeTLS", ".ListenAndServe", ".ListenAndServeTLS"}

// mayEndWell reports whether a package from elsewhere may care for signals:
// one for the life of a program, or a framework.
func mayEndWell(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	if !strings.Contains(first, ".") {
		return false
	}
	for w := range strings.FieldsFuncSeq(strings.ToLower(importPath), func(c rune) bool { return strings.ContainsRune("/-_.", c) }) {
		switch w {
		case "fx", "run", "runtime", "graceful", "grace", "manners", "signals", "signal", "shutdown", "tableflip", "endless", "suture", "lifecycle", "life",
			"service", "services", "framework", "kit", "dskit", "app", "server", "daemon", "supervisor", "process", "ctx", "context", "manager", "bootstrap", "exit", "cli", "cmd", "launcher", "overseer", "component":
			return true
		}
		if strings.Contains(w, "shutdown") || strings.Contains(w, "graceful") || strings.Contains(w, "signal") {
			return true
		}
	}
	return false
}
