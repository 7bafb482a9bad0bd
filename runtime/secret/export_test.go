package secret

// RecordKeys are the keys of all records of secrets and of values.
func (s *Secrets) RecordKeys() (secrets, values []string) {
	return s.secrets.Keys(""), s.values.Keys("")
}
