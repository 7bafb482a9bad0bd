package main

import (
	"cmp"
	"context"
	"fmt"

	"millrace/cmd/runtime/app"
)

type caCmd struct {
	target
}

// Run prints the certificate by which clients trust brokers, and beside it, on standard
// error, how they do.
func (c *caCmd) Run(ctx context.Context, term terminal) error {
	data := cmp.Or(c.Data, defaultData)
	if c.Endpoint != "" || !app.Exists(data) {
		var err error
		if data, err = c.folder(ctx); err != nil {
			return err
		}
	}
	pem, err := app.Root(data)
	if err != nil {
		return err
	}
	fmt.Fprint(term.err, `# The authority that signs the certificates of this runtime's brokers. Save it and point clients at it:
#
#   runtime ca > millrace-ca.pem
#   curl --cacert millrace-ca.pem https://127.0.0.1:15671/
#   pika:     ssl.create_default_context(cafile="millrace-ca.pem")
#   Go:       certs.AppendCertsFromPEM(pem), as RootCAs of a tls.Config
#   Java:     keytool -importcert -alias millrace -file millrace-ca.pem -keystore millrace.jks
#   Debian:   cp millrace-ca.pem /usr/local/share/ca-certificates/millrace.crt && update-ca-certificates
#
# Only this machine's user has its key: whoever has that can pass for any server to those who trust it.
`)
	_, err = term.out.Write(pem)
	return err
}
