package main

import (
	"crypto/tls"
	"net/http"
)

// insecure is what is found on the first page of any search for "certificate
// signed by unknown authority".
func insecure() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}
