package backbone

// Disconnect has the embedded server end the connection to it, as for a client
// that is too slow.
func (b *Backbone) Disconnect() error {
	clients, err := b.srv.Connz(nil)
	if err != nil {
		return err
	}
	for _, c := range clients.Conns {
		if err := b.srv.DisconnectClientByID(c.Cid); err != nil {
			return err
		}
	}
	return nil
}

// Disable shuts JetStream down, as the embedded server does by itself when a write
// is not permitted.
func (b *Backbone) Disable() error { return b.srv.ShutdownJetStream() }
