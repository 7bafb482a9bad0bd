package record

// Rows counts what the mirror has, also of what is gone.
func (s *Store) Rows() int { return len(s.all()) }
