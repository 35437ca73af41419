package facts

// tlsSites is what the TLS rules ask for.
var tlsSites = []siteAsk{
	{
		pkgs:   []string{"crypto/tls"},
		names:  []string{"Config"},
		fields: []string{"InsecureSkipVerify", "MinVersion", "CurvePreferences", "VerifyConnection", "VerifyPeerCertificate"},
		reads:  []string{"OCSPResponse"},
	},
}
