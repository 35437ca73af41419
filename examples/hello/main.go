// Command hello is a service as small as they come: HTTP, JSON, one handler.
// Every Go release since 1.20 builds it, so that releases can be compared with
// one another.
//
//	hello [PORT]
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

func main() {
	addr := ":8080"
	if len(os.Args) > 1 {
		addr = "127.0.0.1:" + os.Args[1]
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"hello": r.URL.Path})
	})
	log.Fatal(http.ListenAndServe(addr, nil))
}
